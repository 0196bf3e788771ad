"""What this machine can do: its convolution rate, and how fast recipes train and read here."""
