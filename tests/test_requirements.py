"""The lock files hold what pyproject.toml asks for, and what `pip install thriftnet` leaves out."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]


def pins(name: str) -> dict[str, str]:
    """Versions by normalised name; every one has a hash."""
    text = (ROOT / "requirements" / name).read_text("utf-8")
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=\S)", text):
        if entry.startswith("#") or not entry.strip():
            continue
        pinned = re.match(r"([a-z0-9-]+)==(\S+) [^\n]*\\\n    --hash=sha256:[0-9a-f]{64}", entry)
        assert pinned, entry
        found[pinned[1]] = pinned[2]
    return found


def wanted(*extras: str) -> Iterator[Requirement]:
    """What the package and its extras ask for, with the extras that those name."""
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    for requirement in map(Requirement, lines):
        if requirement.name == PROJECT["name"]:
            yield from wanted(*sorted(requirement.extras))
        else:
            yield requirement


@pytest.mark.parametrize("requirement", list(wanted("dev")), ids=lambda r: r.name)
def test_the_locks_hold_what_is_asked_for(requirement: Requirement):
    locked = {**pins("dev.lock"), **pins("torch.lock")}
    name = re.sub(r"[-_.]+", "-", requirement.name).lower()
    assert requirement.specifier.contains(locked[name]), "run: make lock"


@pytest.mark.parametrize("requirement", list(wanted("litert", "executorch")), ids=lambda r: r.name)
def test_the_layer_of_mobile_runtimes_is_locked_too(requirement: Requirement):
    locked = {**pins("mobile.lock"), **pins("torch.lock")}
    name = re.sub(r"[-_.]+", "-", requirement.name).lower()
    assert requirement.specifier.contains(locked[name]), "run: make lock"


def test_both_builds_of_torch_are_of_one_version():
    assert pins("torch-cpu.lock") == {"torch": f"{pins('torch.lock')['torch']}+cpu"}


def test_cuda_is_asked_for_by_no_other_lock():
    cuda = pins("cuda.lock")
    assert all(re.match("cuda|nvidia|triton", name) for name in cuda)
    assert not cuda.keys() & pins("dev.lock").keys()


def test_the_package_itself_needs_no_extra():
    core = {Requirement(line).name for line in PROJECT["dependencies"]}
    assert not core & {Requirement(line).name for line in EXTRAS["search"] + EXTRAS["cluster"]}
