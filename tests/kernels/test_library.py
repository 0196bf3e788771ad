"""Compiling the fused operations, and doing without them."""

import ctypes
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from thriftnet.kernels import library
from thriftnet.models.build import build_model

QUICK = '#!/bin/sh\nexec cc "$@" -O0\n'
"""A compiler that does not optimise, which takes seconds."""


def nothing(_: torch.dtype) -> None:
    """What is found without a compiler."""


@pytest.fixture
def found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., bool]:
    """Whether a process finds the operations, with these variables and a cache of its own."""
    (tmp_path / "cc").write_text(QUICK)
    (tmp_path / "cc").chmod(0o700)
    monkeypatch.delenv("THRIFTNET_FUSED", raising=False)
    monkeypatch.setenv("THRIFTNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CC", str(tmp_path / "cc"))

    def ask(**environment: str) -> bool:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        answer = library.fused.__wrapped__(
            torch.bfloat16
        )  # as a process that asks for the first time
        assert capfd.readouterr().err == ""
        return answer is not None

    return ask


def test_without_a_compiler_there_are_none(found: Callable[..., bool]):
    assert not found(CC="no-such-compiler")


def test_a_compiler_that_fails_is_no_error(found: Callable[..., bool]):
    assert not found(CC="false")


def test_a_compiler_may_have_arguments(found: Callable[..., bool], tmp_path: Path):
    assert not found(CC="false -O0")
    assert found(CC=f"{tmp_path / 'cc'} -g0")


def test_a_variable_without_a_compiler_names_the_usual_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    usual = tmp_path / "cc"
    usual.write_text("")
    usual.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    for value in ("", "cc"):
        monkeypatch.setenv("CC", value)
        assert library.compiler_command() == [str(usual)]
    monkeypatch.setenv("CC", " ")
    assert library.compiler_command() is None


def test_a_compiler_that_hangs_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o700)
    monkeypatch.delenv("THRIFTNET_FUSED", raising=False)
    monkeypatch.setenv("CC", str(slow))
    monkeypatch.setattr(library, "_COMPILE_SECONDS", 0)
    assert library.fused.__wrapped__(torch.float32) is None
    assert "PyTorch's operators are used" in capfd.readouterr().err


@pytest.mark.usefixtures("compiled")
def test_temporary_folders_may_forbid_execution(
    found: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
):
    load = ctypes.CDLL

    def refuse(path: str) -> ctypes.CDLL:
        if Path(path).name == "fused.so":
            raise OSError(f"{path}: failed to map segment from shared object")
        return load(path)

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    assert found()


def test_they_can_be_switched_off(found: Callable[..., bool]):
    assert not found(THRIFTNET_FUSED="0")


@pytest.mark.usefixtures("compiled")
def test_they_are_compiled_once_and_again_if_the_file_is_damaged(
    found: Callable[..., bool], tmp_path: Path
):
    assert found()
    (built,) = (tmp_path / "cache" / "kernels").glob("fused-*.so")
    whole, first = built.read_bytes(), built.stat().st_mtime_ns
    assert found()
    assert built.stat().st_mtime_ns == first
    built.unlink()  # this process has mapped it
    built.write_bytes(whole[:1000])
    assert found()
    assert built.read_bytes() == whole


@pytest.mark.usefixtures("compiled")
def test_a_cache_that_cannot_be_written_is_no_error(found: Callable[..., bool], tmp_path: Path):
    (tmp_path / "file").write_text("")
    assert found(THRIFTNET_CACHE=str(tmp_path / "file"))


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
        model = build_model(classes=10, seed=1, **architecture).train()
        torch.manual_seed(2)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = model(images.to(memory_format=torch.channels_last)).float()
        torch.nn.functional.cross_entropy(logits, torch.arange(32) % 10).backward()
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    ours = gradients()
    monkeypatch.setattr("thriftnet.kernels.norm_act.fused", nothing)
    theirs, exact = gradients(), gradients(bf16=False)
    assert (ours - exact).norm() < 1.2 * (theirs - exact).norm() < 0.2 * exact.norm()
