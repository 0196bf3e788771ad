"""The fifteen corruptions of CIFAR-10-C as batched tensor code.

Constants are those of CIFAR-10-C's generator (Hendrycks and Dietterich 2019, arXiv 1903.12261),
which differ from ImageNet-C's. Lengths in pixels apply to 32-pixel images and scale with larger
ones. Frost and motion blur differ from the published ones: frost is a fractal instead of
photographs, and motion blur follows ImageMagick's documentation.
"""
