"""One service for the tests that leave it as it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from channels import colour_classifier
from live_service import LiveService, live_service
from thriftnet.serve.limits import Limits


@pytest.fixture(scope="session")
def service() -> Iterator[LiveService]:
    """Classifies by colour, with little room."""
    limits = Limits(body_bytes=2**20, pictures=8, pixels=1_000_000)
    with live_service(colour_classifier(), limits) as found:
        yield found
