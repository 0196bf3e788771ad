"""Freed memory stays with the process: the next step touches no fresh pages."""

import subprocess
import sys

import pytest

STEPS = """
import resource, torch
from thriftnet.training.device import choose_compute
{call}
def step():
    return torch.ones(50, 250_000).sum()  # blocks of 50 MB, as large activations are
for _ in range(10): step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5): step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def fresh_pages(call: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", STEPS.format(call=call)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator is Linux's")
def test_steps_reuse_the_memory_of_the_one_before():
    assert fresh_pages("choose_compute(device='cpu')") < 500
    assert fresh_pages("") > 5_000
