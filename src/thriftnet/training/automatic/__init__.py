"""Chooses a recipe for a user's own pictures, by rules and short trials."""
