"""The command on a page writes the page where it is."""

from __future__ import annotations

from pathlib import Path

from thriftnet.report.build import names_output
from thriftnet.report.page import THIS_PAGE, Page, Section, render


def page() -> Page:
    commands = ((THIS_PAGE, "thriftnet report runs/a"), ("Another:", "thriftnet evaluate runs/a"))
    return Page("a", "", (), (), (Section("Commands", commands=commands),), "")


def test_a_folder_that_was_given_is_in_the_command_of_the_page(tmp_path: Path) -> None:
    assert names_output(page(), None) == page()
    text = render(names_output(page(), tmp_path / "my figures")).decode()
    assert "thriftnet report runs/a -o" in text
    assert "my figures" in text
    assert str(tmp_path) not in text  # as it is shared
    assert "thriftnet evaluate runs/a<" in text
