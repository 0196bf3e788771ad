"""A full queue, a token, hosts, probes and figures."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from channels import Channels, colour_classifier
from live_service import LiveService, live_service, plain
from thriftnet.errors import RunError
from thriftnet.inference.classifier import Classifier
from thriftnet.serve.limits import Limits
from thriftnet.serve.server import Address, listen, read_token
from waits import wait_until

TOKEN = "0123456789abcdef0123"


class Held:
    """A classifier that waits, once it is held, until it is let go."""

    def __init__(self) -> None:
        self.classifier = colour_classifier()
        self.go = threading.Event()
        self.go.set()
        self.batches: list[int] = []
        probabilities = self.classifier.probabilities

        def waiting(images: Any) -> Any:
            self.batches.append(len(images))
            self.go.wait(300)
            return probabilities(images)

        self.classifier.probabilities = waiting


@contextmanager
def full(held: Held, service: LiveService, count: int) -> Iterator[ThreadPoolExecutor]:
    """So many requests wait while the block lasts."""
    held.go.clear()
    with ThreadPoolExecutor(count) as pool:
        answers = [pool.submit(service.predict, plain()) for _ in range(count)]
        try:
            wait_until(lambda: f"thriftnet_open_requests {count}.0" in figures(service))
            yield pool
        finally:
            held.go.set()
        assert [each.result().status for each in answers] == [200] * count


def figures(service: LiveService) -> str:
    return service.ask("GET", "/metrics").content.decode()


def waiting_pictures(service: LiveService) -> float:
    return float(figures(service).partition("\nthriftnet_waiting_pictures ")[2].split()[0])


def test_a_full_queue_is_said_before_the_body_is_read() -> None:
    held = Held()
    with live_service(held.classifier, Limits(requests=4)) as service, full(held, service, 4):
        with service.connection() as connection:
            head = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n"
            connection.sendall(head)  # and not a byte of the body
            answer = connection.recv(9999)
        assert answer.startswith(b"HTTP/1.1 429 ")
        assert b"retry-after: 1" in answer.lower()
        assert service.ask("GET", "/readyz").status == 503
        assert service.ask("GET", "/healthz").json == {"status": "ok"}


def test_bytes_that_wait_are_bounded_too() -> None:
    held = Held()
    size = len(plain())
    limits = Limits(waiting_bytes=2 * size, body_bytes=2 * size)
    with live_service(held.classifier, limits) as service:
        with full(held, service, 2):
            assert service.predict(plain()).status == 429
            assert service.predict(iter([plain()])).status == 429  # may be of any length
        assert service.predict(iter([plain()])).status == 200
        assert service.ask("GET", "/readyz").json == {"status": "ready"}


def test_an_answer_that_takes_too_long_is_told_to_come_again() -> None:
    held = Held()
    with live_service(held.classifier, Limits(answer_seconds=0.5)) as service:
        held.go.clear()
        answer = service.predict(plain())
        held.go.set()
        assert (answer.status, answer.headers["retry-after"]) == (429, "1")
        wait_until(lambda: service.predict(plain()).status == 200)


def test_connections_above_the_limit_are_told_to_try_again() -> None:
    with live_service(colour_classifier(), Limits(connections=2)) as service:
        with service.connection(), service.connection():
            wait_until(lambda: service.predict(plain()).status == 503)
            answer = service.predict(plain())
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["retry-after"] == "1"
            assert "2 connections are open" in answer.json["detail"]
        wait_until(lambda: service.predict(plain()).status == 200)


def test_what_waits_becomes_the_next_batch() -> None:
    """Without a timer: alone at once, and together once the network is free."""
    held = Held()
    with live_service(held.classifier) as service:
        assert service.predict(plain()).status == 200
        assert held.batches[-1] == 1
        before = len(held.batches)
        with full(held, service, 24):
            wait_until(lambda: waiting_pictures(service) + sum(held.batches[before:]) == 24)
        sizes = held.batches[before:]
    assert sum(sizes) == 24
    assert len(sizes) <= 6


def test_clients_that_left_are_not_computed_for() -> None:
    held = Held()
    content = plain()
    head = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    with live_service(held.classifier) as service:
        assert service.predict(content).status == 200
        before = len(held.batches)
        held.go.clear()
        for count in (1, 30):  # one that the network has begun, and those that wait for it
            for _ in range(count):
                with service.connection() as connection:
                    connection.sendall(head % len(content) + content)
            wait_until(lambda: len(held.batches) > before)
        wait_until(lambda: "thriftnet_open_requests 0.0" in figures(service))
        held.go.set()
        assert service.predict(content).status == 200
    assert held.batches[before:] == [1, 1]


def test_a_failure_of_the_network_is_ours_and_the_service_lives(
    caplog: pytest.LogCaptureFixture,
) -> None:
    network = Channels()
    classifier = colour_classifier(network=network)
    with torch.no_grad(), live_service(classifier) as service:
        engine = classifier.engine.network
        scale = engine.get_parameter("scale")
        scale.fill_(float("nan"))
        answer = service.predict(plain())
        assert (answer.status, answer.json["status"]) == (500, 500)
        scale.fill_(5.0)
        assert service.predict(plain()).status == 200
    assert "not finite" in caplog.text


def test_a_token_is_asked_for() -> None:
    with live_service(colour_classifier(), token=TOKEN) as service:
        assert service.predict(plain()).status == 200
        for wrong in ("", "Bearer", f"Bearer {TOKEN}0", f"Basic {TOKEN}", "Bearer \xff", TOKEN):
            service.headers = {"Authorization": wrong} if wrong else {}
            for method, path in (
                ("POST", "/v1/predict"),
                ("GET", "/metrics"),
                ("GET", "/v1/model"),
            ):
                answer = service.ask(method, path, plain())
                assert answer.status == 401, (wrong, path)
                assert answer.headers["www-authenticate"] == "Bearer"
        for path in ("/healthz", "/readyz", "/"):
            assert service.ask("GET", path, Host="any.example").status == 200


def test_another_host_must_be_allowed() -> None:
    with live_service(colour_classifier(), allowed_hosts=("pictures.example",)) as service:
        statuses = [
            service.ask("GET", "/v1/model", Host=host).status
            for host in (
                "localhost",
                "127.0.0.1:99",
                "[::1]:8",
                "Pictures.Example:80",
                "evil.example",
            )
        ]
    assert statuses == [200, 200, 200, 200, 403]


def test_other_origins_get_no_leave(service: LiveService) -> None:
    """Without CORS, a browser keeps the answer from pages of other origins."""
    answer = service.predict(plain(), Origin="http://evil.example")
    assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = service.ask("OPTIONS", "/v1/predict", Origin="http://evil.example")
    assert preflight.status == 405


def test_the_model_is_described(service: LiveService) -> None:
    found = service.ask("GET", "/v1/model").json
    assert found["preprocessing"]["classes"] == ["red", "green", "blue"]
    assert found["preprocessing"]["tta"] == "none"
    assert (found["precision"], found["device"], found["parameters"]) == ("fp32", "cpu", 1)
    assert found["limits"]["body_bytes"] == 2**20
    assert isinstance(found["limits"]["pictures"], int)
    assert len(found["digest"]) == 64


def test_figures_for_prometheus(service: LiveService) -> None:
    service.predict(plain())
    service.ask("GET", "/nowhere")
    text = figures(service)
    for part in (
        'thriftnet_requests_total{path="/v1/predict",status="200"}',
        'thriftnet_requests_total{path="other",status="404"}',
        "thriftnet_pictures_total",
        'thriftnet_batch_pictures_bucket{le="1.0"}',
        'thriftnet_stage_seconds_total{stage="network"}',
        "thriftnet_predict_seconds_count",
        "thriftnet_waiting_pictures 0.0",
    ):
        assert part in text


def test_a_port_that_is_taken_is_one_line() -> None:
    with listen(Address(port=0)) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            RunError, match=f"port {port} of 127.0.0.1 is in use by another program"
        ):
            listen(Address(port=port))
    with pytest.raises(RunError, match="cannot be used"):
        listen(Address(host="192.0.2.7"))


@pytest.mark.parametrize("content", [b"", b"short", b"with a space in the middle", b"\xff" * 20])
def test_what_is_no_token(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(RunError, match="token"):
        read_token(tmp_path / "token")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert read_token(tmp_path / "token") == TOKEN


def test_memory_is_flat(service: LiveService) -> None:
    """Over a thousand requests, good and bad; benchmarks/service.py asks a hundred thousand."""
    import resource

    def ask(number: int) -> int:
        content = plain() if number % 3 else np.random.default_rng(number).bytes(200_000)
        return service.predict(content).status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(200))) == {200, 422}
        for _ in range(3):  # what leaks grows each time; a peak of threads that met comes once
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            assert set(pool.map(ask, range(600))) == {200, 422}
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            if grown < 30_000:  # kB
                break
    assert grown < 30_000


def test_what_serves_is_safe_beside_its_own_classifier() -> None:
    """The classifier of a service may be used by other threads meanwhile."""
    classifier: Classifier = colour_classifier()
    with live_service(classifier) as service, ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(service.predict, plain()) for _ in range(40)]
        direct = [pool.submit(classifier.predict, [plain()]) for _ in range(40)]
        labels = {each.result().json["predictions"][0]["label"] for each in asked}
        labels |= {each.result()[0].label for each in direct}
    assert labels == {"red"}
