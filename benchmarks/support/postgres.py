"""A temporary PostgreSQL server on a free port."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

PASSWORD = "secret-word"


def program(name: str) -> str:
    """Path of a program of PostgreSQL; Debian keeps the server's off the PATH.

    Raises:
        SystemExit: It is not installed.
    """
    places = [os.environ["PATH"], *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        sys.exit(f"{name} is not installed; run: apt-get install -y postgresql")
    return found


class PostgresServer:
    """A server in a folder of its own; it runs between `start` and `stop`.

    Args:
        options: Of `postgres`, such as `-F`: no waiting for the disk.
    """

    def __init__(self, *options: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._options = options
        # The server refuses to run as root.
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:
            self._as = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(self.folder, "postgres", "postgres")
        self.port = _free_port()
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run(
            *("initdb", "--no-sync", "--username=owner", "--auth=scram-sha-256"),
            *("--encoding=UTF8", "--locale=C", f"--pwfile={password}", f"--pgdata={self._data}"),
        )

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        """Start, and return when it answers."""
        place = f"-k {self.folder} -p {self.port} -c listen_addresses=127.0.0.1"
        options = " ".join([place, *self._options])
        log = self.folder / "log"
        self._control("start", "-l", str(log), "-o", options)

    def stop(self) -> None:
        """Stop as a crash would: nobody is asked to finish."""
        self._control("stop", "-m", "immediate")

    def remove(self) -> None:
        """Stop and leave nothing behind."""
        if (self._data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder)

    def url(self, database: str, *, user: str = "owner", password: str = PASSWORD) -> str:
        """The address of a database."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Make an empty database; its address."""
        name = f"study_{uuid.uuid4().hex[:10]}"
        self.execute("postgres", f"create database {name}")
        return self.url(name)

    def execute(self, database: str, *statements: str) -> None:
        """Run statements, each by itself."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def _control(self, *arguments: str) -> None:
        """Wait until it is done, for ten minutes: a busy machine may take over pg_ctl's one."""
        self._run("pg_ctl", *arguments, "-w", "-t", "600", "-D", str(self._data))

    def _run(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            [program(name), *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if name == "initdb" else subprocess.DEVNULL,
            text=True,
            **self._as,
        )
        assert done.returncode == 0, f"{name}: {done.stderr}"


def _free_port() -> int:
    """A port below those that clients get, so that none takes it while the server is down."""
    range_of_clients = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(range_of_clients.read_text().split()[0]) if range_of_clients.exists() else 32_768
    while True:
        port = random.SystemRandom().randrange(first // 2, first)
        with socket.socket() as free, contextlib.suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


@contextmanager
def postgres_server(*options: str) -> Generator[PostgresServer]:
    """Run a server while the block lasts."""
    server = PostgresServer(*options)
    try:
        server.start()
        yield server
    finally:
        server.remove()
