"""Turns signals into a stop request: the loop finishes its step, writes a checkpoint and ends."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Generator
from types import FrameType


class StopRequest:
    """Set when a signal requests the end of a run."""

    def __init__(self) -> None:
        self.requested = False


@contextlib.contextmanager
def stop_on_signal() -> Generator[StopRequest]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into a request; a second one ends the program.

    SIGHUP stays ignored under nohup. Outside the main thread signals cannot be handled, and nothing
    is requested.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def ask(number: int, _frame: FrameType | None) -> None:
        request.requested = True
        restore(signal.Signals(number))

    def restore(number: signal.Signals) -> None:
        handler = previous[number]  # None: a library in C had set it
        signal.signal(number, signal.SIG_DFL if handler is None else handler)

    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    previous = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield request
    finally:
        for number in previous:
            if signal.getsignal(number) is ask:  # or what was set meanwhile stays
                restore(number)
