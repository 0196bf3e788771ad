"""Every kind of views that a recipe may have has a name on pages, cards and the terminal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from thriftnet.export.card import describe
from thriftnet.export.page.facts import page_facts
from thriftnet.inference.views import ABOUT, NAMES, VIEWS
from thriftnet.models.saved import read_model
from tiny_network import tiny_file


@pytest.mark.parametrize("tta", VIEWS)
def test_a_network_of_these_views_is_described(tta: str, tmp_path: Path) -> None:
    """A recipe that is chosen for pictures may have any of them, such as `shift`."""
    model = replace(read_model(tiny_file(tmp_path)), tta=tta)
    rows = dict(page_facts(model, model.preprocessing, name="mine", weights="bf16").rows)
    count = len(VIEWS[tta])
    assert rows["Views of a picture"] == ("one" if tta == "none" else f"{count}: {ABOUT[tta]}")
    assert tta == "none" or f"{count} views: {ABOUT[tta]}" in describe(model.preprocessing)


def test_no_kind_of_views_is_without_a_name() -> None:
    assert set(ABOUT) == set(NAMES) == set(VIEWS)
