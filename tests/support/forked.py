"""Workers of a search, forked from a process that has imported what they need, for seconds each."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from thriftnet.search.workers import worker

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([worker.__name__, "pytest"])
STARTED: list[ForkedWorker] = []


class ForkedWorker:
    """A worker, with what `search/workers/local.py` uses of `subprocess.Popen`."""

    def __init__(
        self, arguments: Sequence[str], log: Path | None, changes: Mapping[str, str]
    ) -> None:
        self.arguments = arguments
        environment = {**os.environ, **changes}
        given = (arguments, log, environment, str(Path.cwd()))
        self._process = _CONTEXT.Process(target=_work, args=given)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int | None:
        self._process.join()
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def start_worker(
    arguments: Sequence[str], log: Path | None = None, environment: Mapping[str, str] | None = None
) -> ForkedWorker:
    """As `search/workers/machine.py` starts one by `python -m`, which imports for seconds."""
    STARTED.append(ForkedWorker(arguments, log, environment or {}))
    return STARTED[-1]


def _work(
    arguments: Sequence[str], log: Path | None, environment: dict[str, str], folder: str
) -> None:
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if log is not None:
        with log.open("wb") as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        sys.stdout, sys.stderr = (os.fdopen(n, "w", buffering=1, closefd=False) for n in (1, 2))
    sys.argv = ["worker", *arguments, "--parent", str(os.getppid())]
    worker.main()
