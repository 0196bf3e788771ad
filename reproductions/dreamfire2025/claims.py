"""What the paper claims, read from claims.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

Rule = Literal["at_least", "at_most", "equals", "ahead", "cannot"]


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Claim(_Plain):
    """One thing that the paper says, and what decides it. claims.yaml explains the keys."""

    name: str
    says: str
    where: str
    rule: Rule
    claimed: float | None = None
    form: Literal["percent", "points", "count", "number"] = "percent"
    file: str = ""
    key: str = ""
    recipe: str = ""
    within: float = 0.0
    larger_is_better: bool = False
    detail: str = ""
    command: str = ""
    because: str = ""

    @model_validator(mode="after")
    def _can_be_decided(self) -> Self:
        decided = bool(self.file and self.key and self.command and self.claimed is not None)
        if decided == bool(self.because) or decided == (self.rule == "cannot"):
            raise ValueError(f"{self.name}: a file, key, command and claimed figure, or because")
        return self


class Part(_Plain):
    """Claims that stand together in the paper."""

    title: str
    figures: tuple[str, ...]
    """Names of drawings, as `figures.FIGURES` has them."""
    claims: tuple[Claim, ...]


class Setting(_Plain):
    """A line of the paper's list of settings."""

    name: str
    says: str
    value: float | list[int]
    key: str
    """Of a recipe."""
    when: str = ""
    """The choice with which the key does something, such as `optim.name=sgd`; none: always."""


class Erratum(_Plain):
    """Something wrong in the paper, put right."""

    says: str
    where: str
    right: str


class Source(_Plain):
    """The paper itself."""

    title: str
    authors: str


class Claims(_Plain):
    """All of it."""

    paper: Source
    parts: tuple[Part, ...]
    settings: tuple[Setting, ...]
    errata: tuple[Erratum, ...]

    def every(self) -> Iterator[Claim]:
        """The claims of all parts, in the order of the paper."""
        return (claim for part in self.parts for claim in part.claims)


@cache
def read_claims() -> Claims:
    """The claims that come with the package."""
    text = (Path(__file__).parent / "claims.yaml").read_text("utf-8")
    return Claims.model_validate(yaml.safe_load(text))
