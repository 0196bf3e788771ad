"""Which thread computes with how many of torch's threads: a lone picture has them all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from channels import colour_classifier
from commands import in_this_process
from live_service import live_service, plain
from thriftnet import api
from thriftnet.inference.classifier import Classifier
from thriftnet.runtime.threads import own_threads
from thriftnet.serve import app
from waits import wait_until

Seen = list[tuple[str, int]]


@pytest.fixture
def two_threads() -> Iterator[None]:
    with own_threads(2):
        yield


def watched(monkeypatch: pytest.MonkeyPatch, place: Any, name: str) -> Seen:
    """The thread and its number of torch's threads at each call of a function."""
    seen: Seen = []
    function = getattr(place, name)

    def noted(*given: Any, **options: Any) -> Any:
        seen.append((threading.current_thread().name, torch.get_num_threads()))
        return function(*given, **options)

    monkeypatch.setattr(place, name, noted)
    return seen


@pytest.mark.usefixtures("two_threads")
def test_only_one_thread_of_a_service_has_a_team_of_openmps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With two teams on two cores, threads of both sleep between operations."""
    classifier = colour_classifier()
    seen = watched(monkeypatch, classifier, "probabilities")
    explained = watched(monkeypatch, app, "class_activation")
    monkeypatch.setattr("thriftnet.serve.service.has_stages", lambda _: True)
    monkeypatch.setattr("thriftnet.explain.activation.network_stages", lambda whole: {"": whole})
    with live_service(classifier) as service:
        assert service.predict(plain(), "/v1/predict?activation=true").status == 200
        wait_until(lambda: service.predict(plain()).status == 200 and ("worker-0", 2) in seen)
    assert {thread for thread, count in seen if count > 1} == {"worker-0"}
    assert [count for _, count in explained] == [1]


@pytest.mark.parametrize(("target", "threads"), [("quick", 1), ("quick.onnx", 2)])
@pytest.mark.usefixtures("two_threads")
def test_the_command_loads_the_network_without_a_team(
    target: str,
    threads: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A runtime of ONNX files has threads of its own, as many as it is opened with."""
    monkeypatch.chdir(tmp_path)
    Path("quick.onnx").touch()
    seen: list[int] = []

    def load(*_: Any, **__: Any) -> Classifier:
        seen.append(torch.get_num_threads())
        return colour_classifier()

    def end(*_: Any, **__: Any) -> None:
        seen.append(torch.get_num_threads())

    monkeypatch.setattr(api, "load_model", load)
    monkeypatch.setattr("thriftnet.serve.server.serve", end)
    assert in_this_process(monkeypatch, capsys)("serve", target, "--port", 0).code == 0
    assert seen == [threads, 2]
