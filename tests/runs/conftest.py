"""A run folder as it is when its training starts."""

from pathlib import Path

import pytest

from thriftnet.recipe import load_recipe
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.new_run import create_run


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """`runs/one`, of `smoke` with seed 4."""
    return create_run(tmp_path / "runs" / "one", load_recipe("smoke", seed=4), {"torch": "2"})
