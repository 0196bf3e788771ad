"""A recipe for pictures of one's own: facts are counted, changes tried, and rules decide."""
