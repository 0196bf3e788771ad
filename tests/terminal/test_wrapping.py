"""Lines are broken between words; paths and commands can be copied."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from thriftnet.wrapping import wrapped

SENTENCE = "the label cannot be encoded, so 日本日本 日本日本 is left out; see the table"


@pytest.mark.parametrize("width", [20, 30, 40])
@pytest.mark.parametrize("copied", [False, True])
def test_a_sentence_keeps_its_words_and_its_width(width: int, copied: bool) -> None:
    lines = wrapped(SENTENCE, width, first="- ", indent="  ", copied=copied)
    assert max(map(cell_len, lines)) <= width
    assert lines[0].startswith("- the")
    assert " ".join(line[2:] for line in lines) == SENTENCE


def test_a_path_that_is_longer_than_a_line_stays_whole_but_in_a_column() -> None:
    path = f"/home/{'pictures/' * 5}cat.jpg"
    assert wrapped(f"wrote {path} now", 30, indent="    ") == ["wrote", f"    {path}", "    now"]
    column = wrapped(f"wrote {path} now", 30, copied=False)
    assert max(map(cell_len, column)) == 30
    assert "".join(column).replace("wrote", "").replace("now", "").strip() == path


def test_a_command_is_not_broken_and_what_follows_it_is() -> None:
    again = "thriftnet train --resume 'runs/my run' --set train.epochs=3"
    told = f"interrupted; resume with: {again}; or begin anew with other settings"
    assert wrapped(told, 30, indent="  ") == [
        "interrupted; resume with:",
        f"  {again};",
        "  or begin anew with other",
        "  settings",
    ]
    both = wrapped(f"next: {again}   or   {again} b", 30)
    assert both == ["next:", again, "or", f"{again} b"]
    assert len(wrapped("a folder that thriftnet did not write and leaves alone", 30)) == 2


def test_what_wider_space_separates_stays_together_where_it_fits() -> None:
    told = "photos/1.jpg  cat 0.998  ripe tomato 0.001  a class of a long name 0.001"
    assert wrapped(told, 28, indent="    ") == [
        "photos/1.jpg  cat 0.998",
        "    ripe tomato 0.001  a",
        "    class of a long name",
        "    0.001",
    ]


def test_space_within_a_line_is_kept_and_at_its_ends_is_not() -> None:
    assert wrapped("  a  =  b", 20) == ["  a  =  b"]
    assert wrapped("0123456789  =  0123456789", 20) == ["0123456789  =", "0123456789"]
    assert wrapped("", 20, first="- ") == ["-"]
