"""Filters, sorting and columns of the list of runs."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, cast, get_args

from thriftnet.elsewhere.keys import key_meant
from thriftnet.elsewhere.tables import answer_to
from thriftnet.errors import RunError
from thriftnet.recipe import Recipe
from thriftnet.recipe.keys import flatten
from thriftnet.recipe.model_sections import ModelSection
from thriftnet.runs.listing import COLUMNS, ListedRun, Value
from thriftnet.table import MISSING

_NUMBER: dict[str, Callable[[float, float], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
_TEXT: dict[str, Callable[[str, str], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "=": lambda a, b: a == b or fnmatchcase(a, b),  # brackets of a list are not a pattern
    "!=": lambda a, b: not (a == b or fnmatchcase(a, b)),
}
_ELSEWHERE = {
    "name": "id run run_id run_name",
    "accuracy": "acc eval_accuracy metric score test_acc test_accuracy top1 top_1",
    "val_accuracy": "eval_acc val_acc",
    "seconds": "duration elapsed runtime time train_time",
    "started": "created created_at date when",
    "pflop": "compute flops gflops",
    "calibration_error": "ece",
    "state": "finished status",
}
"""What other trackers call the columns."""
_CONDITION = re.compile(r"\s*([^\s<>=!]+)\s*(>=|<=|!=|==|=|>|<)\s*(.*?)\s*", re.DOTALL)


@dataclass(frozen=True)
class Condition:
    """One `--where` condition: column, operator and value."""

    column: str
    sign: str
    """A key of `_NUMBER`."""
    given: str
    """As typed, for text a shell pattern such as `quick-*`; empty means no value."""

    def holds(self, run: ListedRun) -> bool:
        """Whether a run meets it; a run without a value meets only `COLUMN=` and `!=`.

        Raises:
            RunError: The column is numeric and the value is not.
        """
        value = run.value(self.column)
        if not self.given:
            return (value is None) == (self.sign == "=")
        if value is None:
            return self.sign == "!="
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _NUMBER[self.sign](value, self._number())
        given = self.given.replace(" ", "") if isinstance(value, list) else self.given
        return _TEXT[self.sign](as_text(value), given)

    def _number(self) -> float:
        try:
            number = float(self.given)
            if math.isnan(number):
                raise ValueError
            return number
        except ValueError:
            raise RunError(
                f"--where {self.column}{self.sign}{self.given}: {self.column} is a number; "
                f"compare it with one, such as {self.column}>0.5"
            ) from None


def parse_condition(text: str) -> Condition:
    """Parse `COLUMN=VALUE`, or with `!=`, `<`, `<=`, `>`, `>=`.

    Raises:
        RunError: The syntax is wrong, or there is no such column.
    """
    match = _CONDITION.fullmatch(text)
    if match and match[2] in {"<", "<=", ">", ">="} and not match[3]:
        raise RunError(f"--where {text!r} has no value; add one, as in {text}0.9")
    if not match:
        raise RunError(
            f"--where {text!r} is not a condition such as recipe=quick or 'accuracy>0.93' (quoted)"
        )
    column, sign, given = match.groups()
    return Condition(check_column(column), "=" if sign == "==" else sign, given)


def parse_columns(text: str) -> tuple[str, ...]:
    """Parse `name,seed,optim.lr`.

    Raises:
        RunError: There is no such column.
    """
    return tuple(check_column(column.strip()) for column in text.split(","))


def check_column(name: str) -> str:
    """Return the name if it is a column or a recipe key.

    Raises:
        RunError: It is neither; the message suggests the closest.
    """
    known = [*COLUMNS, *recipe_keys()]
    if name in known:
        return name
    word = name.casefold().replace("-", "_")
    meant = answer_to(word, _ELSEWHERE) or key_meant(name, known)
    hint = f"; did you mean {meant}? Columns" if meant else "; columns"
    raise RunError(
        f"{name!r} is neither a column nor a recipe key{hint} are {', '.join(COLUMNS)}, and recipe "
        "keys such as optim.lr"
    )


def recipe_keys() -> list[str]:
    """All dotted keys of recipes of any family."""
    families: tuple[Any, ...] = get_args(get_args(ModelSection)[0])
    keys: dict[str, None] = {}
    for section in families:
        family = get_args(section.model_fields["family"].annotation)[0]
        recipe = Recipe(name="any", model=section(family=family))
        keys |= dict.fromkeys(flatten(recipe.model_dump(mode="json")))
    return list(keys)


def select_runs(
    runs: Iterable[ListedRun], conditions: Sequence[Condition], *, sort: str, reverse: bool
) -> list[ListedRun]:
    """The runs that meet every condition, sorted; missing values sort first.

    Raises:
        RunError: A condition compares a number with text.
    """
    kept = [run for run in runs if all(condition.holds(run) for condition in conditions)]
    return sorted(kept, key=lambda run: _order(run.value(sort)), reverse=reverse)


def _order(value: Value) -> tuple[int, float, str]:
    if value is None:
        return (0, 0.0, "")
    if isinstance(value, int | float):
        return (1, float(value), "")
    return (2, 0.0, as_text(value))


def as_text(value: Any) -> str:
    """Format a value as on the command line: true, [1,2,3], quick; None as a dash."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(as_text, cast('list[Any]', value)))}]"
    return str(value)
