"""Fixtures for every test folder."""

import pytest

from thriftnet.data import Dataset, load_cifar10


@pytest.fixture(scope="session")
def cifar10() -> tuple[Dataset, Dataset]:
    """The real data set, (train, test), from the ordinary cache or its sources."""
    return load_cifar10()
