"""How much of a network's speed does its service keep, and does it fail or grow?

    python benchmarks/service.py                 # 8 minutes on an idle machine
    python benchmarks/service.py --short         # 2 minutes

For `quick` and `best`, with the recipe's views and without: the predictor alone on batches of 64
decoded pictures, and from the bytes of one; then `thriftnet serve`, asked by 64 clients with a
small PNG a request, as it is and in a form, by 4 clients with forms of 64, and by one client. All
take turns, several rounds. At the end 100,000 requests, with the service's memory. The clients
use the same processors. Writes results/service.json.
"""

from __future__ import annotations

import argparse
import io
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from support.http_load import load
from support.record import write_result
from thriftnet.inference.classifier import Classifier, load_model

NETWORKS = ("best", "quick")
CLIENTS = 64
MANY = 64
"""Pictures of a large request."""
_ROUNDS, _SECONDS = 3, 5.0
_SHORT = 1, 3.0
_SOAK = 100_000


def pictures(count: int) -> list[bytes]:
    """Small PNG files, as those of a data set: 32x32 pixels with structure."""
    rng = np.random.default_rng(0)
    found: list[bytes] = []
    for _ in range(count):
        few = rng.integers(0, 256, (8, 8, 3), np.uint8)
        content = io.BytesIO()
        Image.fromarray(few).resize((32, 32), Image.Resampling.BICUBIC).save(content, "PNG")
        found.append(content.getvalue())
    return found


def raw_request(content: bytes) -> bytes:
    """A picture as it is."""
    return _request(content, "image/png")


def form_request(contents: list[bytes]) -> bytes:
    """Pictures in a form."""
    body = b"".join(
        b'--b0undary\r\nContent-Disposition: form-data; name="pictures"; filename="%d.png"\r\n'
        b"Content-Type: image/png\r\n\r\n%b\r\n" % (number, each)
        for number, each in enumerate(contents)
    )
    return _request(body + b"--b0undary--\r\n", "multipart/form-data; boundary=b0undary")


def _request(body: bytes, kind: str) -> bytes:
    head = f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Server:
    """A running `thriftnet serve`."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    def memory(self) -> float:
        """Resident MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return round(int(found[1]) / 1024, 1)


@contextmanager
def serving(name: str, tta: str) -> Iterator[Server]:
    """Serve a network while the block lasts."""
    command = [sys.executable, "-m", "thriftnet", "serve", name, "--port", "0", "--tta", tta]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            found = re.search(r":(\d+)/", process.stdout.readline())
            assert found
            load(int(found[1]), raw_request(pictures(1)[0]), clients=1, seconds=1)
            yield Server(process, int(found[1]))
        finally:
            process.terminate()


def images_per_second(classifier: Classifier, seconds: float) -> float:
    """Of the predictor alone, in batches of decoded pictures."""
    images = np.random.default_rng(0).integers(0, 256, (MANY, 32, 32, 3), np.uint8)
    return MANY * _calls_per_second(lambda: classifier.probabilities(images), seconds)


def milliseconds_of_one(classifier: Classifier, content: bytes, seconds: float) -> float:
    """Of the predictor from the bytes of a picture, in this thread."""
    from thriftnet.inference.pictures import NamedPicture, to_pixels

    def one() -> None:
        pixels = to_pixels(NamedPicture("a", content, None), size=32, fit="crop")
        classifier.predict(pixels[None])

    times: list[float] = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        one()
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


def _calls_per_second(call: Callable[[], object], seconds: float) -> float:
    call()
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        call()
        count += 1
    return count / (time.perf_counter() - began)


def measure(name: str, tta: str, *, rounds: int, seconds: float) -> dict[str, Any]:
    """One network with one choice of views."""
    classifier = load_model(name, tta=tta)
    contents = pictures(MANY)
    ways = {
        "one_raw": (raw_request(contents[0]), CLIENTS, 1),
        "one_in_a_form": (form_request(contents[:1]), CLIENTS, 1),
        "many_in_a_form": (form_request(contents), 4, MANY),
        "lone": (raw_request(contents[0]), 1, 1),
    }
    alone: list[float] = []
    from_bytes: list[float] = []
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    with serving(name, tta) as server:
        for _ in range(rounds):
            alone.append(images_per_second(classifier, seconds))
            from_bytes.append(milliseconds_of_one(classifier, contents[0], 1))
            for way, (request, clients, _) in ways.items():
                found[way].append(load(server.port, request, clients=clients, seconds=seconds))
    images = statistics.median(alone)
    figures: dict[str, Any] = {
        "tta": classifier.tta,
        "precision": classifier.compute.precision,
        "predictor_images_per_second": round(images, 1),
        "predictor_milliseconds_of_one": round(statistics.median(from_bytes), 2),
    }
    for way, (_, clients, count) in ways.items():
        figures[way] = _summary(found[way], clients, count, alone)
    over = figures["lone"]["milliseconds_median"] - figures["predictor_milliseconds_of_one"]
    figures["lone"]["milliseconds_over_predictor"] = round(over, 2)
    print(name, figures)
    return figures


def _summary(
    rounds: list[dict[str, Any]], clients: int, count: int, alone: list[float]
) -> dict[str, Any]:
    speeds = [count * each["requests"] / each["seconds"] for each in rounds]
    shares = [speed / images for speed, images in zip(speeds, alone, strict=True)]
    return {
        "clients": clients,
        "pictures_per_request": count,
        "images_per_second": round(statistics.median(speeds), 1),
        "share_of_predictor": round(statistics.median(shares), 3),
        "milliseconds_median": statistics.median(each["milliseconds_median"] for each in rounds),
        "milliseconds_99": statistics.median(each["milliseconds_99"] for each in rounds),
        "requests": sum(each["requests"] for each in rounds),
        "failed": sum(each["failed"] for each in rounds),
    }


def soak(requests: int) -> dict[str, Any]:
    """Many requests to one service, good ones and ones with a bad picture, and its memory."""
    content = pictures(1)[0]
    good, bad = raw_request(content), raw_request(content[:60])
    with serving("quick", "none") as server:

        def ask(request: bytes, count: int) -> dict[str, Any]:
            return load(server.port, request, clients=CLIENTS, seconds=3600, requests=count)

        refused = ask(bad, requests // 20)
        assert refused["failed"] == refused["requests"], "a bad picture was answered"
        failed, memory = 0, list[float]()
        for _ in range(10):
            failed += ask(good, requests // 10)["failed"]
            memory.append(server.memory())
        return {
            "requests": requests,
            "failed": failed,
            "bad_pictures_refused": refused["requests"],
            "megabytes_after_each_tenth": memory,
        }


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="one round, a tenth of the requests")
    short = parser.parse_args().short
    rounds, seconds = _SHORT if short else (_ROUNDS, _SECONDS)
    networks = {
        name: [measure(name, tta, rounds=rounds, seconds=seconds) for tta in ("none", "flip_shift")]
        for name in NETWORKS
    }
    write_result("service", {"networks": networks, "soak": soak(_SOAK // 10 if short else _SOAK)})


if __name__ == "__main__":
    main()
