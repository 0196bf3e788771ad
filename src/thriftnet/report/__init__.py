"""Reports of runs and studies: figures, and one HTML page that contains them."""
