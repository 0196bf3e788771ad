"""An HTTP service for a network: one process, pictures in, probabilities out."""
