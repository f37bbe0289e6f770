"""What the tests of the embedded folder do in a process of their own.

One process may open one embedded folder at a time, and a killed one cannot clean up.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from heatloop.kernel.errors import LinkError
from heatloop.kernel.series import Columns
from heatloop.store.historian.chdb import ChdbHistorian
from heatloop.store.historian.chdb_seal import key_of, load_key
from heatloop.store.historian.port import EventRow
from heatloop.store.historian.sealing import encrypt_folder

ZONE = ZoneInfo("Asia/Shanghai")
T0 = 1704038400
WORDS = "SECRET-水温-7731"
ROWS = 100_000


def run(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Call one of the functions below in a new process."""
    return subprocess.run(
        [sys.executable, "-m", "tests.contract.sealed_folder", name, *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )


def sweep(number: int = 0) -> Columns:
    keys = np.arange(1, 41, dtype="u4")
    values = keys + number / 8.0
    return Columns(keys, np.full(40, T0 + 30 * number, "u4"), values, np.zeros(40, "u1"))


def fill(path: str, keys: str = "") -> None:
    """Store a sweep, a repair and an event."""
    store = ChdbHistorian.open(Path(path), zone=ZONE, key=load_key(Path(keys)) if keys else None)
    for number in range(3):
        store.append(sweep(number))
    store.append_events([EventRow(1, T0 * 1000, "SS0001.flood", WORDS)])
    store.revise(sweep(1), method="linear", who="li-secret")
    store.refresh_rollups()
    store.close()


def look(path: str, keys: str) -> None:
    """Print what is stored, and store one more sweep."""
    folder = Path(path)
    store = ChdbHistorian.open(folder, zone=ZONE, key=key_of(folder, Path(keys)))
    found = store.raw([7], T0, T0 + 90).values.tolist()
    events = [event.text for event in store.events(0, (T0 + 9) * 1000)]
    sealed = store.stats()["sealed"]
    store.append(sweep(3))
    store.close()
    print(json.dumps([found, events, sealed]))


def encrypt(path: str, keys: str) -> None:
    """Encrypt a folder made in the clear."""
    print(encrypt_folder(Path(path), Path(keys)))


def fill_disk(place: str) -> None:
    """Store until the disk is full, look, make room, and go on."""
    store = ChdbHistorian.open(Path(place) / "h", zone=ZONE, key=b"k" * 32)
    random, keys = np.random.default_rng(1), np.arange(1, ROWS + 1, dtype="u4")

    def group(number: int) -> Columns:
        slots = np.full(ROWS, T0 + 30 * number, "u4")
        return Columns(keys, slots, random.standard_normal(ROWS), np.zeros(ROWS, "u1"))

    sure: list[tuple[int, float]] = []

    def intact() -> int:
        for number, total in sure[::6]:
            found = store.raw(keys, T0 + 30 * number, T0 + 30 * number + 1)
            assert len(found.keys) == ROWS, number
            assert float(found.values.sum()) == total, number
        return store.count(T0, T0 + 86400)

    told = ""
    for number in range(400):
        columns = group(number)
        try:
            store.append(columns)
        except LinkError as error:
            told = str(error)
            break
        sure.append((number, float(columns.values.sum())))
    free = shutil.disk_usage(place).free
    while_full = intact()
    subprocess.run(["mount", "-o", "remount,size=300m", place], check=True)
    store.append(columns)
    sure.append((number, float(columns.values.sum())))
    store.refresh_rollups()
    rolled = int(store.rollup([1], T0, T0 + 86400, 86400).count[0])
    after = intact()
    store.close()
    print(json.dumps([len(sure), told, free, while_full, after, rolled]))


if __name__ == "__main__":
    {"fill": fill, "look": look, "encrypt": encrypt, "fill_disk": fill_disk}[sys.argv[1]](
        *sys.argv[2:]
    )
