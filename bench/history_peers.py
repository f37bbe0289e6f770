"""The same samples as narrow rows in DuckDB, SQLite and PostgreSQL."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench.history_data import START_S, TICK_S, City
from heatloop.store.historian.port import DAY_S

READS = 40


@dataclass(frozen=True, slots=True)
class Peer:
    """What another store did with the same samples."""

    name: str
    """Name."""
    rows: int
    """Samples."""
    per_s: float
    """Samples stored a second, each sweep durable."""
    bytes_a_sample: float
    """Bytes on disk a sample."""
    day_ms: float
    """Median of reading one point's day."""
    latest_ms: float
    """Reading the newest value of every point."""


def _reads(ask: object, city: City) -> float:
    assert callable(ask)
    random = np.random.default_rng(5)
    took = []
    for key in random.choice(city.keys, READS).tolist():
        began = time.perf_counter()
        ask(int(key))
        took.append(time.perf_counter() - began)
    return float(np.median(took)) * 1000


def duckdb(city: City, ticks: int, folder: Path) -> Peer | None:
    """Return what DuckDB does, or None when it is not installed (a bench-only package)."""
    if importlib.util.find_spec("duckdb") is None:
        return None
    import duckdb as engine

    path = folder / "peer.duckdb"
    line = engine.connect(str(path), config={"threads": 2})
    line.execute("CREATE TABLE raw (point UINTEGER, ts UINTEGER, value DOUBLE, quality UTINYINT)")
    spent = 0.0
    for number in range(ticks):
        sweep = city.tick(number)
        rows = pa.table(dict(zip(("point", "ts", "value", "quality"), sweep, strict=True)))
        began = time.perf_counter()
        line.register("rows", rows)
        line.execute("INSERT INTO raw SELECT * FROM rows")
        line.unregister("rows")
        spent += time.perf_counter() - began
    line.execute("CHECKPOINT")
    total = ticks * len(city.keys)
    day = (
        f"SELECT ts, value FROM raw WHERE point = ? AND ts >= {START_S} AND ts < {START_S + DAY_S}"
    )
    day_ms = _reads(lambda key: line.execute(f"{day} ORDER BY ts", [key]).fetchnumpy(), city)
    began = time.perf_counter()
    line.execute("SELECT point, max(ts), arg_max(value, ts) FROM raw GROUP BY point").fetchnumpy()
    latest_ms = (time.perf_counter() - began) * 1000
    line.close()
    return Peer("DuckDB", total, total / spent, path.stat().st_size / total, day_ms, latest_ms)


def sqlite(city: City, ticks: int, folder: Path) -> Peer:
    """Return what SQLite does: WAL, full sync, primary key (point, ts) without rowid."""
    path = folder / "peer.sqlite"
    line = sqlite3.connect(path)
    line.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-262144;"
        "CREATE TABLE raw (point INTEGER, ts INTEGER, value REAL, quality INTEGER,"
        " PRIMARY KEY (point, ts)) WITHOUT ROWID;"
    )
    spent = 0.0
    for number in range(ticks):
        rows = list(zip(*(column.tolist() for column in city.tick(number)), strict=True))
        began = time.perf_counter()
        with line:
            line.executemany("INSERT OR REPLACE INTO raw VALUES (?, ?, ?, ?)", rows)
        spent += time.perf_counter() - began
    total = ticks * len(city.keys)
    day = "SELECT ts, value FROM raw WHERE point = ? AND ts >= ? AND ts < ?"
    day_ms = _reads(lambda key: line.execute(day, (key, START_S, START_S + DAY_S)).fetchall(), city)
    last = START_S + (ticks - 1) * TICK_S
    began = time.perf_counter()
    line.execute("SELECT point, value FROM raw WHERE ts = ?", (last,)).fetchall()
    latest_ms = (time.perf_counter() - began) * 1000
    line.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    line.close()
    return Peer("SQLite", total, total / spent, path.stat().st_size / total, day_ms, latest_ms)


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """Run PostgreSQL on a socket in a scratch folder; it refuses to run as root."""
    bindir = subprocess.run(
        ["pg_config", "--bindir"], capture_output=True, text=True, check=True
    ).stdout.strip()
    user, group = ("nobody", "nogroup") if os.geteuid() == 0 else (None, None)
    data = folder / "pg"
    data.mkdir()
    if user and group:
        shutil.chown(data, user, group)

    def run(*words: str) -> None:
        quiet = subprocess.DEVNULL
        subprocess.run(words, check=True, stdout=quiet, user=user, group=group)

    run(f"{bindir}/initdb", "-D", str(data), "-A", "trust", "-U", "p")
    options = f"-c listen_addresses='' -k {data} -c shared_buffers=512MB -c max_wal_size=4GB"
    control = [f"{bindir}/pg_ctl", "-D", str(data), "-w", "-l", str(data / "log")]
    run(*control, "-o", options, "start")
    try:
        yield f"host={data} user=p dbname=postgres"
    finally:
        run(*control, "-m", "immediate", "stop")


def postgres(city: City, ticks: int, folder: Path) -> Peer | None:
    """Return what PostgreSQL does: COPY, primary key (point, ts); None when it is not there."""
    if shutil.which("pg_config") is None:
        return None
    import psycopg

    with _server(folder) as place, psycopg.connect(place, autocommit=True) as line:
        line.execute(
            "CREATE TABLE raw (point int, ts int, value float8, quality smallint,"
            " PRIMARY KEY (point, ts))"
        )
        spent = 0.0
        for number in range(ticks):
            block = _binary_rows(city, number)
            began = time.perf_counter()
            with line.cursor() as cursor, cursor.copy("COPY raw FROM STDIN BINARY") as copy:
                copy.write(block)
            spent += time.perf_counter() - began
        line.execute("VACUUM ANALYZE raw")
        total = ticks * len(city.keys)
        size = line.execute("SELECT pg_total_relation_size('raw')").fetchone()
        assert size is not None
        day = "SELECT ts, value FROM raw WHERE point = %s AND ts >= %s AND ts < %s ORDER BY ts"
        day_ms = _reads(
            lambda key: line.execute(day, (key, START_S, START_S + DAY_S)).fetchall(), city
        )
        last = START_S + (ticks - 1) * TICK_S
        began = time.perf_counter()
        line.execute("SELECT point, value FROM raw WHERE ts = %s", (last,)).fetchall()
        latest_ms = (time.perf_counter() - began) * 1000
        return Peer("PostgreSQL", total, total / spent, size[0] / total, day_ms, latest_ms)


def _binary_rows(city: City, number: int) -> bytes:
    """Return a sweep in the binary format of COPY: its fastest way in."""
    sweep = city.tick(number)
    row = np.dtype(
        [
            *(("n", ">i2"), ("l1", ">i4"), ("point", ">i4"), ("l2", ">i4"), ("ts", ">i4")),
            *(("l3", ">i4"), ("value", ">f8"), ("l4", ">i4"), ("quality", ">i2")),
        ]
    )
    rows = np.empty(len(sweep.keys), row)
    rows["n"], rows["l1"], rows["l2"], rows["l3"], rows["l4"] = 4, 4, 4, 8, 2
    rows["point"], rows["ts"] = sweep.keys, sweep.slots
    rows["value"], rows["quality"] = sweep.values, sweep.quality
    return b"PGCOPY\n\xff\r\n\x00" + bytes(8) + rows.tobytes() + b"\xff\xff"
