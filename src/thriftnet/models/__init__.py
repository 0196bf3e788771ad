"""Network families, their costs, and model files with metadata, preprocessing and calibration."""
