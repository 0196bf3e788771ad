"""Pictures are decoded beside the event loop, which answers meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from channels import colour_classifier
from live_service import live_service, plain
from thriftnet.serve import workers
from thriftnet.serve.limits import Limits
from waits import wait_until


def test_a_picture_that_takes_too_long_is_named_and_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, go = threading.Event(), threading.Event()
    decode = workers.decode_image

    def slow(content: bytes, **options: Any) -> Any:
        begun.set()
        go.wait(300)
        return decode(content, **options)

    monkeypatch.setattr(workers, "decode_image", slow)
    with (
        live_service(colour_classifier(), Limits(answer_seconds=3)) as service,
        ThreadPoolExecutor(1) as pool,
    ):
        waiting = pool.submit(service.predict, plain())
        assert begun.wait(300)
        assert service.ask("GET", "/healthz").status == 200
        answer = waiting.result()
        go.set()
        assert answer.status == 422
        assert answer.json["detail"] == "picture 1 takes more than 3 s to decode; make it smaller"
        assert [each["index"] for each in answer.json["pictures"]] == [0]
        wait_until(lambda: service.predict(plain()).status == 200)
