"""The fifteen corruptions of CIFAR-10-C as batched tensor code.

The constants are those of CIFAR-10-C's own generator (Hendrycks and Dietterich 2019, arXiv
1903.12261), which are others than ImageNet-C's. Lengths in pixels are those of 32 pixels and grow
with the side of larger images. Frost and motion blur are our own: frost is drawn by a fractal in
place of photographs, motion blur repeats what ImageMagick documents.
"""
