"""Tables in a terminal: aligned, within its width, and free of control characters."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from thriftnet.table import make_table
from thriftnet.terminal.tables import narrowed, print_table, table_lines, wrapped_lines

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
    assert max(map(cell_len, lines)) <= max(room, 2 + 20 + 20)
    assert ("…" in lines[2]) == (room < 64)


def test_columns_are_left_out_in_order_only_where_there_is_no_room():
    drop = ("share", "count")
    assert narrowed(TABLE, room=40, shrink="note", drop=drop) == TABLE
    assert narrowed(TABLE, room=34, shrink="note", drop=drop).columns == ("name", "count", "note")
    assert narrowed(TABLE, room=26, shrink="note", drop=drop).columns == ("name", "note")


def test_a_name_cannot_move_the_cursor():
    (line,) = table_lines(make_table(("name",), [("\x1b[2J",)]), head=False)
    assert "\x1b" not in line


def test_without_rows_the_names_stand_alone():
    assert table_lines(make_table(("a", "b"), [])) == ["a  b"]
    assert table_lines(make_table(("a", "b"), []), head=False) == []


def test_names_that_are_cut_are_still_told_apart():
    names = [f"greenhouse-camera-learning-rate-{rate}-s0" for rate in (0.01, 0.02, 0.03)]
    table = make_table(("name", "accuracy"), [(name, 0.5) for name in names])
    _, *lines = table_lines(table, room=30, shrink="name")
    assert [line.split()[0] for line in lines] == ["…0.01-s0", "…0.02-s0", "…0.03-s0"]
    assert len({line.split()[0] for line in table_lines(table, room=22, shrink="name")}) == 4


def test_a_table_that_is_too_wide_is_printed_in_parts_that_lose_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "50")
    print_table(TABLE)
    parts = capsys.readouterr().out.rstrip().split("\n\n")
    assert [part.split("\n")[0].split() for part in parts] == [["name", "count", "share"],
                                                              ["name", "note"]]  # fmt: skip
    assert "a note of many words, longer than the rest" in parts[1]
    monkeypatch.delenv("COLUMNS")
    print_table(TABLE)
    assert capsys.readouterr().out.splitlines() == table_lines(TABLE)


def test_where_two_columns_are_too_wide_each_row_is_a_record(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "40")
    print_table(TABLE)
    assert capsys.readouterr().out.split("\n\n")[1].splitlines() == [
        "name   日本",
        "count  –",
        "share  25.0%",
        "note   a note of many words, longer than",
        "       the rest",
    ]


@pytest.mark.parametrize("width", [40, 44, 60])
def test_the_columns_of_runs_fit_a_narrow_terminal_and_lose_no_figure(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", str(width))
    names = [f"greenhouse-camera-learning-rate-{rate}-s0" for rate in (0.01, 0.02)]
    figures = ("1,234,567,890", "0.9123", "0.8 to 0.95", "12,345.6")
    table = make_table(
        ("name", "max parameters", "balanced accuracy", "interval", "seconds"),
        [(name, *figures) for name in names],
    )
    print_table(table, shrink="name")
    told = capsys.readouterr().out
    assert max(map(cell_len, told.splitlines())) <= width
    assert [told.count(figure) for figure in figures] == [2] * 4
    assert told.count("0.01-s0") == told.count("0.02-s0") > 0


def test_where_the_other_columns_are_wide_the_last_one_stands_below():
    told = wrapped_lines(TABLE, room=36)
    assert told[-3:] == [
        "日本      –  25.0%",
        "    a note of many words, longer",
        "    than the rest",
    ]


@pytest.mark.parametrize("room", [40, 60])
def test_a_sentence_in_the_last_column_continues_below_itself(room: int):
    lines = wrapped_lines(TABLE, room=room)
    assert max(map(cell_len, lines)) <= room
    at = lines[0].index("note")
    assert lines[1] == "a     1,000  50.0%  short"
    assert lines[2].startswith("日本      –  25.0%  a note of")
    assert all(line[:at].isspace() for line in lines[3:])
    assert " ".join(line[18:].strip() for line in lines[2:]) == (
        "a note of many words, longer than the rest"
    )
