"""Optional packages: whether they are installed, and errors that name the extra."""

from __future__ import annotations

import importlib.util
from importlib import import_module
from typing import Any

from thriftnet.errors import ThriftnetError


def is_installed(package: str) -> bool:
    """Whether a package is installed, without importing it."""
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # an earlier import failed
        return False


def missing(user: str, package: str, extra: str) -> str:
    """The message that a package is missing and how to install it."""
    return (
        f"{user} the package {package.partition('.')[0]}, which is not installed; run: "
        f"pip install 'thriftnet[{extra}]'"
    )


def require(user: str, *packages: str, extra: str, error: type[ThriftnetError]) -> None:
    """Check that packages are installed, before any work.

    Args:
        user: Start of the message: `a search needs`.
        packages: Import names.
        extra: The extra that installs them.
        error: Class of the error.

    Raises:
        ThriftnetError: Of class `error`: one is missing.
    """
    for package in packages:
        if not is_installed(package):
            raise error(missing(user, package, extra))


def load(user: str, package: str, *, extra: str, error: type[ThriftnetError]) -> Any:
    """Import an optional package; arguments and errors as in `require`."""
    try:
        return import_module(package)
    except ImportError:
        raise error(missing(user, package, extra)) from None
