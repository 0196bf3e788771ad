"""Do LiteRT and ExecuTorch say what the networks say, how large are the files, and how fast?

    make mobile
    .venv-mobile/bin/python benchmarks/mobile.py

Each of the shipped networks is exported with one view, which compares it with the network on 2,000
training images, LiteRT at batch 1 and ExecuTorch at 1, 7 and 64. Speeds are medians over rounds in
which all ways take turns; LiteRT has as many threads as torch, ExecuTorch as many as it takes.
Writes results/mobile.json in some minutes.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from exports import MOST_DIFFERENCE, NETWORKS, PREDICTOR, exported, timed, version
from support.record import write_result
from thriftnet.data import load_cifar10
from thriftnet.export.targets import TARGETS
from thriftnet.inference.classifier import load_model
from thriftnet.inference.onnx_runtime import Run

KINDS = {"litert": "LiteRT", "executorch": "ExecuTorch"}


def main() -> None:
    """Export, time, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=NETWORKS, metavar="NETWORK")
    parser.add_argument("--rounds", type=int, default=4)
    arguments = parser.parse_args()
    images = np.array(load_cifar10()[1].images[:4096])
    networks: dict[str, Any] = {}
    with TemporaryDirectory() as place:
        for name in arguments.networks:
            exports = exported(name, Path(place), tuple(KINDS))
            runs: dict[str, Run] = {PREDICTOR: load_model(name, tta="none").probabilities}
            for kind, way in KINDS.items():
                runs[way] = TARGETS[kind].load(Path(place, f"{name}{TARGETS[kind].suffix}"))
            speed = timed(runs, images, rounds=arguments.rounds)
            networks[name] = {"exports": exports, "speed": speed}
            print(f"{name}: {speed}")
    gaps = [
        gap
        for network in networks.values()
        for export in network["exports"].values()
        for gap in export["largest_difference"].values()
    ]
    packages = ("ai-edge-litert", "litert-torch", "executorch", "jax", "pydantic")
    figures = {
        "predictor_precision": load_model("quick").compute.precision,
        "packages": {each: version(each) for each in packages},
        "rounds": arguments.rounds,
        "networks": networks,
        "largest_difference": max(gaps),
        "target": MOST_DIFFERENCE,
        "reached": max(gaps) <= MOST_DIFFERENCE,
    }
    write_result("mobile", figures)


if __name__ == "__main__":
    main()
