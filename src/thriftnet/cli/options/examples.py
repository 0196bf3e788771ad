"""The examples at the end of each command's --help, where options are listed in groups.

A test parses every example.
"""

from __future__ import annotations

import typer

from thriftnet.cli.options.panels import PanelCommand

EXAMPLES: dict[str, tuple[str, ...]] = {
    "train": (
        "thriftnet train quick --epochs 3 --name short",
        "thriftnet train --data photos/ --time-budget 10m",
        "thriftnet train --resume runs/short",
    ),
    "evaluate": (
        "thriftnet evaluate best",
        "thriftnet evaluate runs/short --data more-photos/ --json",
    ),
    "predict": (
        "thriftnet predict best photo.jpg",
        "thriftnet predict runs/short holiday/ -o labels.csv",
        "thriftnet predict runs/short holiday/ -o labels.csv --resume",
    ),
    "export": (
        "thriftnet export runs/short --to onnx -o network.onnx",
        "thriftnet export best --to onnx-int8",
        "thriftnet export best --to page",
    ),
    "push": ("thriftnet push runs/short you/short",),
    "pull": ("thriftnet pull you/short",),
    "serve": (
        "thriftnet serve best",
        "thriftnet serve runs/short --port 80 --host 0.0.0.0 --token-file token",
    ),
    "calibrate": (
        "thriftnet calibrate runs/mine --data labelled/",
        "thriftnet calibrate quick --companion runs/quick-companion --output quick.safetensors",
    ),
    "audit": (
        "thriftnet audit photos/",
        "thriftnet audit cifar10 --folds 4 --output audits/cifar10",
    ),
    "explain": (
        "thriftnet explain best photo.jpg",
        "thriftnet explain runs/short holiday/ -o why.html --maps maps",
    ),
    "inspect": ("thriftnet inspect photos/", "thriftnet inspect labels.csv --json"),
    "watch": ("thriftnet watch runs/short", "thriftnet watch runs/short --port 8000"),
    "report": ("thriftnet report runs/short", "thriftnet report runs/a-s0 runs/b-s0"),
    "compare": (
        "thriftnet compare runs/a-s0 runs/a-s1 runs/b-s0 runs/b-s1",
        "thriftnet compare best strong",
    ),
    "describe": ("thriftnet describe quick --set model.channels=[32,128,128]",),
    "bench": ("thriftnet bench", "thriftnet bench --recipe best"),
    "recipes": ("thriftnet recipes", "thriftnet recipes quick"),
    "runs": ("thriftnet runs --where 'accuracy>0.93'", "thriftnet runs runs/short best"),
    "runs gc": ("thriftnet runs gc --runs-dir studies/small",),
    "search": ("thriftnet search small", "thriftnet search status studies/small"),
    "search run": ("thriftnet search run small --workers 2",),
    "search status": ("thriftnet search status studies/small",),
}


def add_examples(app: typer.Typer, path: str = "") -> None:
    """Put examples and groups into the help of an application's commands."""
    for command in app.registered_commands:
        name = command.name or (command.callback.__name__ if command.callback else "")
        command.epilog, command.cls = _epilog(f"{path}{name}"), PanelCommand
    for group in app.registered_groups:
        if group.typer_instance is not None:
            group.epilog = _epilog(f"{path}{group.name}")
            add_examples(group.typer_instance, f"{path}{group.name} ")


def _epilog(name: str) -> str | None:
    lines = EXAMPLES.get(name, ())
    # \b keeps click from reflowing the lines.
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)]) if lines else None
