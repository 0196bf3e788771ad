"""Exports of trained networks for other runtimes, kept only if their predictions agree.

`targets.TARGETS` lists the formats; `export_model` writes, runs and compares an export.
"""
