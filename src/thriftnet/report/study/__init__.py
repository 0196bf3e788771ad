"""Report of a study as a page and figures."""
