"""The commands that pages show in fences, and a world in which they take a second or two."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from small import dataset, opened
from thriftnet.evaluation import images as tested
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.report import single
from thriftnet.training import resume, start
from thriftnet.training.automatic import resolve

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    *("thriftnet", "pip", "python3", "make", "tensorboard", "mlflow", "wandb", "curl", "openssl"),
    *("scp", "git", "torchrun"),
}
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def fences(text: str, language: str = "") -> list[str]:
    """What stands in fences of a language; without one, commands and no transcripts of them."""
    found: list[str] = []
    inside: list[str] | None = None
    for line in text.splitlines():
        if line.startswith("```"):
            if inside is None:
                inside, kind = [], line[3:]
            else:
                shown = "\n".join(inside)
                transcript = not language and re.search(r"^\$ ", shown, re.MULTILINE)
                found += [shown] if kind == language and not transcript else []
                inside = None
        elif inside is not None:
            inside.append(line)
    assert inside is None, "a fence that is not closed"
    return found


def lines(text: str) -> list[str]:
    """Command lines of a page, whatever program they call; files and trees are no commands."""
    found: list[str] = []
    for fence in fences(text):
        whole = fence.replace("\\\n", " ").splitlines()
        told = [" ".join(re.sub(r"(^|\s)#\s.*", "", each).split()) for each in whole]
        if any(each.split()[:1] and each.split()[0] in PROGRAMS for each in told):
            found += [each for each in told if each]
    return found


def transcribed(text: str) -> list[str]:
    """Commands of transcripts, whose lines begin with `$`."""
    return [line[2:] for line in text.splitlines() if line.startswith("$ ")]


def in_sentences(text: str) -> list[str]:
    """Commands of ours within sentences, whole or in part, as in `thriftnet report STUDY`."""
    found: list[str] = []
    for part in re.split(r"^```.*?^```", text, flags=re.MULTILINE | re.DOTALL):
        found += [" ".join(each.split()) for each in re.findall(r"`(thriftnet\s[^`]+)`", part)]
    return found


def section(page: str, title: str) -> str:
    """A section of a page in docs/, up to the next one of its level."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def words(line: str) -> list[str]:
    """A command line of ours as its arguments."""
    program, *rest = shlex.split(line)
    assert program == "thriftnet", line
    return rest


SHRUNK = ("model.channels=[4,8,16]", "train.batch_size=16", "train.micro_batch=0")
"""Of the recipe `quick`: a network of a few thousand parameters, and steps of few images."""


def shrunk(name: str, given: Sequence[str] = (), **options: Any) -> Recipe:
    """A shipped recipe with a tiny network, or the recipe of a tiny run."""
    small = () if name.endswith(".yaml") else SHRUNK
    return load_recipe(name, [*small, *given], **options)


def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """CIFAR-10 has 60 training and 20 test images, and recipes by name are shrunk."""
    few = opened(dataset(60), dataset(20, seed=1))
    for module in (start, resume, tested, single):
        monkeypatch.setattr(module, "open_data", lambda *_, **__: few)

    monkeypatch.setattr(resolve, "load_recipe", shrunk)
