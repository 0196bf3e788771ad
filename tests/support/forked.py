"""Workers of a search, forked from a process that has imported all that they need."""

from __future__ import annotations

import multiprocessing
import sys
from multiprocessing.context import ForkServerProcess

from thriftnet.search.workers import worker


def _run(arguments: list[str]) -> None:
    sys.argv = ["worker", *arguments]
    worker.main()


def start_worker(*arguments: str) -> ForkServerProcess:
    """As `python -m thriftnet.search.workers.worker ARGUMENTS`, which imports for seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([worker.__name__])
    process = context.Process(target=_run, args=(list(arguments),))
    process.start()
    return process
