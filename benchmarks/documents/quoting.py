"""Renders blocks of documents from results/, as tables or templates."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from thriftnet.runtime.machine import machine_name, machine_names
from thriftnet.table import Format, Table
from thriftnet.weights.card import Machine

ROOT = Path(__file__).parents[2]
_LONG = 5400.0
_HAD_AMX = {"Intel Xeon": True, "AMD EPYC": False}
"""AMX of processors in files that do not record it; the first is from oneDNN's kernels in
profile_quick.json."""
NOT_MEASURED = "not measured yet"

Figures = dict[str, Any]
Content = Callable[[Figures], Table | dict[str, Any]]
"""A block's table, or additional values for its template."""


@dataclass(frozen=True)
class Block:
    """A part of a document, rendered from one file of results/."""

    file: str
    """Name of the file without suffix."""
    script: str
    """Script of benchmarks/ with arguments that writes the file."""
    content: Content = lambda _: {}
    template: str = ""
    """Name of a template shared with another block."""
    machine: bool = True
    """Whether the whole file was measured on one machine, which is then named."""


def text_of(name: str, block: Block) -> str:
    """Render a block with its origin, or the command to run if it was not measured yet.

    Results of other machines, in the file's `elsewhere`, follow.
    """
    figures = result(block.file)
    if figures is None:
        return f"Not measured yet (`python benchmarks/{block.script}`)."
    every = (figures, *figures.get("elsewhere", ()))
    return "\n\n".join(f"{block_text(name, block, one)}\n\n{_origin(block, one)}" for one in every)


def _origin(block: Block, figures: Figures) -> str:
    file, command = f"`results/{block.file}.json`", f"python benchmarks/{block.script}"
    if block.machine:
        return f"{file}: `{figures['command']}`; {machine(figures)}."
    return f"{file}, by `{command}`; trained on {'; '.join(machines_of(figures['runs']))}."


def block_text(name: str, block: Block, figures: Figures) -> str:
    """Render a block from these values."""
    content = block.content(figures)
    if isinstance(content, Table):
        return content.markdown()
    return render(f"{block.template or name}.md.j2", **{**figures, **content})


def render(template: str, **names: Any) -> str:
    """Render a template of `templates/`; undefined names are errors.

    A line that ends in a backslash continues on the next one, including its spaces.
    """
    folder = Path(__file__).parent / "templates"
    pages = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FileSystemLoader(folder),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    pages.filters.update(FILTERS)
    return re.sub(r"\\\n", "", pages.get_template(template).render(**names)).rstrip("\n")


def result(name: str) -> Figures | None:
    """Read a file of results/; None if it was not measured yet."""
    path = ROOT / "results" / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def duration(seconds: float) -> str:
    """Format seconds for people."""
    return f"{seconds / 3600:.1f} h" if seconds > _LONG else f"{seconds / 60:.1f} min"


def with_amx(facts: Mapping[str, Any]) -> dict[str, Any]:
    """A machine's facts, with AMX added if they lack it and it is known."""
    if facts.get("amx") is not None or "processor" not in facts:  # a move may be of a device alone
        return dict(facts)
    return {**facts, "amx": _HAD_AMX.get(facts["processor"])}


def where_trained(run: Mapping[str, Any]) -> str:
    """The machines of a run, in order; old entries have no moves."""
    names = machine_names(with_amx(run["machine"]), map(with_amx, run.get("moves", ())))
    return " and ".join(names)


def machines_of(runs: Iterable[Mapping[str, Any]]) -> list[str]:
    """Machines of runs."""
    return sorted({where_trained(run) for run in runs})


def machine(figures: Figures) -> str:
    """Describe the machine of a measurement."""
    facts = with_amx(figures["machine"])
    commit = (figures["commit"] or "unknown")[:10]
    return f"{machine_name(facts)}, torch {facts['torch']}, {figures['date']}, commit {commit}"


def card_machine(facts: Machine) -> str:
    """Describe the machine in a model card."""
    return f"{machine_name(with_amx(facts.model_dump()))} ({facts.device}, torch {facts.torch})"


def verdict(reached: bool, target: str) -> str:
    """Say whether a target was reached."""
    return f"Target {target}: {'reached' if reached else '**not reached**'}."


def spread(values: list[float]) -> str:
    """Format the mean of shares and, of several, their standard deviation."""
    text = f"{statistics.mean(values):.2%}"
    return f"{text} ± {statistics.stdev(values):.2%} (sd)" if len(values) > 1 else text


FILTERS: dict[str, Callable[..., Any]] = {
    "show": format,
    "percent": "{:.2%}".format,
    "count": "{:,}".format,
    "duration": duration,
    "origin": machine,
    "machine": card_machine,
    "spread": spread,
    "verdict": verdict,
}


def seconds(digits: int) -> Format:
    """Make a format for seconds with so many decimals."""
    return f"{{:.{digits}f}} s".format
