"""From a dropped file to samples: which rows are good, which are not and why.

A wide table has a time and a column a point; a long one has time, tag and value. A column that
names the device lets one file serve several.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from heatloop.edge.drivers.file_drop_columns import (
    DATE,
    DEVICE,
    TAG,
    TIME,
    VALUE,
    Column,
    Columns,
)
from heatloop.edge.drivers.listener_intake import report_slot
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.errors import InputError
from heatloop.plant.field_protocols import field_parameters
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Device
from heatloop.protocols.reports.table_file import TextTable, read_number, read_table
from heatloop.protocols.reports.times import read_time, zone_of

_AHEAD_S, _OLDEST_S = 300, 400 * 86400
_MOST_PROBLEMS = 50


@dataclass(slots=True)
class Taken:
    """What a file holds."""

    samples: dict[tuple[int, int], tuple[int, float]] = field(default_factory=dict)
    """(point key, slot) -> (time, value); the earliest of a slot counts."""
    devices: dict[str, int] = field(default_factory=dict)
    """Device code -> newest time."""
    good: int = 0
    """Values that were taken."""
    bad: int = 0
    """Values, rows and columns that were not."""
    problems: list[str] = field(default_factory=list)
    """Why, the first ones."""

    def wrong(self, place: str, error: InputError) -> None:
        """Note what could not be taken."""
        self.bad += 1
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(f"{place}: {error}")

    def batch(self) -> SampleBatch:
        """Return the samples, in the order of their slots."""
        batch = SampleBatch()
        rows = sorted(self.samples.items(), key=lambda row: row[0][1])
        for (key, slot), (_, value) in rows:
            batch.append(key, slot, value)
        return batch


class FileReader:
    """Reads the files of some devices.

    Args:
        columns: Device code -> its columns.
        names: What files call the devices (code, address, asset) -> device.
        zone: IANA zone of times without one.
    """

    def __init__(
        self, columns: Mapping[str, Columns], names: Mapping[str, Device], zone: str
    ) -> None:
        self._columns, self._names, self._zone = columns, names, zone

    def read(self, data: bytes, owner: Device | None, now_s: float) -> Taken:
        """Read a file.

        Args:
            data: The file.
            owner: The device it is of; None: its rows say that.
            now_s: Plant time.

        Raises:
            InputError: It is no table of these devices.
        """
        parameters = field_parameters(owner.parameters) if owner is not None else {}
        found = read_table(data, parameters.get("decimal", ""))
        return _Reading(self, found, owner, now_s).run()

    def named(self, name: str) -> Device:
        """Return the device a row names.

        Raises:
            InputError: There is none.
        """
        device = self._names.get(name.casefold())
        if device is None:
            raise InputError("no such device", thing=name, fix="use its code or its address")
        return device

    def columns_of(self, device: Device) -> Columns:
        """Return the columns of a device."""
        return self._columns[device.code]

    def time(self, text: str, device: Device) -> int:
        """Return a time of a device's file.

        Raises:
            InputError: It is none.
        """
        zone = field_parameters(device.parameters).get("zone", self._zone)
        return read_time(text, zone_of(zone))


class _Reading:
    """One file being read."""

    def __init__(
        self, reader: FileReader, found: TextTable, owner: Device | None, now_s: float
    ) -> None:
        self._reader, self._table, self._owner, self._now_s = reader, found, owner, now_s
        self._taken = Taken()
        self._known: dict[tuple[str, str], Column | None] = {}
        names = [name.casefold() for name in found.header]
        self._date = _place(names, DATE)
        self._time = _place(names, TIME)
        if self._time is None and self._date is None:
            raise InputError("no column of times", place="line 1", fix="name it time or 时间")
        self._device = _place(names, DEVICE)
        if owner is None and self._device is None:
            fix = "put the file into the folder of its device, or add a column device"
            raise InputError("nothing says whose values these are", place="line 1", fix=fix)
        self._tag, self._value = _place(names, TAG), _place(names, VALUE)
        self._long = self._tag is not None and self._value is not None

    def run(self) -> Taken:
        for line, cells in self._table.rows:
            try:
                self._row(line, cells)
            except InputError as error:
                self._taken.wrong(f"line {line}", error)
        return self._taken

    def _row(self, line: int, cells: tuple[str, ...]) -> None:
        width = len(self._table.header)
        if len(cells) < width or any(cells[width:]):
            raise InputError(f"{len(cells)} cells under {width} names", fix="is the row cut off?")
        device = self._whose(cells)
        parts = [cells[i] for i in (self._date, self._time) if i is not None]
        at_s = self._reader.time(" ".join(parts), device)
        if not self._now_s - _OLDEST_S <= at_s <= self._now_s + _AHEAD_S:
            raise InputError("time is far ahead or far too old", thing=" ".join(parts))
        if self._tag is not None and self._value is not None:
            pairs = [(cells[self._tag], cells[self._value])]
        else:
            special = {self._date, self._time, self._device}
            pairs = [
                (name, cells[i]) for i, name in enumerate(self._table.header) if i not in special
            ]
        for name, cell in pairs:
            try:
                self._cell(device, name, cell, at_s)
            except InputError as error:
                self._taken.wrong(f"line {line}, {name}", error)

    def _whose(self, cells: tuple[str, ...]) -> Device:
        named = cells[self._device] if self._device is not None else ""
        if self._owner is None:
            return self._reader.named(named)
        if named and self._reader.named(named) is not self._owner:
            raise InputError("row of another device", thing=named)
        return self._owner

    def _cell(self, device: Device, name: str, cell: str, at_s: int) -> None:
        column = self._column(device, name)
        if column is None:
            return
        number = read_number(cell, self._table.decimal)
        if number is None:
            return
        value = column.value(number)
        kind = point_kinds()[column.binding.kind]
        if not kind.low <= value <= kind.high:
            raise InputError(f"out of range {kind.low:g} to {kind.high:g}", thing=cell)
        key = column.binding.key, report_slot(at_s, column.binding.period_s)
        self._taken.good += 1
        self._taken.devices[device.code] = max(at_s, self._taken.devices.get(device.code, 0))
        known = self._taken.samples.get(key)
        if known is None or at_s < known[0]:
            self._taken.samples[key] = (at_s, value)

    def _column(self, device: Device, name: str) -> Column | None:
        """Return a column; what is wrong with it is said once."""
        known = (device.code, name)
        if known not in self._known:
            self._known[known] = None
            try:
                self._known[known] = self._reader.columns_of(device).column(name)
            except InputError as error:
                self._taken.wrong("line 1", error)
        return self._known[known]


def _place(names: list[str], wanted: frozenset[str]) -> int | None:
    return next((i for i, name in enumerate(names) if name in wanted), None)
