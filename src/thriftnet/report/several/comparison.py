"""What `thriftnet compare` says of the runs of a page: the sentence and what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from thriftnet.commands import command
from thriftnet.comparison.compare import Comparison, Contrast, compare
from thriftnet.comparison.groups import ScoreGroup
from thriftnet.comparison.sentences import show_p
from thriftnet.comparison.statistics import ALPHA
from thriftnet.errors import ThriftnetError
from thriftnet.names import LONGEST, short_names
from thriftnet.report.page import Section, VerdictCard
from thriftnet.report.record import RunRecord
from thriftnet.table import Cell, Table, clock, make_table


def comparison_section(records: Sequence[RunRecord], missing: list[str]) -> Section | None:
    """Verdicts and intervals; None if no run can be compared.

    Args:
        records: The runs.
        missing: Gets a sentence for each run that is not compared.
    """
    paths = [record.run.path for record in records]
    again = command("compare", *(record.target for record in records))
    try:
        found = compare(paths, fetch=False)
    except ThriftnetError as fault:
        missing.append(f"No comparison: {fault}")
        return None
    missing += [f"Not compared: {reason}" for reason in found.left_out]
    if found.incomparable_reason:
        missing.append(f"No comparison: {found.incomparable_reason}")
    found = _with_short_names(found)
    cards = tuple(_card(contrast, found) for contrast in found.contrasts)
    tables = [_groups_table(found.groups)]
    if found.contrasts:
        tables.append(_contrasts_table(found))
    notes = VerdictCard("What the intervals say", words=" ".join(map(_sentence, found.notes)))
    return Section(
        "Comparison", (), tuple(tables), (("The same in a terminal:", again),), (*cards, notes)
    )


def _with_short_names(found: Comparison) -> Comparison:
    """The same without what all recipes begin with."""
    labels = [group.label for group in found.groups]
    names = dict(zip(labels, short_names(labels, longest=LONGEST), strict=True))
    return replace(
        found,
        groups=tuple(replace(group, label=names[group.label]) for group in found.groups),
        contrasts=tuple(
            replace(each, first=names[each.first], other=names[each.other])
            for each in found.contrasts
        ),
    )


def _sentence(note: str) -> str:
    return f"{note[:1].upper()}{note[1:]}."


_Tone = Literal["", "good", "open"]
_VERDICTS: dict[bool | None, tuple[str, str, _Tone]] = {
    True: ("✓", "significant difference", "good"),
    False: ("–", "no significant difference", ""),
    None: ("?", "not tested", "open"),
}
"""Mark, words and tone by whether a difference is significant; None: no test was possible."""


def _card(contrast: Contrast, found: Comparison) -> VerdictCard:
    """The sentence, with the interval and the p-value beside it."""
    p = contrast.p_corrected
    facts = [(f"{contrast.other} − {contrast.first}", f"{_signed(contrast.points)} points")]
    over = "over test images" if contrast.only_first is not None else "over seeds"
    if contrast.half_width is not None:
        facts.append((f"95% interval {over}", _interval(contrast.points, contrast.half_width)))
    if contrast.only_first is None and contrast.image_half_width is not None:
        ends = _interval(contrast.points, contrast.image_half_width)
        facts.append(("95% interval over test images", ends))
    if p is not None:
        by = f", {found.correction}" if found.correction else ""
        facts.append((f"{contrast.test}{by}", show_p(p)))
    mark, verdict, tone = _VERDICTS[None if p is None else p < ALPHA]
    named = p is None or p < ALPHA  # the sentence begins with a recipe's name, as it is spelt
    return VerdictCard(
        says=f"{contrast.verdict}." if named else _sentence(contrast.verdict),
        mark=mark,
        verdict=verdict,
        tone=tone,
        facts=tuple(facts),
    )


def _groups_table(groups: Sequence[ScoreGroup]) -> Table:
    """Each recipe with its mean and both intervals."""
    rows = [
        (
            group.label,
            len(group.scores),
            group.mean.mean,
            _ends(group.mean.mean, group.mean.half_width),
            _ends(group.mean.mean, group.image_half_width),
            group.balanced_accuracy,
            group.scores[0].macs,
            group.seconds,
        )
        for group in groups
    ]
    columns = (
        "recipe", "seeds", ("test accuracy", ".2%"), "95% over seeds", "95% over test images",
        ("balanced accuracy", ".2%"), "MACs", ("training", clock),
    )  # fmt: skip
    return make_table(columns, rows, title="Test accuracy")


def _contrasts_table(found: Comparison) -> Table:
    """Every recipe against the first."""
    rows = [
        (
            contrast.other,
            Cell(_signed(contrast.points), contrast.points),
            _points_cell(contrast.points, contrast.half_width if over_seeds else None),
            _points_cell(contrast.points, contrast.image_half_width),
            contrast.test,
            *(contrast.p, contrast.p_corrected),
            contrast.seeds_needed,
        )
        for contrast in found.contrasts
        for over_seeds in [contrast.only_first is None]
    ]
    columns = (
        "recipe", "points", "95% over seeds", "95% over test images", "test", ("p", ".2g"),
        ("p, corrected", ".2g"), "seeds needed",
    )  # fmt: skip
    title = f"Difference from {found.groups[0].label}"
    table = make_table(columns, rows, title=title)
    return table if found.correction else table.without("p, corrected")


def _ends(mean: float, half: float | None) -> Cell | None:
    return None if half is None else Cell(f"{mean - half:.2%} to {mean + half:.2%}", mean - half)


def _points_cell(points: float, half: float | None) -> Cell | None:
    return None if half is None else Cell(_interval(points, half), points - half)


def _interval(points: float, half: float) -> str:
    return f"{_signed(points - half)} to {_signed(points + half)}"


def _signed(points: float) -> str:
    return f"{points:+.2f}".replace("-", "−")
