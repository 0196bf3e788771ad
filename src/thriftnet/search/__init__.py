"""Hyperparameter and architecture search: spaces, studies, stages, the job queue and workers."""
