"""thriftnet."""
