"""Figures of a training: loss, accuracy, steps, learning rate, time, and what it used."""
