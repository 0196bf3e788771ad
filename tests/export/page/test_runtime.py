"""The runtime: fetched once, verified, kept; one line where that cannot be."""

from __future__ import annotations

import hashlib
import stat
import sys
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest

from official_layouts import write_tar
from thriftnet.errors import ExportError
from thriftnet.export.page import runtime
from thriftnet.export.page.runtime import web_runtime

_FILES = {"ort.wasm.bundle.min.mjs": b"export {};", "ort-wasm-simd-threaded.wasm": b"\0asm"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the test's own."""
    monkeypatch.setenv("THRIFTNET_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A client that hands out a small package, and no other program."""
    archive = write_tar(tmp_path / "package.tgz", _FILES, folder="package")
    content = archive.read_bytes()
    digest = b64encode(hashlib.sha512(content).digest()).decode()
    monkeypatch.setattr(runtime, "PACKAGE", replace(runtime.PACKAGE, sha512=digest))
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in _FILES.items()}
    monkeypatch.setattr(runtime, "_SHA256", digests)
    client = tmp_path / "bin" / "npm"
    client.parent.mkdir()
    client.write_text(
        f"#!{sys.executable}\nimport shutil, sys\n"
        f"if sys.argv[1] == 'pack': shutil.copy({str(archive)!r}, 'x.tgz')\n"
    )
    client.chmod(client.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(client.parent))
    return client


def test_fetched_once_and_kept(npm: Path):
    said: list[str] = []
    first = web_runtime(said.append)
    assert (first.code, first.wasm) == tuple(_FILES.values())
    assert said == ["page: fetching onnxruntime-web@1.30.0 through npm (33 MB)"]
    npm.unlink()
    assert web_runtime(said.append) == first
    assert len(said) == 1


@pytest.mark.usefixtures("npm")
def test_damaged_cache_is_fetched_again(cache: Path):
    first = web_runtime(lambda _: None)
    place = cache / "onnxruntime-web-1.30.0" / "ort-wasm-simd-threaded.wasm"
    place.write_bytes(b"something else")
    assert web_runtime(lambda _: None) == first
    assert place.read_bytes() == first.wasm


@pytest.mark.usefixtures("npm")
def test_cache_that_cannot_be_written(cache: Path):
    said: list[str] = []
    cache.write_text("a file where the folder should be")
    assert web_runtime(said.append).wasm == b"\0asm"
    assert said[-1].endswith("not caching")


@pytest.mark.parametrize("client", [None, "raise SystemExit('npm error code ENOTFOUND')"])
def test_offline_the_first_time(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, client: str | None
):
    if client:
        (tmp_path / "npm").write_text(f"#!{sys.executable}\n{client}\n")
        (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExportError) as caught:
        web_runtime(lambda _: None)
    line = str(caught.value)
    reason = "npm view failed (npm error code ENOTFOUND)" if client else "there is no npm client"
    assert reason in line
    assert f"copy {cache / 'onnxruntime-web-1.30.0'} from another machine" in line
    assert caught.value.exit_code == 2
    assert not cache.exists()  # nothing is left behind


@pytest.mark.usefixtures("npm")
def test_another_package_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runtime, "PACKAGE", replace(runtime.PACKAGE, sha512="another"))
    with pytest.raises(ExportError, match="npm returned another"):
        web_runtime(lambda _: None)
    assert not cache.exists()


@pytest.mark.usefixtures("npm")
def test_a_cache_that_others_can_write_is_not_written(cache: Path, tmp_path: Path):
    """A link there would lead anywhere."""
    folder = cache / "onnxruntime-web-1.30.0"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    (folder / "ort.wasm.bundle.min.mjs").symlink_to(tmp_path / "own")
    said: list[str] = []
    assert web_runtime(said.append).wasm == b"\0asm"
    assert "can be written by anybody; not caching" in said[-1]
    assert not (tmp_path / "own").exists()
