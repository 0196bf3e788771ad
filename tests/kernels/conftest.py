import pytest

from thriftnet.kernels.library import fused


@pytest.fixture(scope="session")
def compiled() -> None:
    """The fused operations are there."""
    if fused() is None:
        pytest.fail("there is no C compiler with OpenMP; install it with: apt-get install -y gcc")
