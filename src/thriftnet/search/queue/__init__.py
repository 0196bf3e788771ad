"""Who runs a job: the queue in a database."""
