"""The checkpoints of a run: the files, their bytes, and a scan before torch reads them."""
