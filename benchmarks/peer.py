"""Run cifar10-airbench's `airbench94_muon.py` on a CPU in bf16, from a checkout of its own.

    python benchmarks/peer.py DIR --seed 0 [--micro-batch 250]

DIR is a checkout of github.com/KellerJordan/cifar10-airbench. Its script is written for one GPU
in fp16; what stands in its way on a CPU is replaced while it runs: fp16 by weights, images and
logits in fp32 under bf16 autocast, CUDA's clock by ours, `torch.compile` by nothing, torchvision's
data set by the same images. Weights stored in bf16, which has three bits less than fp16, would
cost it a point of accuracy. The network, the optimisers, the data order and the evaluation are its
own. With --micro-batch its batches of 2,000 go forward and backward in pieces, whose activations
fit a cache; each has batch statistics of its own, as ours have. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any

import torch
from torch import nn

from thriftnet.data import load_cifar10


class _Event:
    """Stands in for `torch.cuda.Event`."""

    def __init__(self, **_: Any) -> None:
        self.at = 0.0

    def record(self) -> None:
        self.at = time.perf_counter()

    def elapsed_time(self, other: _Event) -> float:
        return 1000 * (other.at - self.at)


class _Normalize:
    """Stands in for torchvision's transform of the name."""

    def __init__(self, mean: torch.Tensor, std: torch.Tensor) -> None:
        self.mean, self.std = mean.view(-1, 1, 1), std.view(-1, 1, 1)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        mean, std = self.mean.to(images.dtype), self.std.to(images.dtype)
        return (images - mean) / std


class _Cifar10:
    """Stands in for torchvision's data set; the images are the same bytes."""

    def __init__(self, _path: str, *, download: bool, train: bool) -> None:
        del download
        data = load_cifar10()[0 if train else 1]
        self.data, self.targets, self.classes = data.images, data.labels.tolist(), data.classes


def _as_it_is(function: Any) -> Any:
    """Stands in for `torch.compile`, which does not pay at this length on a CPU."""
    return function


def adapt_torch() -> None:
    """Replace what only a GPU has. For this process alone."""
    torchvision, datasets, transforms = (
        types.ModuleType(name)
        for name in ("torchvision", "torchvision.datasets", "torchvision.transforms")
    )
    vars(datasets).update(CIFAR10=_Cifar10)
    vars(transforms).update(Normalize=_Normalize)
    vars(torchvision).update(datasets=datasets, transforms=transforms)
    sys.modules |= {m.__name__: m for m in (torchvision, datasets, transforms)}
    load = torch.load

    def load_on_cpu(path: str, map_location: object = None) -> Any:
        del map_location
        return load(path, map_location="cpu", weights_only=True)

    patches: list[tuple[Any, str, Any]] = [
        (torch, "load", load_on_cpu),
        (torch, "compile", _as_it_is),
        (torch.cuda, "Event", _Event),
        (torch.cuda, "synchronize", lambda: None),
        (torch.Tensor, "half", torch.Tensor.float),
        (nn.Module, "half", nn.Module.float),
    ]
    for place, name, value in patches:
        setattr(place, name, value)


class _Pending:
    """A batch that goes forward when its labels are known, piece by piece."""

    def __init__(self, forward: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.forward, self.arguments, self.options = forward, arguments, options
        self.pieces: list[torch.Tensor] = []

    def detach(self) -> torch.Tensor:
        return torch.cat(self.pieces)


class _Functional:
    """Stands in for the peer's `F`; the loss of a pending batch is taken backward at once."""

    def __init__(self, micro_batch: int) -> None:
        self.micro_batch = micro_batch

    def __getattr__(self, name: str) -> Any:
        return getattr(nn.functional, name)

    def cross_entropy(self, outputs: Any, labels: torch.Tensor, **options: Any) -> Any:
        if not isinstance(outputs, _Pending):
            return nn.functional.cross_entropy(outputs, labels, **options)
        network, inputs = outputs.arguments
        pairs = zip(inputs.split(self.micro_batch), labels.split(self.micro_batch), strict=True)
        for images, own in pairs:
            logits = outputs.forward(network, images, **outputs.options)
            nn.functional.cross_entropy(logits, own, **options).backward()  # a sum over images
            outputs.pieces.append(logits.detach())
        return types.SimpleNamespace(backward=lambda: None)


def run(script: Path, seed: int, *, micro_batch: int | None = None) -> dict[str, Any]:
    """One training and evaluation by the peer's own code."""
    adapt_torch()
    specification = importlib.util.spec_from_file_location("peer", script)
    assert specification is not None
    assert specification.loader is not None
    sys.argv = [str(script)]  # the script reads its own source
    peer: Any = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(peer)
    torch.manual_seed(seed)
    plain: list[float] = []
    evaluate = peer.evaluate

    def keep(*arguments: Any, **options: Any) -> float:
        accuracy = evaluate(*arguments, **options)
        plain.append(accuracy)
        return accuracy

    peer.evaluate = keep
    forward = peer.CifarNet.forward

    def in_bf16(*arguments: Any, **options: Any) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return forward(*arguments, **options).float()

    def pending(network: nn.Module, *arguments: Any, **options: Any) -> Any:
        if not network.training:
            return in_bf16(network, *arguments, **options)
        return _Pending(in_bf16, (network, *arguments), options)

    peer.CifarNet.forward = pending if micro_batch else in_bf16
    if micro_batch:
        peer.F = _Functional(micro_batch)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("cifar10").mkdir()
        model = peer.CifarNet().to(memory_format=torch.channels_last)
        accuracy = peer.main(0, model)
        os.chdir("/")
    return {"seed": seed, "accuracy": accuracy, "accuracy_without_tta": plain[-2]}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--micro-batch", type=int)
    arguments = parser.parse_args()
    script = (arguments.peer / "airbench94_muon.py").resolve()
    if not script.is_file():
        sys.exit(f"{script} is not there; check out github.com/KellerJordan/cifar10-airbench")
    print(json.dumps(run(script, arguments.seed, micro_batch=arguments.micro_batch)))


if __name__ == "__main__":
    main()
