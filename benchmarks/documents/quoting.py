"""Figures of results/ as documents quote them: a table, or a template that is filled in."""

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
from thriftnet.table import Table
from thriftnet.weights.card import Machine

ROOT = Path(__file__).parents[2]
_LONG = 5400.0
_HAD_AMX = {"Intel Xeon": True, "AMD EPYC": False}
"""Processors of files from before it was recorded: on the first, oneDNN named its kernels in
profile_quick.json."""
NOT_MEASURED = "not measured yet"

Figures = dict[str, Any]
Content = Callable[[Figures], Table | dict[str, Any]]
"""A block's table, or what its template needs besides the figures of the file."""


@dataclass(frozen=True)
class Block:
    """A part of a document that is made from one file of results/."""

    file: str
    """Its name without the ending."""
    script: str
    """Of benchmarks/, with its arguments: writes the file."""
    content: Content = lambda _: {}
    template: str = ""
    """Another block's, where two have the same."""
    machine: bool = True
    """Whether the whole file is of one machine, which is then told."""


def text_of(name: str, block: Block) -> str:
    """A block with its origin, or what to run where it was not measured yet.

    What a file holds of other machines, under `elsewhere`, follows.
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
    """A block of these figures."""
    content = block.content(figures)
    if isinstance(content, Table):
        return content.markdown()
    return render(f"{block.template or name}.md.j2", **{**figures, **content})


def render(template: str, **names: Any) -> str:
    """Fill in a template of `templates/`; a name that it does not know is an error.

    A line that ends in a backslash continues with the next one, whose spaces count.
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
    """A file of results/, or none where it was not measured yet."""
    path = ROOT / "results" / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def duration(seconds: float) -> str:
    """Seconds for reading."""
    return f"{seconds / 3600:.1f} h" if seconds > _LONG else f"{seconds / 60:.1f} min"


def with_amx(facts: Mapping[str, Any]) -> dict[str, Any]:
    """A machine's facts, and whether it has AMX where they do not say and it is known."""
    if facts.get("amx") is not None or "processor" not in facts:  # a move may be of a device alone
        return dict(facts)
    return {**facts, "amx": _HAD_AMX.get(facts["processor"])}


def where_trained(run: Mapping[str, Any]) -> str:
    """The machines of a run, in order; entries from before moves were kept have none."""
    names = machine_names(with_amx(run["machine"]), map(with_amx, run.get("moves", ())))
    return " and ".join(names)


def machines_of(runs: Iterable[Mapping[str, Any]]) -> list[str]:
    """Where runs were trained."""
    return sorted({where_trained(run) for run in runs})


def machine(figures: Figures) -> str:
    """What the figures were measured on."""
    facts = with_amx(figures["machine"])
    commit = (figures["commit"] or "unknown")[:10]
    return f"{machine_name(facts)}, torch {facts['torch']}, {figures['date']}, commit {commit}"


def card_machine(facts: Machine) -> str:
    """What a card says that something was computed on."""
    return f"{machine_name(with_amx(facts.model_dump()))} ({facts.device}, torch {facts.torch})"


def verdict(reached: bool, target: str) -> str:
    """Whether a target was reached."""
    return f"Target {target}: {'reached' if reached else '**not reached**'}."


def spread(values: list[float]) -> str:
    """Mean of shares, and their standard deviation where there are several."""
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
