"""study: what a search found, as a page and figures."""
