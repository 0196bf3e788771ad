"""The document that describes a service, and requests made from it."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest

from live_service import LiveService

PATHS = {"/v1/predict": "post", "/v1/model": "get", "/healthz": "get", "/readyz": "get"}


def test_every_page_is_described(service: LiveService) -> None:
    document = service.ask("GET", "/openapi.json").json
    assert {path: next(iter(each)) for path, each in document["paths"].items()} == {
        **PATHS,
        "/metrics": "get",
    }
    predict = document["paths"]["/v1/predict"]["post"]
    assert set(predict["requestBody"]["content"]) == {
        "image/*",
        "application/octet-stream",
        "multipart/form-data",
        "application/json",
    }
    for status in ("400", "401", "408", "413", "415", "422", "429"):
        assert list(predict["responses"][status]["content"]) == ["application/problem+json"]


MADE = [*((path, "positive") for path in PATHS), ("/v1/predict", "negative")]
"""Other pages take nothing that could be wrong."""


@pytest.mark.parametrize(("path", "mode"), MADE)
def test_no_request_made_from_the_document_is_a_server_error(
    service: LiveService, path: str, mode: str
) -> None:
    """`benchmarks/service_fuzz.py` makes many more."""
    import schemathesis  # takes a second, which no other test process should wait
    from schemathesis.checks import not_a_server_error

    document = schemathesis.openapi.from_url(f"{service.url}/openapi.json")
    operation = document[path][PATHS[path].upper()]

    @hypothesis.given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode)))
    @hypothesis.settings(max_examples=25)
    def ask(case: Any) -> None:
        case.call_and_validate(base_url=service.url, checks=[not_a_server_error])

    ask()
