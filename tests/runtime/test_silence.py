"""Warnings held back in several threads at once."""

import contextlib
import warnings

import pytest

from thriftnet.runtime import silence
from thriftnet.runtime.silence import silent_pillow


def test_warnings_are_as_before_whichever_thread_leaves_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two that each restored what they had found would leave all warnings off."""
    monkeypatch.setattr(silence, "_inside", 0)  # a service of other tests may be inside
    monkeypatch.setattr(silence, "_held", contextlib.ExitStack())
    before = list(warnings.filters)
    first, second = silent_pillow(), silent_pillow()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    warnings.warn("held back", UserWarning, stacklevel=1)  # an error here but for the second
    second.__exit__(None, None, None)
    assert warnings.filters == before
    with pytest.warns(UserWarning, match="heard"):
        warnings.warn("heard", UserWarning, stacklevel=1)
