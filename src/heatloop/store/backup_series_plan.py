"""Which pieces of the series a backup carries anew, and putting them back into an engine.

Days that are over are carried once, and again when late samples or repairs came; of the day that
runs each hour is a piece of its own, so that the next backup carries the last hours only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.store.backup_series import ROLLUPS, Piece, load_piece, write_piece
from heatloop.store.historian.port import DAY_S, HOUR_S, Historian

FORM = "rows"
"""How series stand in a backup that was read through an engine's operations."""
_COUNTED = ("raw", "revision", "event")
TABLES = (*ROLLUPS, "raw", "revision", "event")
"""Tables of series, in the order they are put back."""
Told = Callable[[float], None]


@dataclass(kw_only=True, slots=True)
class Series:
    """The series of a backup."""

    engine: str
    """Engine they were read from."""
    through: int = 0
    """Greatest reception counter seen."""
    pieces: dict[str, Piece] = field(default_factory=dict)
    """Pieces by name of their file."""
    periods: list[list[int]] = field(default_factory=list)
    """Points and sampling periods, seconds."""

    def to_facts(self) -> dict[str, Any]:
        """Return it as it stands in the list of a backup."""
        return {
            "form": FORM,
            "engine": self.engine,
            "through": self.through,
            "periods": self.periods,
            "pieces": [asdict(piece) for piece in self.pieces.values()],
        }

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Series | None:
        """Return what the list of a backup says; None where the series are an engine's own files.

        Raises:
            InputError: It cannot be read.
        """
        if facts.get("form") != FORM:
            return None
        try:
            pieces = [Piece(**plain) for plain in facts["pieces"]]
            made = cls(engine=str(facts["engine"]), through=int(facts["through"]))
            made.pieces = {piece.name: piece for piece in pieces}
            made.periods = [[int(key), int(seconds)] for key, seconds in facts["periods"]]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("list of the series cannot be read", fix="restore another") from error
        return made

    @property
    def counts(self) -> dict[str, int]:
        """Return rows by table."""
        found = dict.fromkeys(TABLES, 0)
        for piece in self.pieces.values():
            found[piece.table] += piece.rows
        return found


def read_series(
    historian: Historian,
    staging: Path,
    *,
    before: Series | None,
    plant_at: float,
    told: Told = lambda share: None,
) -> tuple[Series, set[str]]:
    """Read what is new since another backup into files; return all, and which were read.

    Args:
        historian: The engine.
        staging: Folder for the files.
        before: What the backup leaned on holds; None: everything is read.
        plant_at: Plant time: days before it are over.
        told: Called with the share done, 0 to 1.

    Raises:
        LinkError: The engine went away.
    """
    stats = historian.stats()
    now = Series(engine=str(stats.get("engine", "")))
    keys, seconds = historian.periods()
    now.periods = np.column_stack((keys, seconds)).astype("i8").tolist()
    today = int(plant_at) // DAY_S * DAY_S
    wanted = _wanted(historian, before, now, today)
    held = {} if before is None else before.pieces
    months = {(part.table, part.name) for part in historian.partitions() if part.rows}
    for name, piece in held.items():
        year = piece.month // 100
        kept = (piece.table, piece.month) in months or (piece.table, year) in months
        # Hours of a day that is over give way to the day.
        if kept and (piece.end - piece.start >= DAY_S or piece.start >= today):
            now.pieces[name] = piece
    read: set[str] = set()
    for number, piece in enumerate(wanted):
        found = write_piece(historian, piece, staging / piece.name)
        now.pieces.pop(piece.name, None)
        if found.rows:
            now.pieces[piece.name] = found
            read.add(piece.name)
        told(number / len(wanted))
    return now, read


def _wanted(historian: Historian, before: Series | None, now: Series, today: int) -> list[Piece]:
    """Return the pieces to read, of roll-ups too, and note the counter reached."""
    after = 0 if before is None else before.through
    now.through = after
    wanted: dict[str, Piece] = {}

    def want(table: str, start: int, counter: int) -> None:
        hour = start >= today and table in ("raw", "revision")
        step = HOUR_S if hour else DAY_S
        piece = Piece(
            table=table, start=start // step * step, end=start // step * step + step,
            counter=counter,
        )  # fmt: skip
        other = wanted.get(piece.name)
        if other is None or other.counter < counter:
            wanted[piece.name] = piece

    days: set[int] = set()
    for table in _COUNTED:
        marks = historian.changed(table, after, HOUR_S)
        for start, counter in zip(marks.starts.tolist(), marks.counters.tolist(), strict=True):
            want(table, start, counter)
            now.through = max(now.through, counter)
            if table != "event":
                days.add(start // DAY_S * DAY_S)
    for piece in () if before is None else before.pieces.values():
        if piece.end - piece.start < DAY_S and piece.start < today:
            want(piece.table, piece.start, piece.counter)
    # A local day's window begins on the UTC day before or after.
    near = {day + way for day in days for way in (-DAY_S, 0, DAY_S)}
    if before is None:
        near |= set(historian.changed("rollup_1h", 0, DAY_S).starts.tolist())
    for table in ROLLUPS:
        for day in near:
            want(table, max(day, 0), 0)
    return sorted(wanted.values(), key=lambda piece: (TABLES.index(piece.table), piece.start))


def load_series(
    historian: Historian, series: Series, folder: Path, *, told: Told = lambda share: None
) -> list[str]:
    """Store the series of a backup in an engine; return what is not as it was.

    What was stored before the call stays. Given again after it broke off, it ends with the same.

    Raises:
        UnsafeError: Samples are not those that were backed up.
        LinkError: The engine went away.
    """
    periods = np.asarray(series.periods, "u4").reshape(-1, 2)
    historian.set_periods(periods[:, 0], periods[:, 1])
    # Roll-ups first: those whose samples are there are computed again and win.
    ordered = sorted(
        series.pieces.values(), key=lambda piece: (TABLES.index(piece.table), piece.start)
    )
    for number, piece in enumerate(ordered):
        load_piece(historian, piece, folder / piece.name)
        told(0.8 * number / len(ordered))
    historian.refresh_rollups()
    told(0.9)
    return differences(historian, series.pieces.values())


def differences(historian: Historian, pieces: Iterable[Piece]) -> list[str]:
    """Return the pieces of samples whose digest an engine tells otherwise."""
    return [
        f"historian: {piece.name} has another digest"
        for piece in pieces
        if piece.digest and historian.day_digest(piece.start, piece.end).hex() != piece.digest
    ]
