"""Finds probably wrong labels and useless pictures."""
