"""Readings out of the pieces of a foreign table: each is a sample or refused with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from heatloop.app import import_times
from heatloop.app.import_cells import column_of, converted, joined_tags
from heatloop.app.import_map import AUTO, ImportMap
from heatloop.app.import_numbers import Numbers
from heatloop.app.import_reasons import Reason
from heatloop.app.import_targets import Target, Targets
from heatloop.app.import_told import as_written
from heatloop.kernel.errors import InputError
from heatloop.kernel.quality import Quality
from heatloop.store.bulk_sources import Piece

_MOST_SLOT = 2**32 - 1
_NOBODY = Target(
    key=0, code="", factor=1.0, offset=0.0, low=-np.inf, high=np.inf, bad_values=(), quality=""
)


@dataclass(slots=True)
class Readings:
    """The readings of a piece, columns of one length (n_reading,)."""

    keys: NDArray[np.uint32]
    """Point keys; 0 where there is none."""
    slots: NDArray[np.int64]
    """Whole seconds since 1970 UTC."""
    values: NDArray[np.float64]
    """In the point's unit."""
    quality: NDArray[np.uint8]
    """`Quality` codes."""
    refused: NDArray[np.uint8]
    """`Reason` codes; 0: not refused."""
    where: NDArray[np.int64]
    """Cell: column * n_row + row; of long tables the row."""
    empty: int = 0
    """Cells of wide tables that hold nothing; they are no readings."""


