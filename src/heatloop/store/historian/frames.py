"""The engine for machines without chdb: PostgreSQL, one row a device a tick.

Late, repeated and partial frames are laid over what is stored: a value that did not come erases
none. Several processes may share a schema; one writes at a time.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from psycopg import Connection

from heatloop.kernel.series import Columns
from heatloop.store.historian import frames_keeping as keeping
from heatloop.store.historian import frames_refresh as refresh
from heatloop.store.historian import frames_rollups as rollups
from heatloop.store.historian.checks import (
    check_columns,
    check_rollup,
    check_step,
    key_array,
)
from heatloop.store.historian.frames_reads import LONG_S, FramesReads, plain
from heatloop.store.historian.frames_state import FramesState
from heatloop.store.historian.newest import one_row_a_slot
from heatloop.store.historian.periods import check_periods
from heatloop.store.historian.port import (
    EventRow,
    Keys,
    Origin,
    RollupColumns,
)


class FramesHistorian(FramesReads):
    """A historian in one schema of a PostgreSQL database."""

    @contextmanager
    def _writing(self) -> Iterator[Connection[Any]]:
        """Give the writer's transaction; what was learnt in one that fails is forgotten."""
        with self._write_lock:
            try:
                with self._database.connection("write", seconds=LONG_S) as connection:
                    yield connection
                self._state.settle()
            except BaseException:
                self._forget()
                raise

    def _forget(self) -> None:
        fresh = FramesState()
        # Recovered when next asked: the server may be away just now.
        fresh.newest, fresh.periods = self._state.newest, self._state.periods
        fresh.counter, fresh.top = self._state.counter, self._state.top
        self._state = fresh

    def append(self, columns: Columns) -> None:
        """Store samples; they are durable, and `latest` knows them, when this returns."""
        columns = one_row_a_slot(check_columns(columns))
        if not len(columns.keys):
            return
        with self._writing() as connection:
            self._state.add(connection, columns)
            self._state.keep(connection)
        self._witnesses.note(columns)
        self._groups += 1
        self._rows += len(columns.keys)

    def define_frames(self, frames: Mapping[str, Sequence[int]]) -> int:
        """Say which points are read together, by device; return how many are new."""
        with self._writing() as connection:
            state = self._state
            state.look(connection, lock=True)
            news = state.dictionary.define(connection, state.counter + 1, frames)
            if news:
                state.dictionary.number += 1
                state.next(connection)
        return news

    def append_events(self, events: Sequence[EventRow]) -> None:
        """Store events; durable on return. An event sent again is given back once."""
        if not events:
            return
        with self._writing() as connection:
            self._state.look(connection, lock=True)
            counter = self._state.next(connection)
            self._state.partitions.ensure(connection, "event", [e.at_ms // 1000 for e in events])
            connection.cursor().executemany(
                "INSERT INTO event (at, key, subject, text, digest, counter)"
                " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                [(e.at_ms, e.key, *_texts(e), counter) for e in events],
            )

    def revise(self, columns: Columns, *, method: str, who: str) -> None:
        """Lay repaired values over raw ones on reading; raw itself is never changed."""
        columns = one_row_a_slot(check_columns(columns))
        if not len(columns.keys):
            return
        with self._writing() as connection:
            self._state.look(connection, lock=True)
            self._state.learn(connection, columns)
            counter = self._state.next(connection)
            self._state.partitions.ensure(connection, "revision", columns.slots)
            into = "COPY revision (key, slot, counter, value, quality, method, who) FROM STDIN"
            with connection.cursor().copy(into) as copy:
                for key, slot, value, quality in zip(*(c.tolist() for c in columns), strict=True):
                    copy.write_row((key, slot, counter, value, quality, method, who))
        self._revised = True

    def seed_rollup(
        self, step_s: int, columns: RollupColumns, *, as_they_were: bool = False
    ) -> None:
        """Store simulated windows; a window for which real samples exist is left as it is."""
        seeds = check_rollup(columns)
        check_step(step_s)
        if not len(seeds):
            return
        if not as_they_were:
            seeds = dataclasses.replace(seeds, origin=np.full(len(seeds), Origin.SIMULATED, "u1"))
        nothing = np.zeros(len(seeds), "u1")
        with self._refresh_lock, self._writing() as connection:
            state = self._state
            state.look(connection, lock=True)
            state.learn(connection, Columns(seeds.keys, seeds.slots, seeds.mean, nothing))
            state.next(connection)
            rollups.write(connection, state.partitions, state.dictionary, step_s, seeds, seeds=True)

    def refresh_rollups(self) -> int:
        """Compute again every window that got samples since; return how many 10-min windows."""
        with self._refresh_lock:
            found = refresh.refresh(
                self._database, self._state.periods, zone=self._zone, seconds=LONG_S
            )
            with self._writing() as connection:
                self._state.look(connection, lock=True)
                self._state.keep(connection, always=True)
            return found

    def set_periods(self, keys: Keys, periods_s: Keys) -> None:
        """Tell the sampling periods of points, for integrals computed from now on; durable."""
        wanted, seconds = check_periods(key_array(keys), key_array(periods_s))
        news = self._state.periods.changed(wanted, seconds)
        if not news.any():
            return
        rows = list(zip(wanted[news].tolist(), seconds[news].tolist(), strict=True))
        with self._writing() as connection:
            connection.cursor().executemany(
                "INSERT INTO point_period VALUES (%s, %s)"
                " ON CONFLICT (key) DO UPDATE SET period_s = excluded.period_s",
                rows,
            )
        self._state.periods.set(wanted, seconds)

    def drop_partition(self, table: str, name: int, keep: Keys = ()) -> int:
        """Remove a partition's rows but those of points to keep; return how many went."""
        kept = np.unique(key_array(keep))
        with self._refresh_lock, self._writing() as connection:
            self._state.look(connection, lock=True)
            gone = keeping.drop(connection, self._state, table, name, kept)
            self._state.next(connection)
        return gone

    def compact(self) -> None:
        """Give the room of replaced rows back, so that what is left is read faster."""
        with self._database.connection("read") as connection:
            names = keeping.worn(connection)
        for statement in names:
            self._database.alone(statement)

    def close(self) -> None:
        """Write the newest samples down and close the connections."""
        with self._refresh_lock:
            try:
                with self._writing() as connection:
                    self._state.look(connection, lock=True)
                    self._state.keep(connection, always=True)
            finally:
                self._database.close()


def _texts(event: EventRow) -> tuple[str, str, bytes]:
    subject, text = plain(event.subject), plain(event.text)
    return subject, text, hashlib.sha256(f"{subject}\0{text}".encode()).digest()
