"""Training: the loop, its objective and update, what it records, and how it resumes."""
