"""Workers as processes of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

from thriftnet.errors import SearchError
from thriftnet.search.workers.pool import Ending, Order, last_line


@dataclass
class LocalWorker:
    """A child of this process."""

    order: Order
    process: subprocess.Popen[bytes]

    @property
    def name(self) -> str:
        """As ordered."""
        return self.order.name

    def ending(self) -> Ending | None:
        """How it ended; none while it runs."""
        code = self.process.poll()
        return None if code is None else Ending(code, last_line(self.order.log))

    def ask_to_stop(self) -> None:
        """SIGTERM, at which it ends its step."""
        self.process.terminate()

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()


class LocalCrew:
    """So many processes.

    Args:
        count: At once; each gets an equal share of the processor's threads.
    """

    def __init__(self, count: int) -> None:
        self._count = count

    def count(self) -> int:
        """As asked for."""
        return self._count

    def start(self, order: Order) -> LocalWorker:
        """Start a process whose output goes to its log.

        Raises:
            SearchError: The log cannot be written, or no process can be had.
        """
        threads = str(max(1, (os.cpu_count() or 1) // self._count))
        environment = {"OMP_NUM_THREADS": threads, **os.environ, **order.environment}
        command = [sys.executable, "-m", "thriftnet.search.workers.worker", *order.arguments]
        command += ["--parent", str(os.getpid())]
        try:
            order.log.parent.mkdir(parents=True, exist_ok=True)
            with order.log.open("wb") as output:
                # A session of its own: Ctrl-C reaches the parent alone, which then asks each once.
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=environment,
                    start_new_session=True,
                )
        except OSError as fault:
            raise SearchError(f"no worker can be started: {fault.strerror}; {order.log}") from None
        return LocalWorker(order, process)

    def close(self) -> None:
        """Nothing is held."""
