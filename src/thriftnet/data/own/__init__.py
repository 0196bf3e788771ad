"""A user's own pictures: listed by a source, decoded once, split, and opened as a data set."""
