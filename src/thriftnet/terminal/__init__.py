"""Terminal output of all commands; imports no torch."""
