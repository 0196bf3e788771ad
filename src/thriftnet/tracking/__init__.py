"""Trackers: TensorBoard, MLflow and Weights & Biases, fed from a run's metrics."""
