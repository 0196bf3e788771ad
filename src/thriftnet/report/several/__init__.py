"""A report of several runs: recipes over each other, and what compare says of them."""
