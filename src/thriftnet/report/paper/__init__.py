"""The paper's results beside what was measured here."""
