"""Augmentations against corrupted images: AugMix, primitives like PRIME's, noise and JPEG copies.

Each changes a drawn share of a batch and leaves the other images as they are. `Robust` holds their
settings and applies them in that order.
"""
