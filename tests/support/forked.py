"""Programs and workers of a search, forked from a process that has imported what they need.

Each would import for seconds. Started as it is for users: a worker of the fixture `folder`.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker, util
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from thriftnet.__main__ import main
from thriftnet.search.workers import local, worker
from thriftnet.training import loop
from thriftnet.training.state import TrainingState
from waits import PATIENCE_SECONDS, wait_until

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [worker.__name__, "thriftnet.search.run", "thriftnet.terminal.search", "pytest"]
)
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
    _enter(environment, folder)
    if log is not None:
        with log.open("wb") as output:
            _print_to(output.fileno(), output.fileno())
    sys.argv = ["worker", *arguments, "--parent", str(os.getppid())]
    worker.main()


@dataclass(frozen=True)
class Told:
    """How a program ended, and what it printed."""

    code: int
    out: str
    err: str


class ForkedProgram:
    """A call of a function in a process that it has for itself, as a program has."""

    def __init__(self, function: Callable[..., object], *arguments: str) -> None:
        (out, its_out), (err, its_err) = (_CONTEXT.Pipe(duplex=False) for _ in range(2))
        self._out, self._err = (os.fdopen(os.dup(pipe.fileno())) for pipe in (out, err))
        given = (function, arguments, its_out, its_err, dict(os.environ), str(Path.cwd()))
        self._process = _CONTEXT.Process(target=_call, args=given)
        self._process.start()
        self._read = ""
        # After a test that failed; a file left open would be a warning in another test.
        for end in (self._process.kill, self._out.close, self._err.close):
            util.Finalize(self, end, exitpriority=0)
        for pipe in (out, its_out, err, its_err):
            pipe.close()

    def read_until(self, mark: str) -> None:
        """Wait for a line with `mark`; fail with what it printed if it ends before."""
        line = ""
        while mark not in line:
            line = self._out.readline()
            self._read += line
            assert line, f"it did not print {mark!r}: {self.ended()}"

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Return as soon as a condition holds; fail with what it printed if it ends before."""
        wait_until(lambda: condition() or self._is_over())

    def _is_over(self) -> bool:
        assert self._process.is_alive(), f"it ended before what was waited for: {self.ended()}"
        return False

    def interrupt(self) -> None:
        """As Ctrl-C does."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGINT)

    def ended(self) -> Told:
        """Wait for its end."""
        with self._out, self._err:
            out, err = self._read + self._out.read(), self._err.read()
        self._process.join(PATIENCE_SECONDS)
        assert self._process.exitcode is not None
        return Told(self._process.exitcode, out, err)


def _call(
    function: Callable[..., object],
    arguments: Sequence[str],
    out: Connection,
    err: Connection,
    environment: dict[str, str],
    folder: str,
) -> None:
    _enter(environment, folder)
    _print_to(out.fileno(), err.fileno())
    out.close()
    err.close()
    function(*arguments)


def command(*arguments: str) -> None:
    """`thriftnet ARGUMENTS`, for a forked program."""
    sys.argv = ["thriftnet", *arguments]
    main()


def interrupted(step: str, *arguments: str) -> None:
    """`thriftnet ARGUMENTS`, which gets Ctrl-C before that step of a training."""
    taken = loop.train_step

    def train_step(plan: Any, state: TrainingState, *rest: Any, **named: Any) -> None:
        if state.step == int(step):
            os.kill(os.getpid(), signal.SIGINT)
        taken(plan, state, *rest, **named)

    loop.train_step = train_step
    command(*arguments)


def search(*arguments: str) -> None:
    """`thriftnet search ARGUMENTS`, for a forked program: it forks its workers."""
    _search(itertools.repeat(start_worker), arguments)


def search_as_users_do(*arguments: str) -> None:
    """The same; its first worker is a program of its own, which imports for seconds."""
    _search(itertools.chain([local.start_worker], itertools.repeat(start_worker)), arguments)


def _search(starts: Iterator[Callable[..., object]], arguments: Sequence[str]) -> None:
    # From the server that it comes from itself; it would start one of its own.
    forkserver._forkserver.ensure_running = resource_tracker.ensure_running  # type: ignore[attr-defined]
    local.start_worker = lambda *given: next(starts)(*given)  # type: ignore[assignment]
    command("search", *arguments)


def sphinx(*arguments: str) -> None:
    """`python -m sphinx ARGUMENTS`, for a forked program: it has imported what is documented."""
    from sphinx.cmd.build import main as build

    sys.exit(build(arguments))


def _enter(environment: dict[str, str], folder: str) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)


def _print_to(out: int, err: int) -> None:
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.stdout, sys.stderr = (os.fdopen(n, "w", buffering=1, closefd=False) for n in (1, 2))
