"""Workers: processes on this machine or on a Ray cluster, and their supervision."""
