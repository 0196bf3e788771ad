"""Penultimate features of images, and the nearest images by them."""
