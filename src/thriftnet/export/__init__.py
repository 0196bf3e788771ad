"""A trained network as a file for other runtimes, which says the same as the network or is refused.

`targets.TARGETS` lists what can be written; `export_model` writes, runs and compares it.
"""
