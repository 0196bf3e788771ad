"""Comparison of runs: statistics over seeds and images, and conclusions in sentences."""
