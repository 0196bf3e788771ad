"""The command line: one thin function per command that parses, calls and prints.

Modules that import torch (seconds) are imported by the command that needs them, so that `--help`
and a mistyped option answer at once.
"""

from thriftnet.cli.app import app, main

# Each module adds its commands to the application, in the order in which --help lists them.
# isort: off
from thriftnet.cli import train, evaluate, predict, calibrate, inspect, audit, explain, watch
from thriftnet.cli import report, compare, runs, search, export, serve, facts

# isort: on
from thriftnet.cli.options.examples import add_examples

add_examples(app)

__all__ = ["app", "audit", "calibrate", "compare", "evaluate", "explain", "export", "facts"]
__all__ += ["inspect", "main", "predict", "report", "runs", "search", "serve", "train", "watch"]
