"""The lines of docs/serve.md that ask a service, in a shell and as they are written."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels import colour_classifier
from documented import ROOT, lines
from live_service import LiveService, live_service, plain
from thriftnet.serve.server import read_token
from waits import PATIENCE_SECONDS

TOKEN, CURL = "openssl rand -hex 32 > token", "curl "
SHOWN = [line for line in lines((ROOT / "docs" / "serve.md").read_text("utf-8")) if CURL in line]
PICTURES = {"photo.jpg": "red", "one.jpg": "green", "two.png": "blue"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("client")
    for name, colour in PICTURES.items():
        rgb = [250 * (colour == each) for each in ("red", "green", "blue")]
        (path / name).write_bytes(plain(rgb))
    subprocess.run(TOKEN, shell=True, cwd=path, check=True)
    return path


@pytest.fixture(scope="module")
def guarded(folder: Path) -> Iterator[LiveService]:
    assert TOKEN in lines((ROOT / "docs" / "serve.md").read_text("utf-8"))
    with live_service(colour_classifier(), token=read_token(folder / "token")) as found:
        yield found


@pytest.mark.parametrize("line", SHOWN)
def test_a_documented_request_is_answered(
    line: str, folder: Path, service: LiveService, guarded: LiveService
) -> None:
    asked = guarded if "token" in line else service
    written = line.replace("http://127.0.0.1:8000", asked.url)
    written = written.replace("BASE64", b64encode((folder / "one.jpg").read_bytes()).decode())
    done = subprocess.run(
        ["bash", "-c", written],
        cwd=folder,
        capture_output=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    found = [each["label"] for each in json.loads(done.stdout)["predictions"]]
    named = [colour for name, colour in PICTURES.items() if name in line]
    assert found == named


def test_there_are_four_of_them() -> None:
    assert len(SHOWN) == 4
