"""Chooses device and precision: the fastest available, unless the recipe sets them."""

from __future__ import annotations

import functools
import platform
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor

from thriftnet.errors import RecipeError
from thriftnet.runtime.memory import keep_freed_memory


@dataclass(frozen=True)
class Compute:
    """Device and precision of a network."""

    device: torch.device
    precision: str
    """`fp32` or `bf16`: forward and backward of convolutions and matrix products."""

    @property
    def prefers_small(self) -> bool:
        """Whether small batches that fit the cache are faster, as on CPUs."""
        return self.device.type == "cpu"

    def autocast(self) -> AbstractContextManager[object]:
        """Context manager for a forward pass.

        Autocast's weight cache is off: it would be shared between threads, and no weight is used
        twice.
        """
        enabled = self.precision == "bf16"
        return torch.autocast(
            self.device.type, torch.bfloat16, enabled=enabled, cache_enabled=False
        )


def at_least_float32(x: Tensor) -> Tensor:
    """What is summed or compared: half precisions as float32, float64 as it is."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def to_device(values: Tensor, device: torch.device, dtype: torch.dtype | None = None) -> Tensor:
    """Copy values from the CPU to a device without waiting for its earlier work.

    Otherwise each copy waits for a CUDA device to finish all that was launched. Values in ordinary
    memory are read before the call returns; for Apple's GPUs that is not certain.
    """
    return values.to(device, dtype, non_blocking=device.type != "mps")


def choose_compute(*, device: str = "auto", precision: str = "auto") -> Compute:
    """Resolve `auto` and check that device and precision are available.

    For the CPU, also sets up the allocator (`keep_freed_memory`).

    Raises:
        RecipeError: The device is not available, or the precision is unknown.
    """
    available = available_devices()
    if device == "auto":
        device = available[0]
    if device not in available:
        found = ", ".join(available)
        raise RecipeError(
            f"train.device={device} is not on this machine (found: {found}); use train.device=auto"
        )
    if precision == "auto":
        precision = "bf16" if has_fast_bf16(device) else "fp32"
    if precision not in {"fp32", "bf16"}:
        raise RecipeError(f"train.precision={precision} is not one of auto, fp32, bf16; use auto")
    if device == "cpu":
        keep_freed_memory()
    return Compute(torch.device(device), precision)


def available_devices() -> list[str]:
    """Available device types, the fastest first."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return [*(name for name, found in there.items() if found), "cpu"]


def processor_name() -> str:
    """Name of the CPU."""
    capabilities = torch.cpu.get_capabilities()
    return str(capabilities.get("cpu_name") or platform.processor() or platform.machine())


@functools.cache
def has_amx() -> bool:
    """Whether the CPU has AMX for bfloat16."""
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False))


@functools.cache
def has_fast_bf16(device: str) -> bool:
    """Whether a device type has hardware support for bfloat16.

    Emulated, products are slower than in float32: 30 times on a CPU with AVX2 alone.
    """
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return device == "cpu" and any(
        capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16")
    )


def accelerator_name(device: torch.device) -> str | None:
    """Name of the accelerator; None for a CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return None if device.type == "cpu" else device.type
