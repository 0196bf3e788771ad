"""Trackers: TensorBoard and MLflow, fed from a run's metrics."""
