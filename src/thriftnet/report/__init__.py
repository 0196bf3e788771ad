"""Figures of runs, and the one-file page that holds them."""
