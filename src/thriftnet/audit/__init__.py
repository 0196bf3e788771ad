"""Find labels that are probably wrong, and pictures that teach nothing."""
