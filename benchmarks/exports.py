"""Do exports say what the networks say, how large are they, and how fast?

    pip install 'thriftnet[bench]'
    python benchmarks/exports.py

Each of the shipped networks is exported with one view as ONNX, int8 ONNX and .pt2, which
`export_model` compares with the network on 2,000 training images at batch 1, 7 and 64. int8 and
fp32 are then evaluated on all 10,000 test images; nothing is chosen by that. Speeds are medians
over rounds in which all ways take turns, with as many threads as torch has. OpenVINO reads the
int8 file where it is installed, and its answers are counted too. Writes results/exports.json in
some ten minutes, each target with its figure, reached or not.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from support.record import write_result
from thriftnet.data import load_cifar10
from thriftnet.evaluation.intervals import wilson_interval
from thriftnet.export.pipeline import export_model
from thriftnet.export.targets import TARGETS
from thriftnet.extras import is_installed
from thriftnet.inference.classifier import Classifier, load_model
from thriftnet.inference.onnx_runtime import Run, open_onnx
from thriftnet.inference.openvino_runtime import open_openvino

NETWORKS = ("quick", "strong", "best", "paper-fixed")
KINDS = ("onnx", "onnx-int8", "torch-export")
PREDICTOR, FP32, INT8, OPENVINO = "predictor", "ONNX Runtime", "ONNX Runtime int8", "OpenVINO int8"
BATCHES = (1, 64)
_CALLS = {1: 40, 64: 3}
"""Timed calls of each way in a round."""
_AT_ONCE = 250

MOST_DIFFERENCE = 1e-5
MOST_POINTS_LOST = 0.3
MOST_MEGABYTES = {"quick": 2.2, "best": 5.0}
LEAST_INT8_OVER_FP32 = 1.7
LEAST_OPENVINO_OVER_PREDICTOR = {"best": 1.3}


def exported(name: str, folder: Path, kinds: Sequence[str] = KINDS) -> dict[str, dict[str, Any]]:
    """Some kinds of export of a network: bytes, and the comparison that let each pass."""
    found: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        path = folder / f"{name}{TARGETS[kind].suffix}"
        done = export_model(name, to=kind, output=path)
        check = done.check
        found[kind] = {
            "bytes": done.size_bytes,
            "pictures": check.pictures,
            "largest_difference": {str(k): gap for k, gap in check.largest_difference.items()},
            "equal_answers": check.equal_answers,
        }
        print(f"{name} {kind}: {done.size_bytes / 1e6:.2f} MB, {check.largest_difference}")
    return found


def ways(name: str, folder: Path) -> dict[str, Run]:
    """What classifies with one view, by name."""
    classifier: Classifier = load_model(name, tta="none")
    int8 = folder / f"{name}{TARGETS['onnx-int8'].suffix}"
    found: dict[str, Run] = {
        PREDICTOR: classifier.probabilities,
        FP32: open_onnx(folder / f"{name}{TARGETS['onnx'].suffix}"),
        INT8: open_onnx(int8),
    }
    if is_installed("openvino"):
        found[OPENVINO] = open_openvino(int8, precision="int8")
    return found


def evaluated(
    runs: dict[str, Run], images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> dict[str, dict[str, Any]]:
    """Accuracy of each file on test images, and how often it says what the fp32 file says."""
    answers = {
        way: np.concatenate(
            [run(images[at : at + _AT_ONCE]).argmax(1) for at in range(0, len(images), _AT_ONCE)]
        )
        for way, run in runs.items()
        if way != PREDICTOR  # the network's card has its accuracy
    }
    found: dict[str, dict[str, Any]] = {}
    for way, said in answers.items():
        right = int((said == labels).sum())
        found[way] = {
            "accuracy": right / len(labels),
            "accuracy_interval": wilson_interval(right, len(labels)),
            "equal_to_fp32": float((said == answers[FP32]).mean()),
        }
    return found


def timed(runs: dict[str, Run], images: NDArray[np.uint8], *, rounds: int) -> dict[str, Any]:
    """Milliseconds at batch 1 and images per second at batch 64, of each way in turn."""
    seconds: dict[str, dict[int, list[float]]] = {way: {b: [] for b in BATCHES} for way in runs}
    for _ in range(rounds):
        for batch in BATCHES:
            for way, run in runs.items():
                run(images[:batch])  # the way before has left its own things in the caches
                for call in range(_CALLS[batch]):
                    shown = images[call * batch : (call + 1) * batch]
                    seconds[way][batch].append(_duration(run, shown))
    return {
        way: {
            "milliseconds_at_1": 1e3 * statistics.median(found[1]),
            "milliseconds_at_1_p95": 1e3 * float(np.quantile(found[1], 0.95)),
            "images_per_second_at_64": 64 / statistics.median(found[64]),
        }
        for way, found in seconds.items()
    }


def _duration(run: Callable[[NDArray[np.uint8]], Any], images: NDArray[np.uint8]) -> float:
    began = time.perf_counter()
    run(images)
    return time.perf_counter() - began


def reached(networks: dict[str, Any]) -> list[dict[str, Any]]:
    """Each target with its figure for each network that it is for."""
    rows: list[dict[str, Any]] = []

    def row(what: str, network: str, value: float, target: float, *, at_most: bool) -> None:
        met = value <= target if at_most else value >= target
        rows.append(
            {"what": what, "network": network, "value": value, "target": target,
             "at_most": at_most, "reached": met}
        )  # fmt: skip

    for name, found in networks.items():
        exact = [found["exports"][kind]["largest_difference"] for kind in ("onnx", "torch-export")]
        gap = max(value for each in exact for value in each.values())
        row("largest difference in fp32", name, gap, MOST_DIFFERENCE, at_most=True)
        test, speed = found["test"], found["speed"]
        lost = 100 * (test[FP32]["accuracy"] - test[INT8]["accuracy"])
        row("points lost by int8", name, lost, MOST_POINTS_LOST, at_most=True)
        size = found["exports"]["onnx-int8"]["bytes"] / 1e6
        if name in MOST_MEGABYTES:
            row("MB in int8", name, size, MOST_MEGABYTES[name], at_most=True)
        ratio = speed[FP32]["milliseconds_at_1"] / speed[INT8]["milliseconds_at_1"]
        what = "times as fast as fp32, int8 at batch 1"
        row(what, name, ratio, LEAST_INT8_OVER_FP32, at_most=False)
        if name in LEAST_OPENVINO_OVER_PREDICTOR and OPENVINO in speed:
            rates = [speed[way]["images_per_second_at_64"] for way in (OPENVINO, PREDICTOR)]
            what = "times the predictor, OpenVINO int8 at batch 64"
            least = LEAST_OPENVINO_OVER_PREDICTOR[name]
            row(what, name, rates[0] / rates[1], least, at_most=False)
    return rows


def version(package: str) -> str | None:
    """Of a package; none where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def main() -> None:
    """Export, evaluate, time, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=NETWORKS, metavar="NETWORK")
    parser.add_argument("--rounds", type=int, default=4)
    arguments = parser.parse_args()
    _, test = load_cifar10()
    images, labels = np.array(test.images), np.array(test.labels)
    networks: dict[str, Any] = {}
    with TemporaryDirectory() as place:
        for name in arguments.networks:
            exports = exported(name, Path(place))
            runs = ways(name, Path(place))
            networks[name] = {
                "exports": exports,
                "test": evaluated(runs, images, labels),
                "speed": timed(runs, images, rounds=arguments.rounds),
            }
            print(f"{name}: {networks[name]['speed']}")
    packages = ("onnx", "onnxscript", "onnxruntime", "openvino")
    figures = {
        "predictor_precision": load_model("quick").compute.precision,
        "packages": {each: version(each) for each in packages},
        "test_images": len(labels),
        "rounds": arguments.rounds,
        "networks": networks,
        "targets": reached(networks),
    }
    write_result("exports", figures)


if __name__ == "__main__":
    main()
