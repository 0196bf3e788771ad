"""The packages of the extras `search` and `cluster`: whether they are installed."""

from __future__ import annotations

import importlib.util

from thriftnet.errors import SearchError


def require_search_packages() -> None:
    """Check that a study can be read and written.

    Raises:
        SearchError: A package of the extra `search` is missing.
    """
    for name in ("optuna", "sqlalchemy"):
        if not is_installed(name):
            raise SearchError(
                f"a search needs the package {name}, which is not installed; run: "
                "pip install 'thriftnet[search]'"
            )


def is_installed(name: str) -> bool:
    """Whether a package can be imported; it is not imported."""
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:  # an import of it failed before
        return False
