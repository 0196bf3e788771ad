"""Fused CPU kernels, the library they are compiled into, and workarounds for oneDNN."""
