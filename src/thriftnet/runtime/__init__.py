"""The machine: device and precision, threads, memory, contention, signals and resizing."""
