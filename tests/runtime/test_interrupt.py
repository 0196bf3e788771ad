"""A signal is a request; a second one ends the program; what is ignored stays so."""

import signal
import threading
from typing import Any

import pytest

from thriftnet.runtime.interrupt import stop_on_signal


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_is_a_request_and_the_second_is_not(number: signal.Signals):
    before = signal.signal(number, signal.default_int_handler)
    try:
        with stop_on_signal() as stop:
            assert not stop.requested
            signal.raise_signal(number)
            assert stop.requested
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(number)
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)


def test_a_closed_terminal_that_is_to_be_outlived_is():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signal() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert not stop.requested
    finally:
        signal.signal(signal.SIGHUP, before)


def test_in_another_thread_no_signal_is_caught():
    found: list[bool] = []

    def work() -> None:
        with stop_on_signal() as stop:
            found.append(stop.requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False]


def test_a_handler_that_a_library_in_c_had_set_gives_way_to_the_default(
    monkeypatch: pytest.MonkeyPatch,
):
    """Python cannot set it again, and says None."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    kept[signal.SIGHUP] = signal.getsignal(signal.SIGHUP)
    set_handler = signal.signal

    def tell_nothing(number: int, handler: Any) -> None:
        set_handler(number, handler)

    monkeypatch.setattr(signal, "signal", tell_nothing)
    try:
        with stop_on_signal() as stop:
            signal.raise_signal(signal.SIGTERM)
            assert stop.requested
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        for number, handler in kept.items():
            set_handler(number, handler)
