"""Benchmarks of this machine: its convolution rate, training and inference speed of recipes."""
