"""A network as an HTTP service: one process, pictures in, probabilities out."""
