"""A user's own pictures: indexed by a source, decoded once, split, and opened as a data set."""
