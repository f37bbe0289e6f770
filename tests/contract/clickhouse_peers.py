"""Endpoints that speak ClickHouse's HTTP interface, as processes that can be killed."""

import signal
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from heatloop.store.historian.clickhouse_http import Login
from heatloop.store.historian.clickhouse_open import open_clickhouse
from heatloop.store.historian.clickhouse_url import parse
from heatloop.store.historian.port import Historian

USERS = """
[heat]
role = "write"
password = "secret-of-heat"
[eye]
role = "read"
password = "secret-of-eye"
"""
LOGIN = Login(user="heat", password="secret-of-heat")
READER = Login(user="eye", password="secret-of-eye")


def open_endpoints(url: str, state: Path, zone: ZoneInfo) -> Historian:
    return open_clickhouse(parse(url), LOGIN.password, zone=zone, state=state)


class Endpoint:
    """One endpoint over one folder; `port` stays the same when it is started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, 0
        folder.mkdir(parents=True, exist_ok=True)
        self.users = folder / "users.toml"
        self.users.write_text(USERS)
        self.users.chmod(0o600)
        self.process: subprocess.Popen[str] | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def base(self) -> str:
        return f"http://{self.host}"

    def launch(self, *more: str) -> "Endpoint":
        module = "heatloop.store.historian.clickhouse_endpoint"
        command = [sys.executable, "-m", module, "--folder", str(self.folder / "engine")]
        command += ["--users", str(self.users), "--port", str(self.port), *more]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        return self

    def ready(self) -> "Endpoint":
        assert self.process is not None
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening"), line
        self.port = int(line.split()[-1])
        return self

    def start(self, *more: str) -> "Endpoint":
        return self.launch(*more).ready()

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        assert self._end(signal.SIGTERM) == 0

    def _end(self, number: signal.Signals) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(number)
        assert process.stdout is not None
        process.stdout.close()
        return process.wait(timeout=30)
