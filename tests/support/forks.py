"""`--forks`: processes share the tests, forked when everything is imported and collected.

Those of pytest-xdist import and collect each for themselves, which takes a twentieth of the time of
all tests. They are used where tests compute in several threads or lines are counted.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

import forked

_NUMBER_BYTES = 2
_PATIENCE_SECONDS = 30
"""For a process that is interrupted to undo its fixtures."""


class _Fork:
    """A process: the test in which it is, by name and place, and what else it has taken."""

    def __init__(self, pid: int, name: str, taken: list[pytest.Item]) -> None:
        self.pid = pid
        self.name = name
        self.at: tuple[str, Any] | None = None
        self.pending = {item.nodeid: item for item in taken}


class Forks:
    """The processes of a session, and what they report.

    Args:
        session: Everything is collected.
        groups: The tests that one process takes together, in the order in which they begin.
    """

    def __init__(self, session: pytest.Session, groups: list[list[pytest.Item]]) -> None:
        self.session = session
        self.config: Any = session.config
        self.groups = groups
        self._running: dict[Connection, _Fork] = {}
        self._base = self.config._tmp_path_factory.getbasetemp()
        self._names = (f"gw{number}" for number in range(10_000))
        # A pipe hands out the numbers of groups: who reads one has it, and in the end it is empty.
        self._numbers, filled = os.pipe()
        os.write(filled, b"".join(n.to_bytes(_NUMBER_BYTES, "big") for n in range(len(groups))))
        os.close(filled)

    def run(self, count: int) -> None:
        """Run all tests in so many processes.

        Raises:
            pytest.Session.Failed: As many tests as are allowed have failed.
            RuntimeError: A process ended between two tests.
        """
        interrupted = True
        if any("test_search" in item.nodeid for item in self.session.items):
            forked.share()
        try:
            for _ in range(count):
                self._start([])
            while self._running:
                for connection in wait(list(self._running)):
                    assert isinstance(connection, Connection)
                    self._take(connection)
                if self.session.shouldfail:
                    raise self.session.Failed(self.session.shouldfail)
            interrupted = False
        except Exception:
            for fork in self._running.values():
                os.kill(fork.pid, signal.SIGINT)  # as a terminal does to all, on Ctrl-C
            raise
        finally:
            if interrupted:
                self._await_ends()

    def _await_ends(self) -> None:
        end = time.monotonic() + _PATIENCE_SECONDS
        for fork in self._running.values():
            while not os.waitpid(fork.pid, os.WNOHANG)[0]:
                if time.monotonic() > end:
                    os.kill(fork.pid, signal.SIGKILL)
                time.sleep(0.05)

    def _start(self, first: list[pytest.Item]) -> None:
        """Fork a process that begins with some tests and then takes groups."""
        receives, sends = multiprocessing.Pipe(duplex=False)
        name = next(self._names)
        capture = self.config.pluginmanager.getplugin("capturemanager")
        capture.stop_global_capturing()  # both processes would write into its files
        pid = os.fork()
        capture.start_global_capturing()
        capture.suspend_global_capture()
        if pid == 0:
            self._child(first, name, sends)
        sends.close()
        self._running[receives] = _Fork(pid, name, first)

    def _child(self, first: list[pytest.Item], name: str, sends: Connection) -> NoReturn:
        """Run tests until there are none."""
        code = 0
        try:
            random.seed()
            os.environ["PYTEST_XDIST_WORKER"] = name
            own = self._base / f"popen-{name}"
            own.mkdir(mode=0o700)
            self.config._tmp_path_factory._basetemp = own
            self.config.pluginmanager.unregister(name="terminalreporter")
            self.config.pluginmanager.register(_Sender(self.config, sends))
            items = self._items(first, sends)
            item = next(items, None)
            while item is not None and not self.session.shouldfail:
                following = next(items, None)
                self.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                item = following
        except KeyboardInterrupt:
            code = 130
        except BaseException:
            code = 1
            traceback.print_exc()
        with contextlib.suppress(BaseException):
            self.session._setupstate.teardown_exact(None)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    def _items(self, first: list[pytest.Item], sends: Connection) -> Iterator[pytest.Item]:
        yield from first
        while read := os.read(self._numbers, _NUMBER_BYTES):
            number = int.from_bytes(read, "big")
            sends.send(("group", number))
            yield from self.groups[number]

    def _take(self, connection: Connection) -> None:
        """Report what a process says, or that it has ended."""
        fork, hook = self._running[connection], self.config.hook
        try:
            kind, told = connection.recv()
        except EOFError:
            del self._running[connection]
            self._ended(fork, os.waitstatus_to_exitcode(os.waitpid(fork.pid, 0)[1]))
            return
        if kind == "group":
            fork.pending |= {item.nodeid: item for item in self.groups[told]}
        elif kind == "start":
            fork.at = told
            hook.pytest_runtest_logstart(nodeid=told[0], location=told[1])
        elif kind == "finish":
            fork.at = None
            del fork.pending[told[0]]
            hook.pytest_runtest_logfinish(nodeid=told[0], location=told[1])
        else:
            self._report(hook.pytest_report_from_serializable(config=self.config, data=told), fork)

    def _report(self, report: Any, fork: _Fork) -> None:
        gateway = SimpleNamespace(id=fork.name)  # pytest shows where a test ran, as xdist has it
        report.node = SimpleNamespace(gateway=gateway, _workerinfocache=f"[{fork.name}]")
        self.config.hook.pytest_runtest_logreport(report=report)

    def _ended(self, fork: _Fork, code: int) -> None:
        """Report the test that ended its process; another process takes the rest."""
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        if fork.at is not None:
            nodeid, location = fork.at
            message = f"the process of this test has ended with {how}"
            self._report(pytest.TestReport(nodeid, location, {}, "failed", message, "call"), fork)
            del fork.pending[nodeid]
            self.config.hook.pytest_runtest_logfinish(nodeid=nodeid, location=location)
        elif code:
            raise RuntimeError(f"{fork.name} has ended with {how} between two tests")
        if fork.pending:
            self._start(list(fork.pending.values()))


class _Sender:
    """Tells the process that reports what happens in this one."""

    def __init__(self, config: Any, sends: Connection) -> None:
        self._config = config
        self._sends = sends

    def pytest_runtest_logstart(self, nodeid: str, location: Any) -> None:
        self._sends.send(("start", (nodeid, location)))

    def pytest_runtest_logfinish(self, nodeid: str, location: Any) -> None:
        self._sends.send(("finish", (nodeid, location)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._sends.send(("report", data))
