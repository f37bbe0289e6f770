"""The shape of an unknown feed: its time, whether rows are readings, which column is what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heatloop.ingest.feed_names import kinds_of, unit_of
from heatloop.ingest.feed_types import (
    CATEGORY,
    IDENTIFIER,
    INTEGER,
    NUMBER,
    TEXT,
    TIME,
    Cell,
    ColumnType,
    column_type,
)
from heatloop.plant.kinds import point_kinds

WIDE, LONG = "wide", "long"
_TIME_WORDS = ("time", "date", "timestamp", "ts", "时间", "日期", "时刻")
_VALUE_WORDS = ("value", "val", "reading", "measurement", "数值", "值", "读数", "pv")
_QUALITY_WORDS = ("quality", "status", "flag", "state", "valid", "质量", "状态", "品质", "qds")
_TAG_WORDS = ("tag", "point", "name", "code", "channel", "sensor", "station", "device", "meter",
              "city", "site", "测点", "点名", "编码", "站", "位号", "标签", "设备")  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedColumn:
    """One column of a feed."""

    name: str
    """Heading."""
    type: ColumnType
    """What its cells are."""
    unit: str
    """Unit; empty: not known."""
    unit_from: str
    """`heading`, `values` or empty."""
    kinds: tuple[str, ...]
    """Likely point kinds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """What an unknown feed seems to be."""

    shape: str
    """`wide` (a column a point) or `long` (a row a reading)."""
    columns: tuple[FeedColumn, ...]
    """Every column, in the order of the file."""
    time: str
    """Column of the time; empty: none."""
    tags: tuple[str, ...]
    """Columns that tell rows of one time apart: tags, places."""
    value: str
    """Long: column of the value."""
    quality: str
    """Long: column of the quality; empty: none."""

    def column(self, name: str) -> FeedColumn:
        """Return a column by its heading."""
        return next(each for each in self.columns if each.name == name)


def infer(columns: Mapping[str, Sequence[Cell]]) -> Feed:
    """Return what a feed seems to be.

    Args:
        columns: Cells by heading, all of one length, in the order of the file; a few thousand rows.
    """
    types = {name: column_type(cells) for name, cells in columns.items()}
    time = _time(types)
    tags = _tags(columns, types, time)
    long = _long(types, tags, time)
    value = _value(types, long)
    quality = ""
    if value:
        quality = next((n for n, t in types.items() if n not in (time, value, *tags)
                        and any(w in n.casefold() for w in _QUALITY_WORDS)
                        and t.type != TIME), "")  # fmt: skip
    made = tuple(_column(name, found, name == time) for name, found in types.items())
    return Feed(
        shape=LONG if value else WIDE,
        columns=made,
        time=time,
        tags=tags,
        value=value,
        quality=quality,
    )


def _time(types: Mapping[str, ColumnType]) -> str:
    found = [name for name, each in types.items() if each.type == TIME]
    named = [n for n in found if any(word in n.casefold() for word in _TIME_WORDS)]
    return next(iter(named or found), "")


def _tags(
    columns: Mapping[str, Sequence[Cell]], types: Mapping[str, ColumnType], time: str
) -> tuple[str, ...]:
    """Return the columns that, with the time, tell rows apart; none when times do by themselves."""
    if not time:
        return ()
    rows = len(columns[time])
    repeated = rows - len(set(columns[time]))
    words = [n for n, t in types.items() if t.type in (CATEGORY, IDENTIFIER, TEXT) and t.filled]
    words.sort(key=lambda n: not any(word in n.casefold() for word in _TAG_WORDS))
    named = [n for n in words if any(word in n.casefold() for word in _TAG_WORDS)]
    if repeated < rows // 20:
        # The beginning of a file sorted by tag shows one tag alone.
        return tuple(named[:1]) if named and len(set(columns[named[0]])) < rows // 2 else ()
    chosen: list[str] = []
    best = repeated
    for name in words:
        seen = Counter(zip(*(columns[each] for each in (time, *chosen, name)), strict=True))
        left = rows - len(seen)
        if left < best:
            chosen, best = [*chosen, name], left
        if best <= rows // 100:
            break
    return tuple(chosen)


def _long(types: Mapping[str, ColumnType], tags: tuple[str, ...], time: str) -> list[str]:
    """Return the columns that may hold the value of a row that is one reading."""
    if not tags:
        return []
    numbers = [
        n for n, t in types.items() if t.type in (NUMBER, INTEGER) and n not in (*tags, time)
    ]
    named = [n for n in numbers if any(w == n.casefold() or w in n.casefold().split("_")
                                       for w in _VALUE_WORDS)]  # fmt: skip
    if named:
        return named
    return numbers if len(numbers) == 1 and not kinds_of(numbers[0]) else []


def _value(types: Mapping[str, ColumnType], long: list[str]) -> str:
    return max(long, key=lambda name: types[name].filled, default="")


def _column(name: str, found: ColumnType, is_time: bool) -> FeedColumn:
    if is_time or found.type not in (NUMBER, INTEGER):
        return FeedColumn(name=name, type=found, unit="", unit_from="", kinds=())
    unit = unit_of(name)
    kinds = kinds_of(name, unit)
    if unit:
        return FeedColumn(name=name, type=found, unit=unit, unit_from="heading", kinds=kinds)
    unit = unit_of_values(kinds[0], found) if len(kinds) == 1 else ""
    return FeedColumn(
        name=name, type=found, unit=unit, unit_from="values" if unit else "", kinds=kinds
    )


_STEPS: Mapping[str, tuple[str, ...]] = {
    "kPa": ("kPa", "MPa", "bar"),
    "kWh": ("kWh", "MWh", "GJ"),
    "kW": ("kW", "MW"),
}


def unit_of_values(kind: str, found: ColumnType) -> str:
    """Return the unit in which values would be plausible for a kind; empty: none, or several."""
    known = point_kinds()[kind]
    if found.low is None or found.high is None:
        return ""
    if known.unit == "kPa":
        # Pressures of heating water are never below 10 kPa nor above 10 MPa.
        sizes = (("MPa", 0.01, 4.0), ("bar", 0.1, 40.0), ("kPa", 20.0, 4000.0))
        fitting = [unit for unit, low, high in sizes if low <= found.high <= high]
        return "MPa" if found.high <= 1.7 else fitting[-1] if found.high > 40 and fitting else ""
    if known.unit in _STEPS:
        return ""  # Energy and power fit in any size: only a person knows.
    return known.unit if known.low <= found.low and found.high <= known.high else ""
