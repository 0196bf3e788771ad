"""Compiling the fused operations, and doing without them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from thriftnet.models.build import build_model

TELL = "from thriftnet.kernels.library import fused; print(fused() is not None)"


def told(environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", TELL],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.fixture
def cache(tmp_path: Path) -> dict[str, str]:
    return {"THRIFTNET_CACHE": str(tmp_path / "cache")}


def test_without_a_compiler_there_are_none(cache: dict[str, str]):
    assert told({**cache, "CC": "no-such-compiler"}) == "False"


def test_a_compiler_that_fails_is_no_error(cache: dict[str, str]):
    assert told({**cache, "CC": "false"}) == "False"


def test_they_can_be_switched_off(cache: dict[str, str]):
    assert told({**cache, "THRIFTNET_FUSED": "0"}) == "False"


@pytest.mark.usefixtures("compiled")
def test_they_are_compiled_once_and_again_if_the_file_is_damaged(
    cache: dict[str, str], tmp_path: Path
):
    assert told(cache) == "True"
    (built,) = (tmp_path / "cache" / "kernels").glob("fused-*.so")
    whole, first = built.read_bytes(), built.stat().st_mtime_ns
    assert told(cache) == "True"
    assert built.stat().st_mtime_ns == first
    built.write_bytes(whole[:1000])
    assert told(cache) == "True"
    assert built.read_bytes() == whole


@pytest.mark.usefixtures("compiled")
def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    assert told({"THRIFTNET_CACHE": str(tmp_path / "file")}) == "True"


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize(
    "architecture",
    [
        {"family": "speednet", "blocks": [2, 2], "channels": [16, 24], "stem_kernel": 3},
        {"family": "speednet", "blocks": [1, 2], "channels": [16, 24], "residual": False},
        {"family": "resnet", "blocks": [1, 2], "channels": [16, 24]},
        {"family": "resnet", "blocks": [1, 1], "channels": [16, 24], "stochastic_depth": 0.5},
        {"family": "resnet", "blocks": [1, 1], "channels": [16, 24], "squeeze_excitation": 4},
    ],
    ids=str,
)
def test_networks_learn_as_exactly_with_as_without(
    architecture: dict[str, object], monkeypatch: pytest.MonkeyPatch
):
    images = torch.randn(32, 3, 32, 32, generator=torch.Generator().manual_seed(0))

    def gradients(*, bf16: bool = True) -> torch.Tensor:
        model = build_model(classes=10, seed=1, **architecture).train()  # pyright: ignore
        torch.manual_seed(2)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = model(images.to(memory_format=torch.channels_last)).float()
        torch.nn.functional.cross_entropy(logits, torch.arange(32) % 10).backward()
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    ours = gradients()
    monkeypatch.setattr("thriftnet.kernels.norm_act.fused", lambda: None)
    theirs, exact = gradients(), gradients(bf16=False)
    assert (ours - exact).norm() < 1.2 * (theirs - exact).norm() < 0.2 * exact.norm()
