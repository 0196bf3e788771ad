"""A temporary PostgreSQL server for a measurement."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def postgres_server(*, connections: int = 100) -> Iterator[str]:
    """Run the installed server with default settings except for the number of connections.

    Yields:
        Its address for `--storage`.
    """
    programs = _programs()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="thriftnet-pg-"))
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(folder, "postgres")
    data, options = folder / "data", f"-p {port} -k {folder} -c max_connections={connections}"
    try:
        _run(programs / "initdb", "-D", data, "-A", "trust", "-U", "postgres")
        control = (programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w")
        _run(*control, "-o", f"{options} -c listen_addresses=127.0.0.1", "start")
        try:
            yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
        finally:
            _run(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Folder of the server's programs, newest version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise SystemExit("there is no PostgreSQL server; run: apt-get install postgresql")
    return Path(on_path).parent


def _run(*command: str | Path) -> None:
    user = "postgres" if os.geteuid() == 0 else None
    done = subprocess.run(
        [str(word) for word in command],
        user=user,
        cwd="/",
        stdout=subprocess.PIPE if "initdb" in str(command[0]) else subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise SystemExit(f"{Path(command[0]).name} failed: {(done.stdout or '').strip()[-300:]}")
