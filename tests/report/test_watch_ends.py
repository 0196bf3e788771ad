"""Ctrl-C ends a watch at any moment, and leaves no thread that draws."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from made_runs import make_run
from thriftnet.report.drawing import NotWantedError, drawing_while
from thriftnet.report.record import read_record
from thriftnet.report.server import LivePage, LiveServer
from thriftnet.report.single import single_page
from thriftnet.report.style import figure_style
from waits import PATIENCE_SECONDS, wait_until

WATCH = """
import contextlib, http.client, os, signal, threading, urllib.request
from thriftnet.report import server

drawn = server.single_page

def draw(*arguments, **options):
    os.kill(os.getpid(), signal.SIGINT)
    return drawn(*arguments, **options)

def ask(address):
    with contextlib.suppress(OSError, http.client.HTTPException):
        urllib.request.urlopen(address)

def serve(self):
    threading.Thread(target=ask, args=(self.address,)).start()
    served(self)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
served, server.LiveServer.serve_forever = server.LiveServer.serve_forever, serve
server.single_page = draw
from thriftnet.cli import main
main()
"""
"""Asks for the page at once, and sends itself Ctrl-C when its drawing begins."""


def test_ctrl_c_while_a_page_is_drawn_ends_without_a_word(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run").path
    command = [sys.executable, "-c", WATCH, "watch", str(run), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert (done.returncode, done.stderr) == (0, "")


def test_closing_ends_idle_connections_and_waits_for_every_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with LiveServer(make_run(tmp_path / "run").path, port=0) as server:
        own = threading.Thread(target=server.serve_forever, args=(0.01,))
        own.start()
        idle = socket.create_connection(server.server_address[:2])  # says nothing for 10 s
        wait_until(lambda: set(threading.enumerate()) - {*before, own})
        server.shutdown()
    own.join()
    assert not set(threading.enumerate()) - before
    assert idle.recv(1) == b""
    idle.close()


ENDED = """
import os, signal, sys, threading, time
import thriftnet.cli

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it

def interrupt():
    while threading.main_thread().is_alive():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)

module = sys.modules["thriftnet.cli.app"]
begun = threading.Thread(target=interrupt)
module._command = lambda: lambda *_, **__: begun.start()
module.main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a signal there is no way for one to end")
def test_a_signal_after_the_end_ends_the_process_at_once() -> None:
    """Python would raise KeyboardInterrupt where it waits for threads, and go on without them."""
    done = subprocess.run([sys.executable, "-c", ENDED], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_a_watch_that_ends_draws_no_further_figure(tmp_path: Path) -> None:
    page = LivePage(make_run(tmp_path / "run").path)
    page.closed = True
    assert page.page() == b""  # not begun
    begun: list[bool] = []

    def wanted() -> bool:
        begun.append(True)
        return len(begun) < 2

    with pytest.raises(NotWantedError), figure_style(), drawing_while(wanted):
        single_page(read_record(page.run.path), data=None)
    assert len(begun) == 2
