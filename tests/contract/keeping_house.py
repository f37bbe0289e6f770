"""A data folder with a real historian process, to be backed up, wiped and restored."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from heatloop.app.ledger_admin import install_ledger
from heatloop.app.settings import Settings, load_settings
from heatloop.app.wiring import open_records
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import LinkError
from heatloop.kernel.series import Columns
from heatloop.store.backup_open import Opened, open_backup
from heatloop.store.backup_run import Made, Subject, make_backup, new_run_id
from heatloop.store.files import Files
from heatloop.store.historian.sync_client import SyncHistorian, connect_sync
from heatloop.store.objects import ObjectStore, open_objects
from tests.unit.app_town import assets, devices, gateways

PASSPHRASE = "read-me-out-if-all-is-lost"
DAY_S = 86400
START_S = 1_700_000_000 // DAY_S * DAY_S


@contextmanager
def historian(data: Path) -> Iterator[SyncHistorian]:
    """Run the historian process of a data folder."""
    log = (data / "historian.out").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "heatloop.store.historian", "--data", str(data)],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        client = _connected(data, process)
        try:
            yield client
        finally:
            client.close()
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def _connected(data: Path, process: subprocess.Popen[bytes]) -> SyncHistorian:
    for _ in range(600):
        try:
            return connect_sync(data / "run" / "historian.sock")
        except LinkError:
            assert process.poll() is None, (data / "historian.out").read_text()
            time.sleep(0.05)
    raise AssertionError("no historian")


def slot(number: int, points: int = 200) -> Columns:
    """Return one sweep of all points."""
    at = START_S + 30 * number
    keys = np.arange(1, points + 1, dtype="u4")
    values = np.round(np.sin(keys + number) * 40 + 50, 1)
    return Columns(keys, np.full(points, at, "u4"), values, np.zeros(points, "u1"))


class House:
    """What is backed up, and where to."""

    def __init__(self, folder: Path, place: str = "", store: ObjectStore | None = None) -> None:
        self.folder = folder
        self.data = folder / "d"
        self.settings: Settings = load_settings(self.data)
        self.records, self.keys = open_records(self.settings)
        self.files = Files(self.data / "files")
        self.store = store or open_objects(place or str(folder / "backups"))

    def furnish(self) -> None:
        """Fill ledger, files, audit trail and a local gateway."""
        install_ledger(self.records, assets(), devices(), gateways())
        self.photo, _ = self.files.put(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400)
        self.voice, _ = self.files.put(b"OggS" + bytes(5000), every=True)
        for number in range(20):
            self.note(number)
        edge = self.data / "edge" / "GW0001"
        (edge / "spool").mkdir(parents=True)
        (edge / "edge.toml").write_text('gateway = "GW0001"\n')
        (edge / "spool" / "rows.seg").write_bytes(b"rows")

    def note(self, number: int) -> None:
        """Write one more audit entry."""
        self.records.audit.append(
            at=float(number), user="keeper", action="note", subject=str(number), detail={}
        )

    def subject(self) -> Subject:
        return Subject(
            data=self.data,
            records_url=self.settings.records_url,
            keys=self.settings.keys,
            files=self.files,
        )

    def backup(self, *, full: bool = False, passphrase: str = PASSPHRASE, **more: Any) -> Made:
        at = machine_s()
        return make_backup(
            self.subject(),
            self.store,
            run=new_run_id(at, "full" if full else "incremental"),
            full=full,
            passphrase=passphrase,
            signer=self.keys.signing,
            at=at,
            plant_at=more.pop("plant_at", float(START_S)),
            **more,
        )

    def opened(self, **more: Any) -> Opened:
        return open_backup(self.store, PASSPHRASE, **more)

    def close(self) -> None:
        self.records.close()
