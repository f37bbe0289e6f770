"""What an unknown file seems to hold, and a draft of the mapping a person finishes (6.2 c #2)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa

from heatloop.app.views.imports import GuessedColumn, ImportGuess
from heatloop.ingest.feed_shape import LONG, Feed, FeedColumn, infer
from heatloop.ingest.feed_types import EMPTY, INTEGER, NUMBER
from heatloop.kernel.units import UNITS
from heatloop.plant.kinds import point_kinds
from heatloop.plant.ledger import Ledger
from heatloop.store.bulk_sources import CSV_KINDS, Source

_ROWS = (2_000, 1_500, 1_500)
"""Rows looked at from the beginning, the middle and the end of the first piece."""
_MOST_TAGS = 200


def guess_file(
    path: Path, *, zone: str, ledger: Ledger | None = None, name: str = ""
) -> ImportGuess:
    """Return what a file seems to be.

    Args:
        path: CSV, JSON, Parquet or Excel.
        zone: Zone of times without one; empty: asked for in the draft.
        ledger: Points that exist; a kind only one asset has is filled in.
        name: Name to show; empty: that of the path.

    Raises:
        InputError: The file cannot be read.
    """
    source = Source(path).open()
    table = _sample(next(iter(source.pieces())).table)
    cells = {heading: _cells(table.column(heading)) for heading in table.column_names}
    feed = infer(cells)
    text = path.suffix.lower() in CSV_KINDS
    asked = list(_questions(feed, zone))
    decimal = next((c.type.decimal for c in feed.columns if c.type.decimal), "")
    return ImportGuess(
        file=name or path.name,
        shape=feed.shape,
        rows=table.num_rows,
        encoding=source.encoding if text else "",
        separator=source.separator if text else "",
        decimal=decimal,
        time_column=feed.time,
        time_format=feed.column(feed.time).type.form if feed.time else "",
        time_has_zone=bool(feed.time) and feed.column(feed.time).type.zoned,
        period_s=_period_s(feed, cells),
        columns=[_column(each, each.name == feed.time) for each in feed.columns],
        mapping="\n".join(_draft(feed, cells, zone, decimal, ledger, source if text else None))
        + "\n",
        questions_zh=[zh for zh, _ in asked],
        questions_en=[en for _, en in asked],
    )


def _sample(table: pa.Table) -> pa.Table:
    rows = table.num_rows
    if rows <= sum(_ROWS):
        return table
    first, middle, last = _ROWS
    parts = (table[:first], table[rows // 2 : rows // 2 + middle], table[rows - last :])
    return pa.concat_tables(parts)


def _cells(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return list(column.to_pylist())


def _period_s(feed: Feed, cells: dict[str, list[Any]]) -> float | None:
    """Return the usual distance of rows, from times that are already times or numbers."""
    if not feed.time:
        return None
    form = feed.column(feed.time).type.form
    scale = {"epoch_s": 1.0, "epoch_ms": 1e-3, "native": 1.0}.get(form)
    at: list[float] = []
    for cell in cells[feed.time]:
        if hasattr(cell, "timestamp"):
            at.append(cell.timestamp())
        elif scale is not None and cell is not None:
            at.append(float(cell) * scale)
        elif isinstance(cell, str):
            at += _seconds(cell, form)
    steps = sorted(b - a for a, b in pairwise(at) if b > a)
    return steps[len(steps) // 2] if steps else None


def _seconds(text: str, form: str) -> list[float]:
    try:
        found = (
            datetime.fromisoformat(text.strip())
            if form == "iso"
            else datetime.strptime(text.strip(), form.split(" | ")[0])  # noqa: DTZ007 - only distances count
        )
    except ValueError:
        return []
    return [found.replace(tzinfo=found.tzinfo or UTC).timestamp()]


def _column(column: FeedColumn, is_time: bool) -> GuessedColumn:
    zh, en = _note(column, is_time)
    return GuessedColumn(
        name=column.name,
        type=column.type.type,
        unit=column.unit,
        unit_from=column.unit_from,
        kinds=list(column.kinds),
        filled=column.type.filled,
        low=column.type.low,
        high=column.type.high,
        bad_codes=list(column.type.bad_codes),
        counter=column.type.counter,
        note_zh=zh,
        note_en=en,
    )


def _note(column: FeedColumn, is_time: bool) -> tuple[str, str]:
    found = column.type
    if found.type == EMPTY:
        return "空列", "an empty column"
    if is_time or found.type not in (NUMBER, INTEGER):
        return "", ""
    if found.bad_codes:
        codes = ", ".join(f"{code:g}" for code in found.bad_codes)
        return f"疑似坏值代码 {codes}", f"{codes} look like codes for a missing value"
    if not column.kinds:
        return "列名看不出是什么", "the heading does not say what it is"
    if len(column.kinds) > 1:
        return "有几种可能的测点类型", "it may be one of several kinds of point"
    if not column.unit:
        return "单位未知", "the unit is not known"
    return "", ""


def _questions(feed: Feed, zone: str) -> Iterator[tuple[str, str]]:
    if not feed.time:
        yield "没有找到时间列", "no time column was found"
    else:
        found = feed.column(feed.time).type
        if not found.zoned and not zone:
            yield (
                "时间没有时区：给出 --tz 或 time.zone",
                "times carry no zone: give --tz or time.zone",
            )
        if _two_ways(found.form):
            yield f"时间有两种读法：{found.form}", f"times can be read in two ways: {found.form}"
    doubtful = [c.name for c in feed.columns if c.type.type in (NUMBER, INTEGER)
                and c.name != feed.value and (len(c.kinds) != 1 or not c.unit)]  # fmt: skip
    if doubtful:
        names = ", ".join(doubtful[:20])
        yield f"请确认这些列的测点类型和单位：{names}", f"say kind and unit of: {names}"


def _two_ways(form: str) -> bool:
    return " | " in form and "%d/%m" in form and "%m/%d" in form


def _q(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _draft(
    feed: Feed, cells: dict[str, list[Any]], zone: str, decimal: str, ledger: Ledger | None,
    source: Source | None,
) -> Iterator[str]:  # fmt: skip
    yield "# A draft: check every line; `?` and comments are what the file does not say."
    yield "[file]"
    if source is not None:
        yield f"encoding = {_q(source.encoding)}"
        yield f"separator = {_q(source.separator)}"
        if decimal:
            yield f"decimal = {_q(decimal)}"
    numbers = [c for c in feed.columns if c.type.type in (NUMBER, INTEGER)]
    mapped = {feed.time, feed.value, feed.quality, *feed.tags}
    if feed.shape != LONG:
        mapped |= {c.name for c in numbers if c.kinds}
    # An empty column may hold something further on: a person decides.
    empty = [c.name for c in feed.columns if c.type.type == EMPTY]
    left = [c.name for c in feed.columns if c.name not in mapped and c.name not in empty]
    yield f"ignore = [{', '.join(_q(name) for name in left)}]"
    if empty:
        yield f"# empty where looked at: {', '.join(_q(name) for name in empty)}"
    yield "\n[time]"
    yield f"column = {_q(feed.time or '?')}"
    if feed.time:
        found = feed.column(feed.time).type
        if " | " in found.form and not _two_ways(found.form):
            yield f"# format: {found.form}"
        elif _two_ways(found.form):
            yield f"# format = one of {found.form}"
        elif found.form not in ("native", "iso") and not found.form.startswith("epoch"):
            yield f"format = {_q(found.form)}"
        if not found.zoned:
            yield f"zone = {_q(zone)}" if zone else '# zone = "Asia/Shanghai"'
    codes = sorted({code for c in numbers for code in c.type.bad_codes})
    yield "\n[quality]"
    if feed.quality:
        words = ", ".join(_q(word) for word in feed.column(feed.quality).type.words[:20])
        yield f"# words found: {words}"
        yield "good = []\nbad = []"
    yield f"bad_values = [{', '.join(f'{code:g}' for code in codes)}]"
    yield from _long(feed, cells) if feed.shape == LONG else _wide(feed, numbers, ledger)


def _long(feed: Feed, cells: dict[str, list[Any]]) -> Iterator[str]:
    yield "\n[long]"
    yield f"tag = [{', '.join(_q(tag) for tag in feed.tags)}]"
    yield f"value = {_q(feed.value)}"
    if feed.quality:
        yield f"quality = {_q(feed.quality)}"
    rows = zip(*(cells[tag] for tag in feed.tags), strict=True)
    tags = list(dict.fromkeys(".".join(str(part).strip() for part in row) for row in rows))
    for tag in tags[:_MOST_TAGS]:
        yield f'\n[[point]]\ncolumn = {_q(tag)}\ncode = "?"\n# unit = "degC"'
    if len(tags) > _MOST_TAGS:
        yield f"\n# and {len(tags) - _MOST_TAGS} more tags: use [[pattern]]"


def _wide(feed: Feed, numbers: list[FeedColumn], ledger: Ledger | None) -> Iterator[str]:
    if feed.tags:
        yield "\n# Rows of several places: tags are <place>.<heading>."
        yield f"[wide]\nplace = [{', '.join(_q(tag) for tag in feed.tags)}]"
        yield '\n[names]\n# "a place as written" = "SS0001"'
    for column in numbers:
        if not column.kinds or column.name == feed.time:
            continue
        sure = len(column.kinds) == 1
        kind = column.kinds[0] if sure else "?"
        if feed.tags:
            yield f"\n[[pattern]]\nmatch = {_q('{place}.' + column.name)}"
            yield f"code = {_q('{place}.' + kind)}"
        else:
            yield f"\n[[point]]\ncolumn = {_q(column.name)}"
            yield f"code = {_q(_code(kind, ledger) if sure else '?')}"
        if not sure:
            yield f"# one of: {', '.join(column.kinds)}"
        if column.unit in UNITS:
            yield f"unit = {_q(column.unit)}" + (
                "  # told from the values" if column.unit_from == "values" else ""
            )
        else:
            yield f'# unit = "{point_kinds()[column.kinds[0]].unit}"'


def _code(kind: str, ledger: Ledger | None) -> str:
    if ledger is not None:
        found = [point.code for point in ledger.points.values() if point.kind == kind]
        if len(found) == 1:
            return found[0]
    return f"?.{kind}"
