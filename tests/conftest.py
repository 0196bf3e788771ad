"""Fixtures for every test folder."""

import gc
import os
import shutil
import sys
from pathlib import Path

# One thread a test process: `make test` runs one process a core and more, and the small networks of
# the tests gain nothing from others. Set before torch is imported, and inherited by subprocesses.
# `make numerics` asks for others.
os.environ["OMP_NUM_THREADS"] = os.environ.get("THRIFTNET_TEST_THREADS", "1")

# Where there are several, as in a search, those that wait leave the cores to other tests.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# Compiled modules are kept, even where the environment says otherwise, as in many containers: a
# hundred processes would each compile the package, for almost half a second.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Tests say what standard error holds; on a busy machine a command would also say what it is doing.
os.environ["THRIFTNET_PROGRESS"] = "0"

# xdist gives its workers a terminal of 80 columns; tests have none unless they ask for one.
os.environ.pop("COLUMNS", None)

# Processes that tests start find the package under test, whichever checkout is installed; pytest's
# own finds it by `pythonpath` in pyproject.toml.
_SRC = str(Path(__file__).parent.parent / "src")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (_SRC, os.environ.get("PYTHONPATH"))))


def _has_room(folder: Path) -> bool:
    """Whether files of tests may lie in memory there: a run needs up to 2 GB, programs included."""
    if not folder.is_dir() or os.statvfs(folder).f_flag & os.ST_NOEXEC:
        return False
    facts = Path("/proc/meminfo").read_text().splitlines()
    (available,) = (int(line.split()[1]) * 1024 for line in facts if "MemAvailable" in line)
    return min(available, shutil.disk_usage(folder).free) > 8 * 2**30


# Runs and studies wait for the disk after every line that they write; in memory they do not. What
# passed is removed (`tmp_path_retention_policy` in pyproject.toml).
if _has_room(Path("/dev/shm")):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/dev/shm")

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.postgres import PostgresServer
    from thriftnet.data import Dataset


pytest_plugins = ["distribution"]


def pytest_configure(config: pytest.Config) -> None:
    """Import what tests use; the process that hands them out to others would lose seconds by it."""
    if config.getoption("tx", None) and not hasattr(config, "workerinput"):
        return
    gc.disable()  # what is imported and collected stays: looking through it again takes seconds
    from hypothesis import HealthCheck, settings

    # Hypothesis's own profile for shared machines: no deadline, and the same examples in every run.
    checks = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
    settings.register_profile("tests", settings.get_profile("ci"), suppress_health_check=checks)
    settings.load_profile("tests")
    for plugin in ("ongoing", "report_fixtures", "traced"):
        config.pluginmanager.import_plugin(plugin)


def pytest_collection_finish() -> None:
    """From here on, look through what tests leave behind, and not through all that they import."""
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)  # Python's own looks seven times as often
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def memory_goes_back() -> Iterator[None]:
    """A process that trains keeps what it frees; this one runs thousands of tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("thriftnet.runtime.device.keep_freed_memory", lambda: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def decoded_in_silence() -> Iterator[None]:
    """Tests say what is printed; on a busy machine, decoding would also say how far it is."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("own.decoding", "cifar10.official_folder"):
            patch.setattr(f"thriftnet.data.{module}._SAY_EVERY_SECONDS", 3600.0)
        yield


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> None:
    """From the user's cache; in a test's own, which is empty, it would be compiled for seconds."""
    import torch

    from thriftnet.kernels.library import fused, winograd

    fused(torch.bfloat16)
    fused(torch.float32)
    winograd()


@pytest.fixture(autouse=True)
def same_draws() -> None:
    """A test draws the same numbers, whatever ran before it in its process."""
    import torch

    torch.default_generator.manual_seed(0)  # alone: those of other devices take milliseconds


@pytest.fixture(scope="session")
def cifar10() -> "tuple[Dataset, Dataset]":
    """The real data set, (train, test), from the ordinary cache or its sources."""
    from thriftnet.data import load_cifar10

    return load_cifar10()


@pytest.fixture(scope="session")
def postgres_server() -> "Iterator[PostgresServer]":
    """A PostgreSQL server of this test process."""
    from support.postgres import postgres_server

    with postgres_server("-F") as server:
        yield server
