"""Explains predictions by class-activation maps and the nearest training images."""
