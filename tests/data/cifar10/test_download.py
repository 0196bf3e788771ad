import hashlib
import random
import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from disk import full_disk
from local_mirror import Mirror
from thriftnet.data.cifar10.download import SlowMirrorsError, fetch_archive
from thriftnet.data.cifar10.facts import MIRRORS, OFFICIAL_ARCHIVE, Archive
from thriftnet.data.cifar10.mirrors import rank_mirrors
from thriftnet.data.fetch.faults import SourceError
from thriftnet.errors import DataError

Serve = Callable[..., Mirror]

CONTENT = random.Random(0).randbytes(3_000_000)
ARCHIVE = Archive("cifar-10-python.tar.gz", len(CONTENT), hashlib.md5(CONTENT).hexdigest())


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mirrors that answer are waited for as long as a busy machine takes."""
    monkeypatch.setattr("thriftnet.data.cifar10.download.BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr("thriftnet.data.cifar10.download.STALL_SECONDS", 60.0)
    monkeypatch.setattr("thriftnet.data.cifar10.mirrors.ANSWER_SECONDS", 60.0)
    monkeypatch.setattr("thriftnet.data.cifar10.mirrors._COMPARE_SECONDS", 60.0)


@pytest.fixture
def fetch(tmp_path: Path, said: list[str]) -> Callable[..., Path]:
    def run(*urls: str, patience: float | None = None) -> Path:
        return fetch_archive(ARCHIVE, urls, tmp_path, patience=patience, say=said.append)

    return run


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "cifar-10-python.tar.gz.part"


@pytest.fixture
def closed_port() -> Iterator[str]:
    """An address where nobody listens, nor can meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/x"


def test_plain_download(serve: Serve, fetch: Callable[..., Path], part: Path) -> None:
    assert fetch(serve(CONTENT).url) == part
    assert part.read_bytes() == CONTENT


def test_partial_file_is_resumed_by_range(
    serve: Serve, fetch: Callable[..., Path], part: Path, said: list[str]
) -> None:
    part.write_bytes(CONTENT[:1_234_567])
    mirror = serve(CONTENT)
    fetch(mirror.url)

    assert mirror.requested == [None, "bytes=1234567-"]
    assert part.read_bytes() == CONTENT
    assert said == [f"CIFAR-10: resuming cifar-10-python.tar.gz (3 MB) from {mirror.host}"]


def test_complete_part_needs_no_network(fetch: Callable[..., Path], part: Path) -> None:
    part.write_bytes(CONTENT)

    assert fetch() == part


def test_server_that_ignores_range(serve: Serve, fetch: Callable[..., Path], part: Path) -> None:
    part.write_bytes(CONTENT[:1_000_000])
    fetch(serve(CONTENT, ranges=False).url)

    assert part.read_bytes() == CONTENT


def test_connection_that_breaks_again_and_again(
    serve: Serve, fetch: Callable[..., Path], part: Path
) -> None:
    mirror = serve(CONTENT, drop_after=700_000)
    fetch(mirror.url)

    assert part.read_bytes() == CONTENT
    assert mirror.requested == [None, None] + [f"bytes={700_000 * n}-" for n in range(1, 5)]


def test_passing_server_faults_are_tried_again(
    serve: Serve, fetch: Callable[..., Path], part: Path
) -> None:
    mirror = serve(CONTENT, statuses=(503, 429))
    fetch(mirror.url)

    assert part.read_bytes() == CONTENT
    assert len(mirror.requested) == 4


def test_range_the_server_refuses_begins_again(
    serve: Serve, fetch: Callable[..., Path], part: Path
) -> None:
    part.write_bytes(CONTENT[:1_000_000])
    mirror = serve(CONTENT, statuses=(416,))
    fetch(mirror.url)

    assert mirror.requested == [None, "bytes=1000000-", None]
    assert part.read_bytes() == CONTENT


@pytest.mark.parametrize("beginning", [bytes(1_000_000), bytes(3_000_000), bytes(4_000_000)])
def test_damaged_part_is_given_up(
    beginning: bytes, serve: Serve, fetch: Callable[..., Path], part: Path
) -> None:
    part.write_bytes(beginning)
    fetch(serve(CONTENT).url)

    assert part.read_bytes() == CONTENT


