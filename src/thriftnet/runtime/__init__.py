"""What a machine can do: device, precision, memory, threads, resizing."""
