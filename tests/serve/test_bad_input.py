"""What is wrong is refused with a problem that names the picture and the cause, and never a 5xx."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import NamedTuple

import pytest
from PIL import Image

from channels import colour_classifier
from live_service import BOUNDARY, FORM, LiveService, form, live_service, plain
from own_pictures import encoded
from thriftnet.serve.limits import Limits
from waits import wait_until

GOOD = plain()
JSON = "application/json"


def bomb() -> bytes:
    """A PNG of 30,000 x 30,000 pixels in a few bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        whole = kind + content
        return struct.pack(">I", len(content)) + whole + struct.pack(">I", zlib.crc32(whole))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def animation() -> bytes:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


class Bad(NamedTuple):
    """A request that is refused."""

    body: bytes
    kind: str
    status: int
    detail: str
    """A part of what is said."""


CASES = {
    "text": Bad(b"hello", "image/png", 422, "cannot be read as an image (an unsupported format"),
    "text as text": Bad(
        b"hello", "text/plain", 415, "text/plain is not a picture; send one of: image"
    ),
    "truncated": Bad(GOOD[:60], "image/png", 422, "picture 1 cannot be read as an image"),
    "truncated jpeg": Bad(
        encoded(Image.effect_noise((90, 90), 50), "JPEG")[:900], "", 422, "picture 1 cannot be read"
    ),
    "bomb": Bad(bomb(), "image/png", 422, "picture 1 has more than 1 megapixels"),
    "over the limit of pixels": Bad(
        plain(size=(1100, 1000)), "image/png", 422, "picture 1 has more than 1 megapixels"
    ),
    "too large a body": Bad(b"\0" * (2**20 + 1), "image/png", 413, "has more than 1.0 MiB"),
    "svg": Bad(
        b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", 422, "an SVG drawing"
    ),
    "animation": Bad(animation(), "image/gif", 422, "picture 1 has more than one frame"),
    "damaged heic": Bad(
        b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf", "image/heic", 422, "; save it again as PNG"
    ),
    "raw": Bad(b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "image/x-cr3", 422, "a camera's raw data"),
    "float tiff": Bad(
        encoded(Image.new("F", (8, 8)), "TIFF"), "image/tiff", 422, "values of unknown range"
    ),
    "wrong content type": Bad(GOOD, "video/mp4", 415, "video/mp4 is not a picture"),
    "as curl sends it": Bad(
        GOOD, "application/x-www-form-urlencoded", 415, "curl needs -H 'Content-Type: image/jpeg'"
    ),
    "no content type that is one": Bad(GOOD, "x;;;=", 415, "x is not a picture"),
    "empty": Bad(b"", "image/png", 400, "the body is empty"),
    "broken base64": Bad(
        as_json({"pictures": [{"name": "a.png", "data": "%%%"}]}), JSON, 400, "a.png is not base64"
    ),
    "base64 with a letter too many": Bad(
        as_json({"pictures": [{"data": base64.b64encode(GOOD).decode() + "A"}]}),
        JSON,
        400,
        "picture 1 is not base64",
    ),
    "base64 in lines": Bad(
        as_json({"pictures": [{"data": base64.encodebytes(GOOD).decode()}]}),
        JSON,
        400,
        "; leave out line breaks and a data: prefix",
    ),
    "base64 of text": Bad(
        as_json({"pictures": [{"data": "aGVsbG8="}]}), JSON, 422, "picture 1 cannot be read"
    ),
    "unknown field": Bad(
        as_json({"pictures": [{"data": "", "tta": 1}]}), JSON, 400, "pictures.0.tta: Extra inputs"
    ),
    "unknown field above": Bad(as_json({"files": []}), JSON, 400, "the JSON is invalid: pictures"),
    "no pictures": Bad(as_json({"pictures": []}), JSON, 400, "the JSON is invalid: pictures: List"),
    "another type": Bad(as_json({"pictures": [{"data": 7}]}), JSON, 400, "pictures.0.data: Input"),
    "no json": Bad(b"{", JSON, 400, "the JSON is invalid: body: Invalid JSON"),
    "deep json": Bad(b"[" * 100_000, JSON, 400, "the JSON is invalid: body: Invalid JSON"),
    "half a character": Bad(b'{"pictures":[{"data":"\\ud800"}]}', JSON, 400, "the JSON is invalid"),
    "no unicode": Bad(b'{"pictures":[{"data":"\xff"}]}', JSON, 400, "the JSON is invalid"),
    "too many in json": Bad(
        as_json({"pictures": [{"data": ""}] * 9}), JSON, 413, "more than 8 pictures"
    ),
    "empty form": Bad(f"--{BOUNDARY}--\r\n".encode(), FORM, 400, "the form is empty"),
    "form without a boundary": Bad(form(("a", GOOD)), "multipart/form-data", 400, "no boundary"),
    "form with another boundary": Bad(
        form(("a", GOOD)), "multipart/form-data; boundary=other", 400, "the form is malformed"
    ),
    "a boundary of many bytes": Bad(
        form(("a", GOOD)),
        f"multipart/form-data; boundary={'b' * 999}",
        400,
        "the form is malformed",
    ),
    "cut form": Bad(form(("a", GOOD))[:-20], FORM, 400, "it ends before its last boundary"),
    "unknown field of a form": Bad(
        form(("a", GOOD), field="file"), FORM, 400, "unknown field 'file'; pictures go in fields"
    ),
    "a form with an empty file": Bad(form(("a.png", b"")), FORM, 422, "a.png is an empty file"),
    "a form of text": Bad(
        form(("good.png", GOOD), ("bad.png", b"hello")), FORM, 422, "bad.png cannot be read"
    ),
    "too many in a form": Bad(form(*[("a", GOOD)] * 9), FORM, 413, "more than 8 pictures"),
    "a form in base64": Bad(
        form(("a.png", GOOD)).replace(
            b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1
        ),
        FORM,
        400,
        "a.png is sent as base64; send its bytes as they are",
    ),
    "a form whose headers never end": Bad(
        f"--{BOUNDARY}\r\n{'a' * 10_000}".encode(), FORM, 400, "the form is malformed"
    ),
    "a name that moves the cursor": Bad(
        form(("\x1b[2J.png", b"hello")), FORM, 422, "\ufffd[2J.png cannot be read"
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_problem_names_the_picture_and_the_cause(service: LiveService, case: Bad) -> None:
    answer = service.predict(case.body, content_type=case.kind)
    assert answer.status == case.status, answer.content
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json
    assert (problem["type"], problem["status"]) == ("about:blank", case.status)
    assert problem["title"]
    assert case.detail in problem["detail"]
    assert "\n" not in problem["detail"]
    assert service.predict(GOOD).status == 200


def test_a_compressed_body_is_told_of(service: LiveService) -> None:
    answer = service.predict(GOOD, content_encoding="GZIP")
    assert answer.status == 415
    assert answer.json["detail"] == "the body is sent as gzip; send its bytes as they are"
    assert service.predict(GOOD, content_encoding="identity").status == 200


def test_every_bad_picture_is_named(service: LiveService) -> None:
    body = form(("1.png", GOOD), ("2.png", b"x"), ("3.png", GOOD), ("4.png", GOOD[:50]))
    problem = service.predict(body, content_type=FORM).json
    assert [(each["index"], each["name"]) for each in problem["pictures"]] == [
        (1, "2.png"),
        (3, "4.png"),
    ]
    assert problem["detail"].startswith("2.png cannot be read")
    assert problem["detail"].endswith("(and 1 more)")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/predict", 405),
        ("PUT", "/v1/predict", 405),
        ("GET", "/nowhere", 404),
        ("POST", "/", 405),
        ("POST", "/v1/predict?views=6", 400),
        ("POST", "/v1/predict?activation=perhaps", 400),
        ("POST", "/v1/predict?activation=true&top=1", 400),
    ],
)
def test_wrong_pages_methods_and_queries(
    service: LiveService, method: str, path: str, status: int
) -> None:
    answer = service.ask(method, path, GOOD)
    assert (answer.status, answer.json["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    if status == 405:
        assert answer.headers["allow"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"no http at all\r\n\r\n", 400),
        (b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),  # no length: no body
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", 431),
        (b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n", 403),
        (b"GET / HTTP/1.1\r\n\r\n", 403),
    ],
    ids=lambda value: value[:40].decode() if isinstance(value, bytes) else str(value),
)
def test_requests_that_are_no_http(service: LiveService, sent: bytes, status: int) -> None:
    assert problem_of(service, sent) == status
    assert service.predict(GOOD).status == 200


def test_requests_that_do_not_arrive() -> None:
    late = (
        b"GET / HTTP/1.1\r\nHost: localh",
        b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nslow",
        b"",
    )
    with live_service(colour_classifier(), Limits(body_seconds=0.3)) as service:
        assert [problem_of(service, sent) for sent in late] == [408] * 3
        wait_until(lambda: service.predict(GOOD).status == 200)


def problem_of(service: LiveService, sent: bytes) -> int:
    """The status of the problem that these bytes are answered with."""
    with service.connection() as connection:
        connection.sendall(sent)
        answer = connection.recv(65536)
        while b"}" not in answer and (more := connection.recv(65536)):
            answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    status = json.loads(body)["status"]
    assert head.startswith(b"HTTP/1.1 %d " % status), head
    assert b"application/problem+json" in head
    return status


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nhalf",
        b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(GOOD)
        + GOOD,
    ],
    ids=["in the middle of the body", "before the answer"],
)
def test_a_client_that_leaves_costs_no_other(service: LiveService, sent: bytes) -> None:
    for _ in range(20):
        with service.connection() as connection:
            connection.sendall(sent)
    assert service.predict(GOOD).status == 200
    text = service.ask("GET", "/metrics").content.decode()
    assert 'status="5' not in text
