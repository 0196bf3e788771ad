"""Helpers of the benchmark scripts."""

import sys
from pathlib import Path

# `python benchmarks/NAME.py` puts benchmarks/ alone on the path; reproductions/ lies beside it.
sys.path.append(str(Path(__file__).parents[2]))
