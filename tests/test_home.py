"""Users without a home folder or a name: containers, services."""

import os
import pwd
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

from thriftnet.home import cache_folder, settle_without_home

OWN = Path(tempfile.gettempdir()) / f"thriftnet-{os.getuid()}"


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No entry in passwd: a container started with `--user 12345`."""

    def no_entry(_: object) -> NoReturn:
        raise KeyError("uid not found")

    for name in ("HOME", "XDG_CACHE_HOME", "THRIFTNET_CACHE", "MPLCONFIGDIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", no_entry)


def test_without_a_home_the_cache_is_a_users_own_temporary_folder(monkeypatch: pytest.MonkeyPatch):
    assert cache_folder() == OWN
    monkeypatch.setenv("THRIFTNET_CACHE", "/there")
    assert cache_folder() == Path("/there")


@pytest.mark.parametrize("home", ["file", "file/below"])
def test_a_home_that_cannot_hold_a_cache_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
):
    """As /nonexistent, the home of many services; root could make that one."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / home))
    assert cache_folder() == OWN
    monkeypatch.setenv("HOME", str(tmp_path / "new"))
    assert cache_folder() == tmp_path / "new" / ".cache" / "thriftnet"


def test_a_cache_that_may_only_be_read_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    cache = tmp_path / ".cache" / "thriftnet"
    cache.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert cache_folder() == cache
    monkeypatch.setenv("HOME", str(tmp_path / "other"))
    assert cache_folder() == OWN


@pytest.mark.parametrize("home", [None, "here"])
def test_packages_that_ask_for_a_user_and_a_home_get_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str | None
):
    """A container's user may have a HOME and no name."""
    for name in ("MPLCONFIGDIR", "HOME", "THRIFTNET_CACHE"):
        monkeypatch.setenv(name, "")  # so that it is taken away again
        monkeypatch.delenv(name)
    if home:
        monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "")
    settle_without_home()
    assert os.environ["LOGNAME"] == str(os.getuid())
    assert ("MPLCONFIGDIR" in os.environ) == (home is None)
    assert Path.home() == (tmp_path if home else OWN)
    assert cache_folder() == (tmp_path / ".cache" / "thriftnet" if home else OWN)


def test_a_folder_that_another_put_in_the_place_of_a_users_own_is_no_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    planted = tmp_path / OWN.name
    planted.mkdir()
    planted.chmod(0o777)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("MPLCONFIGDIR", "HOME", "THRIFTNET_CACHE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    settle_without_home()
    assert Path.home() not in {planted, *planted.parents}
    assert cache_folder() == Path.home()
    assert Path.home().stat().st_mode & 0o777 == 0o700


def test_without_a_home_windows_has_a_temporary_folder_of_each_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """There, no user has a number."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(os, "getuid")
    assert cache_folder() == Path(tempfile.gettempdir()) / "thriftnet"
