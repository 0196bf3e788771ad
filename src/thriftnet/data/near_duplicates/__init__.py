"""Near-duplicates: fingerprints of pictures, and finding similar ones."""
