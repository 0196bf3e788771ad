"""Parses oneDNN's log (ONEDNN_VERBOSE=1)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Implementation:
    """An implementation of a primitive."""

    primitive: str
    """convolution, matmul, reorder, …"""
    name: str
    """oneDNN's name: brgconv:avx512_core_bf16, jit:avx2, ref:any, … …"""
    direction: str
    """forward_training, backward_data, backward_weights, …"""
    types: str
    """Types of source, weights and destination, as far as logged."""


def executed(log: str) -> dict[Implementation, tuple[int, float]]:
    """Calls and milliseconds of each executed implementation.

    Args:
        log: Lines of the form
            onednn_verbose,v1,primitive,exec,cpu,convolution,jit:avx512_core,forward_training,
            src:f32::… wei:f32::…,attributes,auxiliary,problem,milliseconds
    """
    found: dict[Implementation, tuple[int, float]] = {}
    for line in log.splitlines():
        fields = line.split(",")
        if not line.startswith("onednn_verbose") or "exec" not in fields:
            continue
        engine = fields.index("exec") + 1
        primitive, name, direction, data = fields[engine + 1 : engine + 5]
        key = Implementation(primitive, name, direction, _types(data))
        calls, milliseconds = found.get(key, (0, 0.0))
        found[key] = (calls + 1, milliseconds + float(fields[-1]))
    return found


def fallbacks(found: dict[Implementation, tuple[int, float]]) -> list[Implementation]:
    """Convolutions that ran with a reference implementation, orders of magnitude slower."""
    return [
        way
        for way in found
        if way.primitive in {"convolution", "deconvolution"} and way.name.startswith("ref")
    ]


def table(found: dict[Implementation, tuple[int, float]]) -> list[dict[str, Any]]:
    """Values for JSON, slowest first."""
    ordered = sorted(found.items(), key=lambda item: -item[1][1])
    return [
        {**asdict(way), "calls": calls, "milliseconds": milliseconds}
        for way, (calls, milliseconds) in ordered
    ]


def _types(data: str) -> str:
    """`src:bf16::blocked:acdb::f0 wei:bf16:a:…` to `src bf16, wei bf16`."""
    parts = [tensor.split(":") for tensor in data.split()]
    return ", ".join(f"{part[0]} {part[1]}" for part in parts if len(part) > 1)
