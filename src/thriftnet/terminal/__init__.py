"""How lists and comparisons of runs look in a terminal; nothing here waits for torch."""
