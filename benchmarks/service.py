"""How much of a network's speed does its service keep?

    python benchmarks/service.py                 # 12 minutes on an idle machine
    python benchmarks/service.py --short         # 1 minute

For `quick` and `best`, with the recipe's views and without: the predictor alone on batches of 64
decoded pictures, and from the bytes of one; then `thriftnet serve`, asked by 64 clients with a
small PNG a request, as it is and in a form, by 4 clients with forms of 64, and by one client. All
take turns, several rounds, and each is compared with the predictor just before and after it. The
clients use the same processors. Where other programs want those too, speeds say little; the
processor time of the service for a picture, beside the predictor's in one thread, says the same on
a busy machine. Writes results/service.json; service_soak.py asks for longer.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from support.http_load import load
from support.record import write_result
from thriftnet.inference.classifier import Classifier, load_model
from thriftnet.runtime.threads import own_threads

NETWORKS = ("best", "quick")
CLIENTS = 64
MANY = 64
"""Pictures of a large request."""
WAYS = {
    "one_raw": (CLIENTS, 1),
    "one_in_a_form": (CLIENTS, 1),
    "many_in_a_form": (4, MANY),
    "lone": (1, 1),
}
"""Clients of each way, and pictures of each request."""
_ROUNDS, _SECONDS = 5, 5.0
_SHORT = 1, 1.5


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

    def processor_seconds(self) -> float:
        """Processor time that all its threads used, in user and in system mode."""
        values = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(") ")[2]
        return sum(map(int, values.split()[11:13])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(name: str, tta: str) -> Generator[Server]:
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


def processor_milliseconds(classifier: Classifier, batches: int) -> float:
    """Processor time of the predictor for a picture, in one thread and in batches."""
    images = np.random.default_rng(0).integers(0, 256, (MANY, 32, 32, 3), np.uint8)
    with own_threads(1):
        classifier.probabilities(images)
        began = time.thread_time()
        for _ in range(batches):
            classifier.probabilities(images)
        return 1000 * (time.thread_time() - began) / (batches * MANY)


def measure(name: str, tta: str, *, rounds: int, seconds: float) -> dict[str, Any]:
    """One network with one choice of views."""
    classifier = load_model(name, tta=tta)
    contents = pictures(MANY)
    requests = {
        "one_raw": raw_request(contents[0]),
        "one_in_a_form": form_request(contents[:1]),
        "many_in_a_form": form_request(contents),
        "lone": raw_request(contents[0]),
    }
    alone: list[float] = []
    from_bytes: list[float] = []
    over: list[float] = []
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    with serving(name, tta) as server:
        for _ in range(rounds):
            before = images_per_second(classifier, seconds / 2)
            for way, (clients, count) in WAYS.items():
                if way == "lone":
                    from_bytes.append(milliseconds_of_one(classifier, contents[0], seconds / 5))
                used = server.processor_seconds()
                done = load(server.port, requests[way], clients=clients, seconds=seconds)
                used = server.processor_seconds() - used
                after = images_per_second(classifier, seconds / 2)
                images = count * done["requests"]
                done["speed"] = images / done["seconds"]
                done["share"] = 2 * done["speed"] / (before + after)
                done["processor_milliseconds"] = 1000 * used / images
                if way == "lone":
                    over.append(done["milliseconds_median"] - from_bytes[-1])
                found[way].append(done)
                before = after
                alone.append(after)
    figures: dict[str, Any] = {
        "tta": classifier.tta,
        "precision": classifier.compute.precision,
        "predictor_images_per_second": round(statistics.median(alone), 1),
        "predictor_milliseconds_of_one": round(statistics.median(from_bytes), 2),
        "predictor_processor_milliseconds": round(processor_milliseconds(classifier, rounds), 3),
        **{way: _summary(way, each) for way, each in found.items()},
    }
    figures["lone"]["milliseconds_over_predictor"] = round(statistics.median(over), 2)
    print(name, figures)
    return figures


def _summary(way: str, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    def median(of: str) -> float:
        return statistics.median(each[of] for each in rounds)

    clients, count = WAYS[way]
    return {
        "clients": clients,
        "pictures_per_request": count,
        "images_per_second": round(median("speed"), 1),
        "share_of_predictor": round(median("share"), 3),
        "shares": [round(each["share"], 3) for each in rounds],
        "processor_milliseconds": round(median("processor_milliseconds"), 3),
        "milliseconds_median": median("milliseconds_median"),
        "milliseconds_99": median("milliseconds_99"),
        "requests": sum(each["requests"] for each in rounds),
        "failed": sum(each["failed"] for each in rounds),
    }


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="one short round")
    short = parser.parse_args().short
    rounds, seconds = _SHORT if short else (_ROUNDS, _SECONDS)
    networks = {
        name: [measure(name, tta, rounds=rounds, seconds=seconds) for tta in ("none", "flip_shift")]
        for name in NETWORKS
    }
    write_result("service", {"networks": networks})


if __name__ == "__main__":
    main()