class RowReader:
    """Turns pieces into readings.

    Args:
        mapping: What is what.
        targets: Finds the points.
        headings: Of the file.
        later_than_s: Times behind this are in the future.

    Raises:
        InputError: A column is missing, or one is neither mapped nor left out knowingly.
    """

    def __init__(
        self, mapping: ImportMap, targets: Targets, headings: list[str], later_than_s: int
    ) -> None:
        self._mapping, self._targets, self._later_than_s = mapping, targets, later_than_s
        self.time_form = "" if mapping.time_format == AUTO else mapping.time_format
        self._number = Numbers("" if mapping.decimal == AUTO else mapping.decimal)
        wanted = [*mapping.time_columns, *mapping.tag_columns, *mapping.place_columns]
        wanted += [each for each in (mapping.value_column, mapping.quality_column) if each]
        for name in wanted:
            if name not in headings:
                raise InputError("没有这一列 no such column", thing=name, place="headings",
                                 fix=f"use one of: {', '.join(headings[:30])}")  # fmt: skip
        self.columns: list[tuple[str, Target]] = []
        if mapping.place_columns:
            self._map_places(headings)
        elif not mapping.is_long:
            self._map_columns(headings)

    @property
    def decimal(self) -> str:
        """Return the decimal sign of the file, empty as long as none was seen."""
        return self._number.decimal

    def _map_places(self, headings: list[str]) -> None:
        mapping = self._mapping
        known = {*mapping.time_columns, *mapping.place_columns, *mapping.ignore}
        rest = [name for name in headings if name not in known]
        self.columns = [(name, _NOBODY) for name in rest if self._targets.may_name(name)]
        self._check_rest([name for name in rest if not self._targets.may_name(name)])

    def _check_rest(self, rest: list[str]) -> None:
        if rest and not self._mapping.ignore_rest:
            raise InputError("有列没有对应 columns are neither mapped nor left out",
                             thing=", ".join(rest[:10]), place="headings",
                             fix="map them, or name them in file.ignore")  # fmt: skip
        if not self.columns:
            raise InputError("没有对应的列 no column is mapped", place="headings",
                             fix="give [[point]] or [[pattern]]")  # fmt: skip

    def _map_columns(self, headings: list[str]) -> None:
        mapping = self._mapping
        found = {name: self._targets.of(name) for name in headings}
        missing = [rule.tag for rule in mapping.points if rule.tag not in found]
        if missing:
            raise InputError("没有这一列 no such column", thing=", ".join(missing[:5]),
                             place="headings", fix="correct [[point]] column")  # fmt: skip
        known = {*mapping.time_columns, *mapping.ignore}
        known |= {target.quality for target in found.values() if target is not None}
        self.columns = [
            (name, target)
            for name, target in found.items()
            if target is not None and name not in known
        ]
        self._check_rest([n for n in headings if found[n] is None and n not in known])
        taken: dict[int, str] = {}
        for name, target in self.columns:
            if target.key in taken:
                both = f"{taken[target.key]}, {name}"
                raise InputError("两列对应同一测点 two columns are one point", thing=target.code,
                                 place=both, fix="leave one out")  # fmt: skip
            taken[target.key] = name
        # By key, so that the readings of a piece come out in the store's own order.
        self.columns.sort(key=lambda pair: pair[1].key)

    def read(self, piece: Piece) -> Readings:
        """Return the readings of a piece.

        Raises:
            InputError: Times or numbers are written in a way that cannot be told.
        """
        times = self._times(piece.table)
        if self._mapping.is_long:
            return self._checked(self._long(piece.table, times))
        if self._mapping.place_columns:
            return self._checked(self._mixed(piece.table, times))
        return self._checked(self._wide(piece.table, times))

    def _times(self, table: pa.Table) -> import_times.Moments:
        columns = [column_of(table, name) for name in self._mapping.time_columns]
        column = columns[0]
        if len(columns) > 1:
            column = pc.binary_join_element_wise(
                *(pc.utf8_trim_whitespace(pc.cast(each, pa.string())) for each in columns), " "
            )
        if not self.time_form:
            self.time_form = import_times.find_form(column)
        return import_times.moments(
            column, self.time_form, self._mapping.zone, self._mapping.ambiguous
        )

    def _wide(self, table: pa.Table, times: import_times.Moments) -> Readings:
        n_row = table.num_rows
        parts: list[tuple[Any, ...]] = []
        empty = 0
        for at, (name, target) in enumerate(self.columns):
            values, refused = self._number.read(column_of(table, name), target.bad_values)
            held = refused != Reason.NO_VALUE
            refused = np.where(refused == Reason.NONE, times.refused, refused)
            quality = np.zeros(n_row, "u1")
            if target.quality:
                refused, quality = self._quality(column_of(table, target.quality), refused)
            rows = np.flatnonzero(held) if not held.all() else None
            empty += 0 if rows is None else n_row - len(rows)
            values, quality = converted(values, quality, target)
            columns: tuple[Any, ...] = (
                times.seconds, values, quality, refused, np.arange(n_row) + at * n_row
            )  # fmt: skip
            if rows is not None:
                columns = tuple(each[rows] for each in columns)
            parts.append((np.full(len(columns[0]), target.key, "u4"), *columns))
        return _readings(parts, empty)

    def _long(self, table: pa.Table, times: import_times.Moments) -> Readings:
        tags = joined_tags(table, self._mapping.tag_columns)
        column = column_of(table, self._mapping.value_column)
        values, refused = self._number.read(column, ())
        refused = np.where(refused == Reason.NONE, times.refused, refused)
        quality = np.zeros(len(values), "u1")
        if self._mapping.quality_column:
            refused, quality = self._quality(
                column_of(table, self._mapping.quality_column), refused
            )
        found = [self._targets.of(tag) for tag in tags.dictionary.to_pylist()]
        at = tags.indices.to_numpy(zero_copy_only=False)
        keys, values, quality, refused = _placed(found, at, values, quality, refused)
        return Readings(keys, times.seconds, values, quality, refused, np.arange(len(at)))

    def _mixed(self, table: pa.Table, times: import_times.Moments) -> Readings:
        """Return the readings of a wide table with rows of several places."""
        n_row = table.num_rows
        places = joined_tags(table, self._mapping.place_columns)
        names = places.dictionary.to_pylist()
        at = places.indices.to_numpy(zero_copy_only=False)
        parts, empty = [], 0
        for n, (name, _) in enumerate(self.columns):
            values, refused = self._number.read(column_of(table, name), ())
            rows = np.flatnonzero(refused != Reason.NO_VALUE)
            empty += n_row - len(rows)
            refused = np.where(refused == Reason.NONE, times.refused, refused)
            found = [self._targets.of(f"{place}.{name}") for place in names]
            columns = _placed(found, at[rows], values[rows], np.zeros(len(rows), "u1"),
                              refused[rows])  # fmt: skip
            keys, values, quality, refused = columns
            parts.append((keys, times.seconds[rows], values, quality, refused, rows + n * n_row))
        return _readings(parts, empty)

    def _quality(
        self, column: pa.Array, refused: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return what is refused for its quality as well, and the quality codes."""
        words = pc.dictionary_encode(pc.fill_null(pc.cast(column, pa.string()), ""))
        known = self._mapping.quality_words
        codes = np.array(
            [known.get(word.strip().casefold(), self._mapping.other_quality)
             for word in words.dictionary.to_pylist()], "i2"
        )[words.indices.to_numpy(zero_copy_only=False)]  # fmt: skip
        refused = np.where((codes < 0) & (refused == 0), np.uint8(Reason.BAD_QUALITY), refused)
        return refused, np.maximum(codes, 0).astype("u1")

    def _checked(self, found: Readings) -> Readings:
        """Refuse times that cannot be stored or have not come yet."""
        good = found.refused == 0
        found.refused[good & (found.slots > self._later_than_s)] = Reason.FUTURE
        outside = (found.slots <= 0) | (found.slots > _MOST_SLOT)
        found.refused[good & outside] = Reason.OUT_OF_TIME
        return found

    def describe(self, piece: Piece, found: Readings, rows: NDArray[np.intp]) -> pa.Table:
        """Return line, tag, time and value of readings as they stand in the file."""
        names = [name for name, _ in self.columns]
        return as_written(piece, self._mapping, names, found.where[rows], found.refused[rows])


def _readings(parts: list[tuple[Any, ...]], empty: int) -> Readings:
    """Return the readings of several columns one behind the other."""
    keys, slots, values, quality, refused, where = (
        np.concatenate(each) for each in zip(*parts, strict=True)
    )
    return Readings(keys, slots, values, quality, refused, where, empty)


def _placed(
    found: list[Target | None],
    at: NDArray[np.intp],
    values: NDArray[np.float64],
    quality: NDArray[np.uint8],
    refused: NDArray[np.uint8],
) -> tuple[NDArray[np.uint32], NDArray[np.float64], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return keys, values, quality and refusals of rows whose target each row names.

    Args:
        found: Targets, None where there is no point.
        at: Which of them each row is about, shape (n_row,).
        values: As they stand in the file.
        quality: `Quality` codes.
        refused: `Reason` codes.
    """
    targets = [target or _NOBODY for target in found]
    keys = np.array([target.key for target in targets], "u4")[at]
    refused = np.where(keys == 0, np.uint8(Reason.NO_POINT), refused).astype("u1")
    for bad_values in {target.bad_values for target in targets} - {()}:
        own = np.array([target.bad_values == bad_values for target in targets])[at]
        refused[own & np.isin(values, bad_values) & (refused == 0)] = Reason.BAD_CODE
    factor, offset, low, high = (
        np.array([getattr(target, name) for target in targets], "f8")[at]
        for name in ("factor", "offset", "low", "high")
    )
    values = values * factor + offset
    quality[((values < low) | (values > high)) & (quality == Quality.GOOD)] = Quality.BAD
    return keys, values, quality, refused