def test_another_mirror_goes_on_where_one_fails(
    serve: Serve,
    fetch: Callable[..., Path],
    part: Path,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first to be used answers the probe, then no longer has the file."""
    gone, good = serve(CONTENT, statuses=(404, 404)), serve(CONTENT)

    def rank(*arguments: Any, **options: Any) -> tuple[list[str], list[str]]:
        urls, faults = rank_mirrors(*arguments, **options)
        return sorted(urls, key=[gone.url, good.url].index), faults

    monkeypatch.setattr("thriftnet.data.cifar10.download.rank_mirrors", rank)
    part.write_bytes(CONTENT[:2_500_000])
    fetch(good.url, gone.url)

    assert good.requested == [None, "bytes=2500000-"]
    assert f"CIFAR-10: {gone.host} answered with HTTP 404; skipped" in said
    assert part.read_bytes() == CONTENT


def test_wrong_content_is_passed_over(
    serve: Serve, fetch: Callable[..., Path], part: Path, said: list[str]
) -> None:
    wrong = serve(bytes(3_000_000))

    with pytest.raises(SourceError, match="served a file with the wrong MD5"):
        fetch(wrong.url)
    assert not part.exists()
    assert said[-1] == f"CIFAR-10: {wrong.host} served a file with the wrong MD5; skipped"


@pytest.mark.parametrize(
    "answer",
    [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 3000000, 3000000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nhello\r\n",
        "HTTP/1.1 206 Partial\r\nContent-Range: bytes ٣-9/٣\r\n\r\nhello",
        "HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n",
        "HTTP/1.1 999 \x1b[31mred\r\n\r\n",
        "\x1b]0;title\x07",
        "",
    ],
)
def test_second_answer_of_any_kind_is_passed_over(
    answer: str, serve: Serve, fetch: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first was right; what comes then may be anything."""
    good, bad = serve(CONTENT), serve(b"")

    def answer_raw(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(answer.encode())
        handler.close_connection = True

    monkeypatch.setattr(bad, "answer", answer_raw)
    rank = "thriftnet.data.cifar10.download.rank_mirrors"
    monkeypatch.setattr(rank, lambda *_, **__: ([bad.url, good.url], []))
    assert fetch(bad.url, good.url).read_bytes() == CONTENT


def test_log_in_page_of_a_hotel_is_passed_over(
    serve: Serve, fetch: Callable[..., Path], part: Path
) -> None:
    page = serve(b"<html>Welcome</html>")
    fetch(page.url, serve(CONTENT).url)

    assert part.read_bytes() == CONTENT
    part.unlink()
    with pytest.raises(SourceError, match="served a file of 20 bytes, not the archive of 3000000"):
        fetch(page.url)


def test_dead_mirrors_cost_one_wait_in_all(
    serve: Serve,
    fetch: Callable[..., Path],
    said: list[str],
    closed_port: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("thriftnet.data.cifar10.mirrors.ANSWER_SECONDS", 1.0)
    mirrors = [serve(CONTENT, silent=3600) for _ in range(3)]

    silence = r"did not answer within \d+ s"
    with pytest.raises(SourceError, match=f"{silence}; .*{silence}; .*{silence}$"):
        fetch(closed_port, *(mirror.url for mirror in mirrors))
    assert all(len(mirror.requested) <= 1 for mirror in mirrors)
    assert len(said) == 4
    assert all(line.endswith("skipped") for line in said)


def test_live_mirror_is_found_among_dead_ones(
    serve: Serve,
    fetch: Callable[..., Path],
    part: Path,
    closed_port: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("thriftnet.data.cifar10.mirrors._COMPARE_SECONDS", 0.1)
    fetch(serve(CONTENT, silent=3600).url, closed_port, serve(CONTENT).url)

    assert part.read_bytes() == CONTENT


def test_mirror_that_falls_silent_is_given_up_and_its_bytes_are_kept(
    serve: Serve, fetch: Callable[..., Path], part: Path
) -> None:
    mirror = serve(CONTENT, statuses=(500, 500, 500, 500))
    part.write_bytes(CONTENT[:1_000_000])

    with pytest.raises(SourceError, match="answered with HTTP 500"):
        fetch(mirror.url)
    assert part.read_bytes() == CONTENT[:1_000_000]


def test_slow_mirror_is_passed_over_only_by_the_impatient(
    serve: Serve, fetch: Callable[..., Path], part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thriftnet.data.cifar10.download.WINDOW_SECONDS", 0.1)
    mirror = serve(CONTENT, slow_until=10**9)

    with pytest.raises(SlowMirrorsError, match="is slow"):
        fetch(mirror.url, patience=0.05)
    assert 0 < part.stat().st_size < len(CONTENT)
    assert fetch(mirror.url).read_bytes() == CONTENT


def test_full_disk_is_one_line_and_not_tried_again(
    serve: Serve, fetch: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mirror = serve(CONTENT)
    monkeypatch.setattr(Path, "open", full_disk)

    with pytest.raises(DataError) as caught:
        fetch(mirror.url)
    assert str(caught.value) == (
        f"the disk of {tmp_path} is full; free 3 MB there "
        "or set THRIFTNET_CACHE to a folder on another disk"
    )
    assert not isinstance(caught.value, SourceError)
    assert len(mirror.requested) == 2


def test_official_mirrors_are_several_and_encrypted() -> None:
    assert len(set(MIRRORS)) >= 2
    assert all(url.startswith("https://") for url in MIRRORS)
    assert all(url.endswith(OFFICIAL_ARCHIVE.name) for url in MIRRORS)
    assert OFFICIAL_ARCHIVE.md5 == "c58f30108f718f92721af3b95e74349a"
