"""A table is the same on a page, in a document and in a terminal."""

import pytest

from thriftnet.table import Cell, amount, cell, make_table


def test_values_take_the_format_of_their_column_and_missing_ones_a_dash():
    table = make_table(
        ("name", ("share", ".1%"), ("time", "{:.0f} s".format), "count"),
        [("a", 0.5, 2.4, 12_345), ("b", None, None, None)],
    )
    assert [c.text for c in table.rows[0]] == ["a", "50.0%", "2 s", "12,345"]
    assert [c.text for c in table.rows[1]] == ["b", "–", "–", "–"]
    assert [c.value for c in table.rows[0]] == [None, 0.5, 2.4, 12_345.0]


def test_markdown_has_a_line_for_each_row_and_marks_what_is_strong():
    table = make_table(("a", "b"), [(Cell("x", strong=True), ""), (True, 2)])
    assert table.markdown() == "| a | b |\n| --- | --- |\n| **x** | |\n| True | 2 |"


def test_a_row_of_another_length_is_an_error():
    with pytest.raises(ValueError, match="zip"):
        make_table(("a", "b"), [(1,)])


@pytest.mark.parametrize(
    ("value", "text"), [(4_918_602, "4.92M"), (999, "999"), (1.5e9, "1.5G"), (-2_000, "-2k")]
)
def test_amounts_have_three_digits(value: float, text: str):
    assert amount(value) == text


def test_a_cell_stays_as_it_is():
    made = Cell("±1", 1.0)
    assert cell(made, ".2%") is made
