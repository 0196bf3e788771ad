"""Tables as spreadsheets, other programs and slips of the hand leave them."""

from __future__ import annotations

from pathlib import Path

import pytest

from own_pictures import put_flat
from thriftnet.data.index import Index
from thriftnet.data.options import DatasetSpec
from thriftnet.data.own.open import list_pictures
from thriftnet.errors import DataError

ROWS = "images/c0.png,cat\nimages/c1.png,cat\nimages/d0.png,dog\nimages/d1.png,dog\n"


def index_of(folder: Path, text: str) -> Index:
    if not folder.exists():
        put_flat(folder)
    (folder / "all.csv").write_text(text)
    return list_pictures(folder / "all.csv", DatasetSpec())


def left_out(index: Index) -> dict[str, str]:
    return {each.where: each.fault for each in index.omissions}


@pytest.mark.parametrize(
    "text",
    [
        "sep=,\nfile,label\n" + ROWS,
        '"sep=;"\nfile;label\n' + ROWS.replace(",", ";"),
        "file,label\n" + ROWS.replace("\n", ",\n"),
        "file,label,,\n" + ROWS.replace("\n", ",,\n"),
        "file,label\n" + ROWS.replace("images/", "Images/").replace(".png", ".PNG"),
        "file,label\n" + ROWS.replace(".png", ""),
        "file,label\n" + ROWS.replace("images/", "IMAGES\\"),
    ],
)
def test_all_rows_are_used(tmp_path: Path, text: str) -> None:
    index = index_of(tmp_path / "t", text)
    assert [entry.label for entry in index.entries] == ["cat", "cat", "dog", "dog"]
    assert index.omissions == []


def test_a_quotation_mark_that_is_not_closed_names_all_of_its_lines(tmp_path: Path) -> None:
    text = "file,label\n" + ROWS + ROWS.replace("c0", "c2").replace("images/c1", '"images/c3')
    found = left_out(index_of(tmp_path / "t", text))
    assert (
        found["all.csv, lines 7 to 10"] == "1 cell, and 2 columns; a quotation mark is not closed"
    )


def test_a_row_of_several_lines_is_where_it_begins(tmp_path: Path) -> None:
    index = index_of(tmp_path / "t", "file,label\n" + ROWS + '\nimages/c2.png,"big\ncat"\nx,y\n')
    assert index.entries[-1].label == "big cat"
    assert list(left_out(index)) == ["all.csv, line 9"]


@pytest.mark.parametrize("title", ["# of 2024", "# of 2024\n# by hand", "file"])
def test_a_title_above_the_names_of_columns(tmp_path: Path, title: str) -> None:
    with pytest.raises(DataError) as told:
        index_of(tmp_path / "t", f"{title}\n{ROWS}")
    assert "line 1: 1 column name, and most rows have 2 cells; begin the table" in str(told.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("images", "images is a folder"),
        (
            "file:///data/c0.png",
            "file:///data/c0.png is a URL; write the path without file://",
        ),
        ("../c0.png", "../c0.png lies outside {folder}"),
        ("..c0.png", "..c0.png does not exist"),
    ],
)
def test_names_that_are_no_files(tmp_path: Path, name: str, said: str) -> None:
    folder = tmp_path / "t"
    index = index_of(folder, f"file,label\n{ROWS}{name},cat\n")
    assert left_out(index) == {"all.csv, line 6": said.format(folder=folder)}


def test_paths_that_two_pictures_have_but_for_their_case(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    put_flat(folder)
    (folder / "images/C0.png").write_bytes((folder / "images/c0.png").read_bytes())
    index = index_of(folder, f"file,label\n{ROWS}images/C0.PNG,cat\n")
    assert left_out(index)["all.csv, line 6"] == (
        "images/C0.PNG may be images/C0.png or images/c0.png"
    )


def test_tables_one_below_the_other_are_left_out_for_two_reasons(tmp_path: Path) -> None:
    index = index_of(tmp_path / "t", 2 * f"file,label\n{ROWS}")
    assert {each.reason for each in index.omissions} == {"does not exist", "is listed again"}
    assert len(index.omissions) == 5


def test_where_no_row_can_be_used_the_remedy_is_for_their_fault(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the split is 0; .*\); fix its rows$"):
        index_of(tmp_path / "t", "file,label,split\n" + ROWS.replace("\n", ",0\n"))
    with pytest.raises(DataError, match=r"does not exist\); write a file name that is relative"):
        index_of(tmp_path / "t", "file,label\n" + ROWS.replace("/", "/of/"))
