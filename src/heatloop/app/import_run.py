"""One run of an import: pieces in, samples stored, every other reading told with its reason.

Readings in = stored + refused + repeated. Reading and checking one piece overlaps with storing the
one before; a kill at any moment loses nothing and doubles nothing (see `store.bulk_journal`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from heatloop.app.import_held import Held, already, once_a_second
from heatloop.app.import_reasons import WORDS, Reason, name_of
from heatloop.app.import_rows import Readings, RowReader
from heatloop.kernel.errors import InputError
from heatloop.kernel.series import Columns
from heatloop.store.bulk_journal import Journal
from heatloop.store.bulk_sources import Piece

_FORMULA = r"^([=+@\t\r]|-[^0-9.,])"


class ImportStore(Held, Protocol):
    """What an import needs of the historian."""

    def append(self, columns: Columns) -> None:
        """Store samples; durable on return."""
        ...

    def refresh_rollups(self) -> int:
        """Compute the windows that got samples again."""
        ...


class Pieces(Protocol):
    """Where readings come from."""

    def pieces(self) -> Iterator[Piece]:
        """Yield the rows from the first, cut the same way each time."""
        ...


@dataclass(slots=True)
class Counts:
    """What an import, or a chunk of it, brought."""

    rows_in: int = 0
    """Readings."""
    stored: int = 0
    """Stored."""
    refused: int = 0
    """Refused."""
    repeated: int = 0
    """Stored already with the same value, or standing twice in the file."""
    empty: int = 0
    """Empty cells of wide tables."""
    flagged: int = 0
    """Stored with a quality that is not good."""
    windows: int = 0
    """Ten-minute windows whose roll-ups were computed again."""
    reasons: dict[int, list[Any]] = field(default_factory=dict)
    """By `Reason` code: count, line and text of the first."""
    points: dict[int, list[int]] = field(default_factory=dict)
    """By key: stored, first slot, last slot."""

    def add(self, entry: dict[str, Any]) -> None:
        """Add the counts of a chunk as the journal holds them."""
        for name in ("rows_in", "stored", "refused", "repeated", "empty", "flagged"):
            setattr(self, name, getattr(self, name) + entry[name])
        for code, (count, line, text) in entry["reasons"].items():
            held = self.reasons.setdefault(int(code), [0, line, text])
            held[0] += count
        for key, (count, first, last) in entry["points"].items():
            own = self.points.setdefault(int(key), [0, first, last])
            own[:] = [own[0] + count, min(own[1], first), max(own[2], last)]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """How an import is run."""

    overwrite: bool = False
    """Whether imported values replace stored ones."""
    dry_run: bool = False
    """Whether nothing is stored."""
    resume: bool = False
    """Whether to go on behind what is committed."""


@dataclass(slots=True)
class _Chunk:
    number: int
    piece: Piece
    readings: Readings


def run_id(path: Path, mapping: str, options: RunOptions, zone: str) -> str:
    """Return the name of an import, made from the content of file and mapping."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(4 * 1024 * 1024):
            digest.update(block)
    return name_run(digest.hexdigest(), mapping, options, zone)


