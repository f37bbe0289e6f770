"""Wired M-Bus: meters on two wires, through a level converter on TCP or a serial port.

`unit_id` is the primary address (1 to 250; 254 where there is one meter only); with an
`address` of 8 digits the meter is selected by its number instead (secondary address), narrowed
by `manufacturer=KAM`, `version=` and `medium=` (hexadecimal) where numbers are not unique.
`source` says which record: `protocols.mbus.selection`. Further parameters: `reset=0` for meters
that do not confirm SND_NKE; those of the line (usual: `baud=2400 parity=E`).

The unit the meter states becomes the unit of the point's kind. A meter that reports an error of
its own makes its values uncertain.

Reference: EN 13757-2:2018, EN 13757-3:2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from heatloop.edge.drivers.line_link import LineLink, Usual
from heatloop.edge.drivers.meter_values import add_values
from heatloop.edge.drivers.port import Driver, DriverTools, Planned, Reading
from heatloop.kernel.errors import InputError
from heatloop.kernel.quality import Quality
from heatloop.plant.model import Binding, Device
from heatloop.protocols.framing import whole
from heatloop.protocols.mbus.frames import take_frame
from heatloop.protocols.mbus.header import Identity, number_of_letters, status_words
from heatloop.protocols.mbus.records import Record
from heatloop.protocols.mbus.selection import selection, value_in
from heatloop.protocols.mbus.session import ANY_METER, read_out, read_out_selected

_USUAL = Usual(baud=2400, parity="E", quiet_bits=33.0)
_OWN = ("manufacturer", "version", "medium", "reset")
_FAULTS = {"application_error", "abnormal", "permanent_error", "temporary_error"}
_HIGHEST_PRIMARY, _ONLY_METER = 250, 254
_TAKE = whole(take_frame)


class MbusDriver(Driver):
    """Reads one meter on a line of meters."""

    slow = True

    def __init__(self, device: Device, tools: DriverTools) -> None:
        super().__init__(device, tools)
        self._link = LineLink(device, tools, _USUAL, _OWN)
        self._identity = self._secondary()
        self._reset = self._link.parameters.flag("reset", default=True)
        known = (*range(_HIGHEST_PRIMARY + 1), _ONLY_METER)
        if self._identity is None and device.unit_id not in known:
            fix = "give unit_id 1 to 250, or an address of 8 digits"
            raise self._link.parameters.wrong("no primary address", fix)

    def _secondary(self) -> Identity | None:
        given, number = self._link.parameters, self.device.address
        if not number:
            return None
        if len(number) != 8 or not set(number) <= set("0123456789F"):
            raise given.wrong(f"address {number} is no meter number", "give 8 digits")
        letters = given.text("manufacturer", ANY_METER.manufacturer)
        try:
            number_of_letters(letters)
        except InputError as error:
            raise given.wrong(f"manufacturer={letters}", "give three capital letters") from error
        return replace(
            ANY_METER,
            number=number,
            manufacturer=letters,
            version=given.code("version", ANY_METER.version, 2),
            medium=given.code("medium", ANY_METER.medium, 2),
        )

    async def _read(self, planned: Sequence[Planned], reading: Reading) -> None:
        if self._identity is not None:
            session = read_out_selected(self._identity)
        else:
            session = read_out(self.device.unit_id, reset=self._reset)
        async with await self._link.turn():
            telegrams = await self._link.talk(session, _TAKE)
        records = [record for each in telegrams for record in each.records.records]
        wanted = [
            (binding, partial(self._value, binding, records))
            for rows in planned
            for binding in rows.bindings
        ]
        added = add_values(self, wanted, reading)
        if any(_FAULTS & set(status_words(each.status)) for each in telegrams):
            reading.doubtful.update((binding.key, Quality.UNCERTAIN) for binding in added)

    @staticmethod
    def _value(binding: Binding, records: Sequence[Record], unit: str) -> float | None:
        record = selection(binding.source).find(records)
        if record is None:
            fix = "see what the meter sends: heatloop decode mbus"
            raise InputError(f"meter has no {binding.source}", thing=binding.point, fix=fix)
        return value_in(record, unit)

    def _drop(self) -> None:
        self._link.drop()
