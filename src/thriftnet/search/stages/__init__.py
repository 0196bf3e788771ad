"""The stages of a search: what to run next, and what each finds."""
