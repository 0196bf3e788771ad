"""A release has one version and one date, wherever they stand."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
RELEASES = re.findall(
    r"^## (\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)$",
    (ROOT / "CHANGELOG.md").read_text("utf-8"),
    re.MULTILINE,
)


def test_the_changelog_begins_with_the_version_or_with_what_comes_after_it() -> None:
    assert RELEASES[0][0] == VERSION
    heads = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert heads[0] in {"Unreleased", f"{VERSION} ({RELEASES[0][1]})"}


def test_the_citations_name_the_version_and_its_date() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert (cited["version"], str(cited["date-released"])) == RELEASES[0]
    readme = (ROOT / "README.md").read_text("utf-8")
    assert re.findall(r"note *= *\{version (.*)\}", readme) == [VERSION]
    assert re.findall(r"year *= *\{(\d+)\}", readme) == [RELEASES[0][1][:4]]
