"""The wheel and the source distribution hold the package whole, and nothing of this folder.

`.ci/distributions` installs both into empty environments, which takes minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
pytest.importorskip("hatchling")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("dist")
    words = [sys.executable, "-m", "hatchling", "build", "--directory", str(place)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return place


def package_files() -> set[str]:
    """Of the package, as git knows them."""
    words = ["git", "ls-files", "src/thriftnet"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    return {name.removeprefix("src/") for name in listed.stdout.splitlines()}


def test_the_wheel_has_every_file_and_works_elsewhere_without_a_network(
    built: Path, tmp_path: Path
) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        names = {name for name in file.namelist() if ".dist-info/" not in name}
        assert names == package_files()
        file.extractall(tmp_path / "installed")
    Image.new("RGB", (60, 40), (200, 0, 0)).save(tmp_path / "photo.png")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    environment |= dict.fromkeys(("HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:9")
    code = "import thriftnet; print(thriftnet.__file__); from thriftnet.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "predict", "best", "photo.png"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    where, predicted = done.stdout.splitlines()[:2]
    assert where.startswith(str(tmp_path / "installed"))
    assert predicted.startswith("photo.png")


def test_the_source_distribution_has_what_builds_and_tests_it(built: Path) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert {f"src/{name}" for name in package_files()} <= names
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "Makefile"} <= names
    assert not [name for name in names if name.startswith((".venv", "runs/", "studies/"))]
