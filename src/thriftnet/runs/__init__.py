"""The run folder: layout, metrics log, listing, filters, state and cleanup, without torch."""
