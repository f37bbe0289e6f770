"""The historian for a command: that of a running platform, or a process of its own meanwhile."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

from heatloop.app.settings import Settings
from heatloop.cli.stack import StackOptions, historian_program
from heatloop.kernel.errors import LinkError
from heatloop.store.historian.sync_client import SyncHistorian, connect_sync

_READY_S = 90.0
_TIMEOUT_S = 3600.0


@contextlib.contextmanager
def open_historian(settings: Settings) -> Iterator[SyncHistorian]:
    """Give the historian of this installation; a process is started when none runs.

    Raises:
        LinkError: It could not be started.
    """
    socket = settings.historian_socket
    try:
        client = connect_sync(socket, timeout_s=_TIMEOUT_S)
    except LinkError:
        with _started(settings) as client:
            yield client
        return
    with contextlib.closing(client):
        yield client


@contextlib.contextmanager
def _started(settings: Settings) -> Iterator[SyncHistorian]:
    options = StackOptions(
        data=settings.data,
        time_zone=settings.company.time_zone,
        historian_url=settings.storage.historian_url,
    )
    log = settings.data / "logs" / "import-historian.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, *historian_program(options).argv], stdout=out, stderr=out
        )
    try:
        with contextlib.closing(_connected(settings, process, str(log))) as client:
            yield client
    finally:
        process.terminate()
        process.wait(timeout=120)


def _connected(settings: Settings, process: subprocess.Popen[bytes], log: str) -> SyncHistorian:
    end = time.monotonic() + _READY_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(LinkError):
            return connect_sync(settings.data / "run" / "historian.sock", timeout_s=_TIMEOUT_S)
        time.sleep(0.1)
    raise LinkError("历史库未能启动 the historian did not start", thing=str(settings.data),
                    place=log, fix="look into that file")  # fmt: skip
