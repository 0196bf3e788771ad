"""A package that is not installed is one line with the extra that installs it."""

import sys

import pytest

from thriftnet.errors import SearchError
from thriftnet.extras import is_installed, load, require

LINE = r"^a search needs the package nowhere, which is not installed; run: pip install 'thriftnet\["


def test_what_is_installed_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    require("a search needs", "json", "csv", extra="search", error=SearchError)
    assert load("a search needs", "json", extra="search", error=SearchError).loads("1") == 1
    monkeypatch.setitem(sys.modules, "csv", None)
    assert not is_installed("csv")


def test_what_is_not_installed_is_named_with_its_extra() -> None:
    with pytest.raises(SearchError, match=LINE + r"search\]'$"):
        require("a search needs", "json", "nowhere", extra="search", error=SearchError)
    with pytest.raises(SearchError, match=LINE + r"data\]'$"):
        load("a search needs", "nowhere.inside", extra="data", error=SearchError)