def name_run(content: str, mapping: str, options: RunOptions, zone: str) -> str:
    """Return the name of an import of this content."""
    words = "\0".join((content, mapping, zone, str(options.overwrite), str(options.dry_run)))
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def run_import(
    source: Pieces,
    reader: RowReader,
    store: ImportStore,
    journal: Journal,
    options: RunOptions,
    *,
    show: Callable[[float, Counts], None] = lambda _, __: None,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[Counts, bool]:
    """Import everything; return the counts and whether it came to the end.

    Args:
        source: The file.
        reader: Makes readings of its rows.
        store: Where samples go.
        journal: What is committed.
        options: How.
        show: Told the share that is done, and the counts so far.
        stop: Asked between chunks.

    Raises:
        InputError: The file cannot be read on, or an earlier run stopped and `resume` is not set.
        LinkError: The historian is gone; resume when it is back.
    """
    if journal.begun and not options.resume:
        if journal.ended:
            journal.restart()
        else:
            raise InputError("上次导入中断 an earlier import of this file stopped",
                             thing=journal.folder.name, fix="give --resume")  # fmt: skip
    counts = Counts()
    going: Future[None] | None = None
    complete = True
    with ThreadPoolExecutor(1, "import-read") as ahead, ThreadPoolExecutor(1, "import-store") as by:
        chunks = _chunks(source, reader, journal)
        following: Future[_Chunk | None] = ahead.submit(next, chunks, None)
        while (chunk := following.result()) is not None:
            following = ahead.submit(next, chunks, None)
            if going is not None:
                # What was just stored must be seen when the next is checked against the store.
                going.result()
                going = None
            if stop():
                complete = False
                break
            if chunk.number not in journal.done:
                going = _bring(chunk, reader, store, journal, options, by)
            counts.add(journal.begun[chunk.number])
            show(chunk.piece.done, counts)
        if going is not None:
            going.result()
    if complete:
        if not options.dry_run and counts.stored:
            counts.windows = store.refresh_rollups()
        journal.end()
    return counts, complete


def _chunks(source: Pieces, reader: RowReader, journal: Journal) -> Iterator[_Chunk]:
    none = np.empty(0, "u1")
    nothing = Readings(none, none, none, none, none, none)
    for number, piece in enumerate(source.pieces()):
        if number in journal.done:
            if not reader.time_form or not reader.decimal:
                reader.read(piece)  # how the file is written is told from its beginning
            readings = nothing
        else:
            readings = reader.read(piece)
        yield _Chunk(number, piece, readings)


def _bring(
    chunk: _Chunk, reader: RowReader, store: ImportStore, journal: Journal, options: RunOptions,
    by: ThreadPoolExecutor,
) -> Future[None]:  # fmt: skip
    """Check a chunk against the store, write down what it brings, and store it meanwhile."""
    found = chunk.readings
    good = np.flatnonzero(found.refused == 0)
    kept, twice, other = once_a_second(found, good, last=options.overwrite)
    found.refused[other] = Reason.SAME_SECOND
    held = already(store, found, kept)
    found.refused[held.differing] = 0 if options.overwrite else Reason.HELD
    new = np.sort(np.concatenate((held.free, held.differing))) if options.overwrite else held.free
    repeated = len(twice) + len(held.equal)
    if chunk.number not in journal.begun:
        refused = np.flatnonzero(found.refused)
        told = reader.describe(chunk.piece, found, refused)
        journal.refuse(chunk.number, _refused_csv(told, chunk.piece))
        journal.begin(chunk.number, _counts(chunk, found, new, repeated, told))
    columns = Columns(
        found.keys[new], found.slots[new].astype("u4"), found.values[new], found.quality[new]
    )

    def bring() -> None:
        if not options.dry_run and len(columns.keys):
            store.append(columns)
        journal.commit(chunk.number)

    return by.submit(bring)


def _counts(
    chunk: _Chunk, found: Readings, new: NDArray[np.intp], repeated: int, told: pa.Table
) -> dict[str, Any]:
    bad = chunk.piece.bad_rows
    reasons: dict[int, list[Any]] = {}
    codes = told.column("reason").to_numpy()
    for code in np.unique(codes).tolist():
        first = int(np.flatnonzero(codes == code)[0])
        row = told.slice(first, 1).to_pylist()[0]
        reasons[code] = [int((codes == code).sum()), row["line"],
                         f"{row['tag']} {row['time']} {row['value']}"[:120]]  # fmt: skip
    if bad:
        reasons[int(Reason.BAD_ROW)] = [len(bad), bad[0][0], bad[0][1][:120]]
    return {
        "first_line": chunk.piece.first_line,
        "rows_in": len(found.keys) + len(bad),
        "stored": len(new),
        "refused": int((found.refused != 0).sum()) + len(bad),
        "repeated": repeated,
        "empty": found.empty,
        "flagged": int((found.quality[new] != 0).sum()),
        "reasons": reasons,
        "points": _spans(found, new),
    }


def _spans(found: Readings, new: NDArray[np.intp]) -> dict[int, list[int]]:
    if not len(new):
        return {}
    keys, slots = found.keys[new], found.slots[new]
    order = np.argsort(keys, kind="stable")
    keys, slots = keys[order], slots[order]
    names, begin, count = np.unique(keys, return_index=True, return_counts=True)
    low, high = np.minimum.reduceat(slots, begin), np.maximum.reduceat(slots, begin)
    rows = zip(names.tolist(), count.tolist(), low.tolist(), high.tolist(), strict=True)
    return {key: [n, first, last] for key, n, first, last in rows}


def _refused_csv(told: pa.Table, piece: Piece) -> bytes:
    """Return refused readings as CSV rows; text a spreadsheet would run is kept as text."""
    n = len(piece.bad_rows)
    rows = pa.table(
        {
            "line": pa.array([line for line, _ in piece.bad_rows], pa.int64()),
            "tag": pa.array([""] * n, pa.string()),
            "time": pa.array([""] * n, pa.string()),
            "value": pa.array([text for _, text in piece.bad_rows], pa.string()),
            "reason": pa.array([int(Reason.BAD_ROW)] * n, pa.uint8()),
        }
    )
    both = pa.concat_tables([told.cast(rows.schema), rows])
    if not both.num_rows:
        return b""
    at = both.column("reason").combine_chunks()
    for name in ("tag", "time", "value"):
        safe = pc.replace_substring_regex(both.column(name), _FORMULA, r"'\1")
        both = both.set_column(both.column_names.index(name), name, safe)
    names = pa.array([name_of(code) for code in range(len(Reason))]).take(at)
    both = both.set_column(4, "reason", names)
    for position, name in enumerate(("zh", "en")):
        words = pa.array([WORDS[Reason(code)][position] for code in range(len(Reason))])
        both = both.append_column(name, words.take(at))
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(both, sink, pa_csv.WriteOptions(include_header=False))
    return bytes(sink.getvalue())
