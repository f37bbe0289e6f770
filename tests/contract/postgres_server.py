"""A PostgreSQL server of Debian's binaries on a unix socket, for as long as a block lasts."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

_FAST = ("-c", "fsync=off", "-c", "full_page_writes=off")


class PostgresServer:
    """One server and its data; may be killed and started again.

    Args:
        postgres: The server's program.
        options: Further arguments of the server.
        durable: Whether commits reach the disk; tests that do not pull the plug need it not.
    """

    def __init__(self, postgres: Path, *options: str, durable: bool = False) -> None:
        self._postgres, self._options = postgres, (*(() if durable else _FAST), *options)
        self.home = Path(tempfile.mkdtemp(prefix="hlpg"))
        self.url = f"postgresql://heatloop@/postgres?host={self.home}"
        self._as_nobody: dict[str, str] = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            shutil.chown(self.home, "nobody", "nogroup")
            self._as_nobody = {"user": "nobody", "group": "nogroup"}
        subprocess.run(
            [
                postgres.parent / "initdb",
                *("-D", self.home / "data", "-U", "heatloop", "-A", "trust", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd=self.home,
            **self._as_nobody,
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and return when it takes connections."""
        self._process = subprocess.Popen(
            [
                self._postgres,
                *("-D", self.home / "data", "-k", self.home, "-c", "listen_addresses="),
                *self._options,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.home,
            start_new_session=True,
            **self._as_nobody,
        )
        for _ in range(600):
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url).close()
                return
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill the server and everything it started, as a power cut would."""
        assert self._process is not None
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self._process.pid)],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.split()
        for pid in [self._process.pid, *map(int, children)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(30)

    def stop(self) -> None:
        """Stop and remove the data."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # does not wait for clients to leave
            self._process.wait(30)
        shutil.rmtree(self.home)


@contextlib.contextmanager
def postgres_server(postgres: Path, *options: str, durable: bool = False) -> Iterator[str]:
    """Run a server; give the URL of its database, `postgresql://...?host=<socket folder>`."""
    server = PostgresServer(postgres, *options, durable=durable)
    try:
        server.start()
        yield server.url
    finally:
        server.stop()


def make_database(url: str, name: str) -> str:
    """Make a database nobody has used, and return its URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return url.replace("/postgres?", f"/{name}?")
