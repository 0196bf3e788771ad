"""The report of team Dreamfire2025: its claims, judged by results/, and its figures redrawn."""
