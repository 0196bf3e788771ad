import pytest
import torch

from thriftnet.kernels.library import fused, winograd


@pytest.fixture(scope="session")
def compiled() -> None:
    """The fused operations are there."""
    if fused(torch.bfloat16) is None:
        pytest.fail("there is no C compiler with OpenMP; install it with: apt-get install -y gcc")


@pytest.fixture(params=[torch.bfloat16, torch.float32], ids=["bfloat16", "float32"])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    """The types of features that the fused operations take."""
    request.getfixturevalue("compiled")
    if fused(request.param) is None:
        pytest.skip("there is no AVX2")
    return request.param


@pytest.fixture(scope="session")
def winograd_compiled() -> None:
    """The convolutions are there."""
    if winograd() is None:
        pytest.skip("there is no AVX2")
