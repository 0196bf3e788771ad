"""The run folder and all that knows its layout: log, listing, filters, state, cleanup; no torch."""
