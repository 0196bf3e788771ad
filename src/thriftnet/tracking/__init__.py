"""Runs shown by TensorBoard and MLflow, from the lines of their metrics."""
