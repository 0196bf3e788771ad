"""The names that users import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import thriftnet


@pytest.mark.parametrize("name", thriftnet.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(thriftnet, name).__doc__


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'tarin'"):
        thriftnet.tarin  # noqa: B018


@pytest.mark.parametrize("first", ["train", "evaluate", "data", "load_model"])
def test_functions_stay_functions_whatever_is_imported_first(first: str) -> None:
    """A package of the same name would hide a function once a module of it was imported."""
    program = (
        f"import thriftnet; thriftnet.{first};"
        "import thriftnet.training.loop, thriftnet.evaluation;"
        "print(callable(thriftnet.train), callable(thriftnet.evaluate),"
        " callable(thriftnet.data.load_cifar10))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["True"] * 3, done.stderr
