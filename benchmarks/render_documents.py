"""Write the figures of results/ into the documents that quote them.

    python benchmarks/render_documents.py

A document holds `<!-- begin NAME -->` and `<!-- end NAME -->`; what stands between is replaced
by the block of that name below. Nobody types a figure; a test fails when a document and its
results disagree.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("README.md",)
_LONG = 5400.0


def result(name: str) -> dict[str, Any] | None:
    """A file of results/, or none where it was not measured yet."""
    path = ROOT / "results" / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def duration(seconds: float) -> str:
    """Seconds for reading."""
    return f"{seconds / 3600:.1f} h" if seconds > _LONG else f"{seconds / 60:.1f} min"


def machine(figures: dict[str, Any]) -> str:
    """What the figures were measured on."""
    facts = figures["machine"]
    commit = (figures["commit"] or "unknown")[:10]
    return (
        f"{facts['processor']}, {facts['threads']} cores, torch {facts['torch']}, "
        f"{figures['date']}, commit {commit}"
    )


def recipes_block() -> str:
    """The table of recipes: what each costs, and what it reached where it was trained."""
    speeds = result("recipe_speed")
    assert speeds is not None
    rows = [
        "| recipe | parameters | MACs an image | training | time, two cores | test accuracy |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name in ("quick", "smoke", "paper", "paper-sgd", "authors"):
        cost = speeds["recipes"][name]
        trained = result(f"train_{name}")
        time = f"≈ {duration(cost['expected_seconds'])} expected"
        accuracy = "not measured yet"
        if trained:
            walls = [run["wall_seconds"] for run in trained["runs"] if run["wall_seconds"]]
            time = f"{duration(sum(walls) / len(walls))} measured, all of it"
            accuracy = accuracy_text(trained)
        rows.append(
            f"| `{name}` | {cost['parameters']:,} | {cost['macs'] / 1e6:.1f}M | "
            f"{cost['epochs']:g} epochs, {cost['pflop']:.3g} PFLOP | {time} | {accuracy} |"
        )
    return "\n".join([*rows, "", f"Measured on {machine(speeds)} (`results/`)."])


def accuracy_text(trained: dict[str, Any]) -> str:
    """Mean and spread over seeds, with and without test-time augmentation."""
    runs = trained["runs"]
    plain = sum(run["accuracy_without_tta"] for run in runs) / len(runs)
    spread = f" ± {trained['sd_accuracy']:.2%} (sd)" if trained["sd_accuracy"] else ""
    count = f"{len(runs)} seed{'s' if len(runs) > 1 else ''}"
    return f"{trained['mean_accuracy']:.2%}{spread}, {count}; {plain:.2%} without TTA"


def transcript_block(name: str) -> str:
    """What a command printed, from results/NAME.txt."""
    text = (ROOT / "results" / f"{name}.txt").read_text("utf-8").rstrip()
    return f"```\n{text}\n```"


def parity_block() -> str:
    """How far our loop is from a plain one."""
    figures = result("paper_parity")
    assert figures is not None
    return (
        f"Over {figures['steps']} steps of `paper` in fp32 (batch {figures['batch_size']}) the "
        f"losses differ from a plain PyTorch loop's by at most {figures['largest_difference']:.1e} "
        "(`benchmarks/paper_parity.py`, `results/paper_parity.json`)."
    )


BLOCKS: dict[str, Callable[[], str]] = {
    "recipes": recipes_block,
    "make-train": lambda: transcript_block("make_train"),
    "make-test": lambda: transcript_block("make_test"),
    "parity": parity_block,
}


def rendered(text: str) -> str:
    """A document with every block made anew."""

    def block(match: re.Match[str]) -> str:
        name = match.group(1)
        return f"<!-- begin {name} -->\n{BLOCKS[name]()}\n<!-- end {name} -->"

    return re.sub(r"<!-- begin ([\w-]+) -->.*?<!-- end \1 -->", block, text, flags=re.DOTALL)


def main() -> None:
    """Render every document; with --check, only say whether they are up to date."""
    stale = False
    for name in DOCUMENTS:
        path = ROOT / name
        old = path.read_text("utf-8")
        new = rendered(old)
        stale = stale or new != old
        if "--check" not in sys.argv:
            path.write_text(new, "utf-8")
    if "--check" in sys.argv and stale:
        sys.exit("documents and results disagree; run: python benchmarks/render_documents.py")


if __name__ == "__main__":
    main()
