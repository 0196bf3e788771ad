"""Checks the packages of the extra `search`."""

from __future__ import annotations

from thriftnet.errors import SearchError
from thriftnet.extras import require


def require_search_packages() -> None:
    """Check that a study can be read and written.

    Raises:
        SearchError: A package of the extra `search` is missing.
    """
    require("a search needs", "optuna", "sqlalchemy", extra="search", error=SearchError)
