"""What the frame engine keeps, how much room it takes, and how it is let go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, sql

from heatloop.kernel.errors import InputError
from heatloop.kernel.series import Columns
from heatloop.store.historian import frames_rollups as rollups
from heatloop.store.historian import frames_tables as tables
from heatloop.store.historian.frames_dictionary import Dictionary
from heatloop.store.historian.frames_rows import to_frames, together
from heatloop.store.historian.frames_state import FramesState
from heatloop.store.historian.port import DAY_S, Partition, Stats

TABLES = {
    "raw": "frame",
    "revision": "revision",
    "event": "event",
    "rollup_10m": "rollup_10m",
    "rollup_1h": "rollup_1h",
    "rollup_1d": "rollup_1d",
}
_STEPS = {name: step_s for step_s, name in rollups.TABLES.items()}
_SAMPLE_BYTES, _WINDOW_BYTES = 17, 73
_EXACT_BYTES = 256 << 20
"""Rows of larger partitions are estimated from a sample of their pages."""
_SMALL = 64
_CHILDREN = """
SELECT c.relname, pg_total_relation_size(c.oid), pg_relation_size(c.oid)
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(%s)
ORDER BY c.relname"""
_WORN = """
SELECT c.relname, x.indisclustered, s.n_dead_tup
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
JOIN pg_index x ON x.indrelid = c.oid AND x.indisprimary
JOIN pg_stat_user_tables s ON s.relid = c.oid
WHERE i.inhparent = to_regclass(%s) ORDER BY c.relname DESC"""
_TEXT = {
    "revision": "octet_length(method) + octet_length(who) + 17",
    "event": "octet_length(subject) + octet_length(text) + 12",
}


def partitions(connection: Connection[Any]) -> list[Partition]:
    """Return what is kept, by table and stretch of time."""
    found: list[Partition] = []
    for table, parent in TABLES.items():
        for name, stored, size in connection.execute(_CHILDREN, [parent]).fetchall():
            rows, plain = _rows(connection, table, name, size)
            number = int(name.rpartition("_")[2])
            found.append(Partition(table, number, rows, stored, plain))
    return found


def _rows(connection: Connection[Any], table: str, name: str, size: int) -> tuple[int, int]:
    if table in _TEXT:
        bytes_a_row, text = 1, f"SELECT count(*), coalesce(sum({_TEXT[table]}), 0) FROM {{}}"
    else:
        bytes_a_row = _SAMPLE_BYTES if table == "raw" else _WINDOW_BYTES
        text = "SELECT coalesce(sum(n), 0), coalesce(sum(n), 0) FROM {}"
    share = 1.0
    if size > _EXACT_BYTES:
        text += " TABLESAMPLE SYSTEM (1)"
        share = 0.01
    query = sql.SQL(text).format(sql.Identifier(name))
    ((rows, plain),) = connection.execute(query).fetchall()
    return int(rows / share), int(plain / share) * bytes_a_row


def measure(
    connection: Connection[Any], known: Dictionary, keys: NDArray[np.uint32], start: int, end: int
) -> Partition:
    """Return what samples of some points take in a table by themselves, its index included."""
    connection.execute("CREATE TEMP TABLE probe (LIKE frame INCLUDING INDEXES) ON COMMIT DROP")
    query = "SELECT min(slot), max(slot) FROM frame WHERE slot >= %s AND slot < %s"
    ((first, last),) = connection.execute(query, [start, end]).fetchall()
    rows = 0
    if first is not None and len(keys):
        for part in _values(connection, known, keys, (first, last), "frame"):
            tables.write_frames(connection, 0, to_frames(part, known), "probe")
            rows += len(part.keys)
    ((size,),) = connection.execute("SELECT pg_total_relation_size('probe')").fetchall()
    return Partition("probe", 0, rows, size if rows else 0, rows * _SAMPLE_BYTES)


def sizes(connection: Connection[Any]) -> Stats:
    """Return bytes and partitions of every table."""
    out: Stats = {}
    for table, parent in TABLES.items():
        children = connection.execute(_CHILDREN, [parent]).fetchall()
        out[f"{table}_bytes"] = sum(stored for _, stored, _ in children)
        out[f"{table}_parts"] = len(children)
    return out


def worn(connection: Connection[Any]) -> list[sql.Composed]:
    """Return the statements that put partitions in order.

    A past month is sorted by frame once, so that a device's day lies together; the newest two
    and the other tables only give back the room of rows that were replaced.
    """
    found = []
    for parent in TABLES.values():
        for index, (name, clustered, dead) in enumerate(connection.execute(_WORN, [parent])):
            words = {"name": sql.Identifier(name), "key": sql.Identifier(f"{name}_pkey")}
            if parent == "frame" and index >= 2 and (not clustered or dead):
                found.append(sql.SQL("CLUSTER {name} USING {key}").format(**words))
            elif dead:
                found.append(sql.SQL("VACUUM (ANALYZE) {name}").format(**words))
    return found


def drop(
    connection: Connection[Any],
    state: FramesState,
    table: str,
    number: int,
    keep: NDArray[np.uint32],
) -> int:
    """Remove a partition's rows but those of points to keep; return how many went.

    Raises:
        InputError: There is no such table.
    """
    parent = TABLES.get(table)
    if parent is None:
        raise InputError("no such table", thing=table[:80], fix=f"use one of {sorted(TABLES)}")
    name = f"{parent}_{int(number)}"
    child = sql.Identifier(name)
    if connection.execute("SELECT to_regclass(%s)", [name]).fetchone() == (None,):
        return 0
    if table in _TEXT:
        text = "DELETE FROM {} WHERE NOT key = ANY (%s)"
        gone = connection.execute(sql.SQL(text).format(child), [keep.tolist()]).rowcount
        if not connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(child)).rowcount:
            connection.execute(sql.SQL("DROP TABLE {}").format(child))
            state.partitions.forget()
        return gone
    query = sql.SQL("SELECT coalesce(sum(n), 0), min(slot), max(slot) FROM {}").format(child)
    ((rows, first, last),) = connection.execute(query).fetchall()
    words = {"table": sql.Identifier(parent), "name": child}
    connection.execute(sql.SQL("ALTER TABLE {table} DETACH PARTITION {name}").format(**words))
    connection.execute(sql.SQL("ALTER TABLE {name} RENAME TO leaving").format(**words))
    for kind in ("pkey", "counter_idx"):
        old, new = sql.Identifier(f"{name}_{kind}"), sql.Identifier(f"leaving_{kind}")
        connection.execute(sql.SQL("ALTER INDEX IF EXISTS {} RENAME TO {}").format(old, new))
    state.partitions.forget()
    kept = _keep(connection, state, table, keep, (first, last)) if rows and len(keep) else 0
    connection.execute("DROP TABLE leaving")
    return int(rows) - kept


def _keep(
    connection: Connection[Any],
    state: FramesState,
    table: str,
    keep: NDArray[np.uint32],
    span: tuple[int, int],
) -> int:
    """Copy the values of some keys from the table that leaves; return how many."""
    known, kept = state.dictionary, 0
    if table == "raw":
        for columns in _values(connection, known, keep, span, "leaving"):
            state.partitions.ensure(connection, "frame", columns.slots)
            tables.write_frames(connection, state.counter + 1, to_frames(columns, known))
            kept += len(columns.keys)
        return kept
    step_s = _STEPS[table]
    for frames, start, end in _pieces(known, keep, span):
        windows = rollups.read(connection, known, step_s, frames, start, end, "leaving")
        windows = windows.take(np.isin(windows.keys, keep))
        rollups.write(connection, state.partitions, known, step_s, windows)
        kept += len(windows)
    return kept


def _values(
    connection: Connection[Any],
    known: Dictionary,
    keys: NDArray[np.uint32],
    span: tuple[int, int],
    table: str,
) -> Iterator[Columns]:
    """Yield the samples of some keys, whole frames at a time."""
    mask = np.zeros(max(int(keys.max()), *(int(k.max()) for k in known.keys.values())) + 1, "?")
    mask[keys] = True
    for frames, start, end in _pieces(known, keys, span):
        parts = tables.between(connection, frames, start, end, table)
        columns = together(tables.samples(parts, known, mask))
        if len(columns.keys):
            yield columns


def _pieces(
    known: Dictionary, keys: NDArray[np.uint32], span: tuple[int, int]
) -> Iterator[tuple[list[int], int, int]]:
    """Yield the frames of keys, a few at a time, and each day of a time, both ends in it."""
    frames = list(known.by_frame(keys))
    for at in range(0, len(frames), _SMALL):
        for start in range(span[0], span[1] + 1, DAY_S):
            yield frames[at : at + _SMALL], start, min(start + DAY_S, span[1] + 1)
