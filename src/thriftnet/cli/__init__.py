"""The command line: one thin function a command that parses, calls and prints.

Modules that import torch (seconds) are imported by the command that needs them, so that `--help`
and a mistyped option answer at once.
"""

from thriftnet.cli.app import app, main

# Each module adds its commands to the application, in the order in which --help lists them.
# isort: split
from thriftnet.cli import workflow

# isort: split
from thriftnet.cli import inspect

# isort: split
from thriftnet.cli import watch

# isort: split
from thriftnet.cli import report

# isort: split
from thriftnet.cli import compare

# isort: split
from thriftnet.cli import runs

# isort: split
from thriftnet.cli import search

# isort: split
from thriftnet.cli import export

# isort: split
from thriftnet.cli import facts
from thriftnet.cli.examples import add_examples

add_examples(app)

__all__ = [
    "app",
    "compare",
    "export",
    "facts",
    "inspect",
    "main",
    "report",
    "runs",
    "search",
    "watch",
    "workflow",
]
