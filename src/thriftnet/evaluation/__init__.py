"""Evaluation: metrics, intervals, calibration, corruptions, and detection of other images."""
