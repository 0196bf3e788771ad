"""A signal is a request; a second one ends the program; what is ignored stays so."""

import signal
import threading

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
