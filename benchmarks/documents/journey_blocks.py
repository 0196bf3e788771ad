"""Blocks of docs/journeys.md: what the commands of a journey printed."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from documents.own_blocks import shortened
from documents.quoting import ROOT, duration, machine, result

JOURNEYS = {
    "baseline": "A student's baseline",
    "pictures": "A folder of pictures to one HTML file",
    "seeds": "Two recipes over seeds",
    "search": "A search",
}
"""Names of those that are recorded, and their sections. The fifth needs a GPU."""
_SCRIPT = "journeys.py"


def section(title: str) -> str:
    """A section of docs/journeys.md."""
    text = (ROOT / "docs" / "journeys.md").read_text("utf-8")
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def commands(title: str) -> tuple[str, ...]:
    """The commands of a section, without their comments."""
    shown = re.sub(r"<!-- begin .*?<!-- end ", "", section(title), flags=re.DOTALL)
    lines = re.findall(r"^thriftnet .*$", shown, re.MULTILINE)
    return tuple(re.sub(r"\s+#.*", "", line) for line in lines)


def transcript(name: str) -> str:
    """What the commands printed; of trainings in a row, the first one's output alone."""
    figures = result(f"journey_{name}")
    if figures is None:
        return f"Not recorded yet (`python benchmarks/{_SCRIPT} {name}`)."
    parts: list[str] = []
    trained = False
    for command, output in zip(figures["commands"], figures["outputs"], strict=True):
        again = trained and command.startswith("thriftnet train ")
        trained = command.startswith("thriftnet train ")
        parts.append(f"$ {command}\n{'...' if again else shortened(output.rstrip())}")
    text = "\n\n".join(parts)
    took = duration(sum(figures["seconds"]))
    return f"```\n{text}\n```\n\nRecorded in {took} on {machine(figures)}."


JOURNEY_BLOCKS: dict[str, Callable[[], str]] = {
    f"journey-{name}": partial(transcript, name) for name in JOURNEYS
}
