import pytest

from thriftnet.kernels.library import fused, winograd


@pytest.fixture(scope="session")
def compiled() -> None:
    """The fused operations are there."""
    if fused() is None:
        pytest.fail("there is no C compiler with OpenMP; install it with: apt-get install -y gcc")


@pytest.fixture(scope="session")
def winograd_compiled() -> None:
    """The convolutions are there."""
    if winograd() is None:
        pytest.skip("there is no AVX2")
