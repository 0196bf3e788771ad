"""CIFAR-10: downloading, reading its official forms, verification and the cache."""
