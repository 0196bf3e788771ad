"""Pages that are one file: nothing is loaded, and only the scripts inside run."""
