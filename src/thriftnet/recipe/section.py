"""Base class of recipe sections, and common value types."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, lt=1)]
"""A share in [0, 1)."""
Share = Annotated[float, Field(ge=0, le=1)]
"""A share in [0, 1]."""

PositiveInts = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]
Counts = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]


class Section(BaseModel):
    """A frozen section; unknown keys are errors."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )
