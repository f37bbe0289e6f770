"""DL/T 645-2007: electricity meters on RS-485.

`address` is the meter's 12 digits; empty: the only meter of the line is asked for its own.
Parameters: `wake_up=4` FE bytes before a question, those of the line (usual: `baud=2400
parity=E`). `source`: `protocols.dlt645.selection`. A current transformer's ratio is the
binding's factor.

Reference: DL/T 645-2007.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from heatloop.edge.drivers.line_link import LineLink, Usual
from heatloop.edge.drivers.meter_values import add_values
from heatloop.edge.drivers.port import Driver, DriverTools, Planned, Reading
from heatloop.kernel.errors import InputError
from heatloop.plant.model import Binding, Device
from heatloop.protocols.dlt645.frames import decode_frame, encode_frame, take_frame
from heatloop.protocols.dlt645.messages import decode_message, read_address
from heatloop.protocols.dlt645.selection import Selection, selection
from heatloop.protocols.dlt645.session import read_out
from heatloop.protocols.framing import whole

_USUAL = Usual(baud=2400, parity="E", quiet_bits=33.0)
_TAKE = whole(take_frame)
_DIGITS = 12


class Dlt645Driver(Driver):
    """Reads one electricity meter on a line of meters."""

    slow = True

    def __init__(self, device: Device, tools: DriverTools) -> None:
        super().__init__(device, tools)
        self._link = LineLink(device, tools, _USUAL, ("wake_up",))
        given = self._link.parameters
        self._wake_up = int(given.number("wake_up", 4, 0, 20))
        self._address = device.address
        if self._address and not (len(self._address) == _DIGITS and self._address.isdecimal()):
            raise given.wrong(f"address {self._address} is no meter number", "give 12 digits")

    async def _read(self, planned: Sequence[Planned], reading: Reading) -> None:
        wanted: dict[int, list[tuple[Binding, Selection]]] = {}
        for rows in planned:
            for binding in rows.bindings:
                try:
                    each = selection(binding.source)
                except InputError as error:
                    self.misfit(error, reading)
                    continue
                wanted.setdefault(each.identifier, []).append((binding, each))
        async with await self._link.turn():
            if not self._address:
                await self._find()
            for identifier, group in wanted.items():
                try:
                    session = read_out(self._address, identifier, self._wake_up)
                    message = await self._link.talk(session, _TAKE, self._mine)
                except InputError as error:
                    self.misfit(error, reading)
                    continue
                pairs = [(binding, partial(each.value, message)) for binding, each in group]
                add_values(self, pairs, reading)

    def _mine(self, data: bytes) -> bool:
        frame = decode_frame(data)
        return frame.is_reply and frame.address == self._address

    async def _find(self) -> None:
        """Ask the only meter of the line for its address.

        Raises:
            InputError: It does not tell.
        """
        asked = encode_frame(read_address(), self._wake_up)
        found = decode_message(await self._link.ask(asked, take_frame, lambda f: f.is_reply))
        if found.address is None:
            raise InputError("meter does not tell its address", thing=self.device.code)
        self._address = found.address

    def _drop(self) -> None:
        self._address = self.device.address
        self._link.drop()
