"""Packages of the extras: whether they are installed, and the line that names the extra."""

from __future__ import annotations

import importlib.util
from importlib import import_module
from typing import Any

from thriftnet.errors import ThriftnetError


def is_installed(package: str) -> bool:
    """Whether a package can be imported; it is not imported."""
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # an import of it failed before
        return False


def missing(user: str, package: str, extra: str) -> str:
    """The line that says what needs a package and how to install it."""
    return (
        f"{user} the package {package.partition('.')[0]}, which is not installed; run: "
        f"pip install 'thriftnet[{extra}]'"
    )


def require(user: str, *packages: str, extra: str, error: type[ThriftnetError]) -> None:
    """Check that packages are installed, before any work.

    Args:
        user: What needs them, with its verb: `a search needs`.
        packages: By their import names.
        extra: That installs them.
        error: What is raised.

    Raises:
        ThriftnetError: Of class `error`: one of them is not.
    """
    for package in packages:
        if not is_installed(package):
            raise error(missing(user, package, extra))


def load(user: str, package: str, *, extra: str, error: type[ThriftnetError]) -> Any:
    """Import a package of an extra; arguments and error as of `require`."""
    try:
        return import_module(package)
    except ImportError:
        raise error(missing(user, package, extra)) from None
