"""Tables in a terminal: aligned, within its width, and free of control characters."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from thriftnet.table import make_table
from thriftnet.terminal.tables import narrowed, table_lines

TABLE = make_table(
    ("name", "count", ("share", ".1%"), "note"),
    [
        ("a", 1_000, 0.5, "short"),
        ("日本", None, 0.25, "a note of many words, longer than the rest"),
    ],
)


def test_numbers_stand_to_the_right_and_texts_to_the_left():
    assert table_lines(TABLE.without("note")) == [
        "name  count  share",
        "a     1,000  50.0%",
        "日本      –  25.0%",
    ]


@pytest.mark.parametrize("room", [30, 40, 60, 200])
def test_one_column_is_cut_to_the_room(room: int):
    lines = table_lines(TABLE, room=room, shrink="note", indent="  ")
    assert max(map(cell_len, lines)) <= max(room, 2 + 20 + 12)
    assert ("…" in lines[2]) == (room < 64)


def test_columns_are_left_out_in_order_only_where_there_is_no_room():
    drop = ("share", "count")
    assert narrowed(TABLE, room=34, shrink="note", drop=drop) == TABLE
    assert narrowed(TABLE, room=30, shrink="note", drop=drop).columns == ("name", "count", "note")
    assert narrowed(TABLE, room=20, shrink="note", drop=drop).columns == ("name", "note")


def test_a_name_cannot_move_the_cursor():
    (line,) = table_lines(make_table(("name",), [("\x1b[2J",)]), head=False)
    assert "\x1b" not in line


def test_without_rows_the_names_stand_alone():
    assert table_lines(make_table(("a", "b"), [])) == ["a  b"]
    assert table_lines(make_table(("a", "b"), []), head=False) == []
