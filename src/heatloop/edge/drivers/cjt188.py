"""CJ/T 188-2004 and -2018: heat, water and gas meters and valves on RS-485 or M-Bus wires.

`address` is the meter's 14 digits; empty: the only meter of the line is asked for its own.
Parameters: `layout=heat_2004` how its data are laid out (`protocols/cjt188/profiles`; makers
differ, it is never guessed; a profile's sources may name it instead), `type=20` kind of meter,
`order=high` for those that send the data identifier as 90 1F, `wake_up=3` FE bytes before a
question, `stroke=20` how long a valve may take to move (s); those of the line
(usual: `baud=2400 parity=E`). `source`: `protocols.cjt188.selection`.

Only a valve can be written (`valve`: 1 opens, 0 closes, data identifier A017).

Reference: CJ/T 188-2004, CJ/T 188-2018.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial

from heatloop.edge.drivers.line_link import LineLink, Usual
from heatloop.edge.drivers.meter_values import add_values
from heatloop.edge.drivers.port import Driver, DriverTools, Planned, Reading
from heatloop.kernel.errors import InputError
from heatloop.plant.model import Binding, Device
from heatloop.protocols.cjt188.answers import (
    HIGH_FIRST,
    LOW_FIRST,
    Message,
    decode_message,
    read_address,
    request,
    write_valve,
)
from heatloop.protocols.cjt188.frames import READ, Frame, encode_frame, take_frame
from heatloop.protocols.cjt188.profiles import Profile, profiles
from heatloop.protocols.cjt188.selection import METER_DATA, VALVE, Selection, selection

_USUAL = Usual(baud=2400, parity="E", quiet_bits=33.0)
_OWN = ("layout", "type", "order", "wake_up", "stroke")
_HEAT_METER, _DIGITS = 0x20, 14
_LOOK_AGAIN_S = 1.0
_STATES = {0.0: "close", 1.0: "open"}


class Cjt188Driver(Driver):
    """Reads one meter on a line of meters, and moves its valve."""

    slow = True
    guarded = False

    def __init__(self, device: Device, tools: DriverTools) -> None:
        super().__init__(device, tools)
        self._link = LineLink(device, tools, _USUAL, _OWN)
        given = self._link.parameters
        self._layout = given.choice("layout", "", ("", *profiles()))
        self._type = given.code("type", _HEAT_METER, 2)
        self._order = given.choice("order", LOW_FIRST, (LOW_FIRST, HIGH_FIRST))
        self._wake_up = int(given.number("wake_up", 3, 0, 20))
        self._stroke_s = given.number("stroke", 20.0, 0.0, 300.0)
        self._address = device.address
        self._serial = 0
        if self._address and not (len(self._address) == _DIGITS and self._address.isdecimal()):
            raise given.wrong(f"address {self._address} is no meter number", "give 14 digits")

    async def _read(self, planned: Sequence[Planned], reading: Reading) -> None:
        bindings = [binding for rows in planned for binding in rows.bindings]
        async with await self._link.turn():
            for (identifier, layout), wanted in self._questions(bindings, reading).items():
                try:
                    message = await self._meter_data(identifier, layout)
                except InputError as error:
                    self.misfit(error, reading)
                    continue
                rows = [(binding, partial(each.value, message)) for binding, each in wanted]
                add_values(self, rows, reading)

    def _questions(
        self, bindings: Iterable[Binding], reading: Reading
    ) -> dict[tuple[int, Profile | None], list[tuple[Binding, Selection]]]:
        found: dict[tuple[int, Profile | None], list[tuple[Binding, Selection]]] = {}
        for binding in bindings:
            try:
                wanted = selection(binding.source)
                key = wanted.identifier, wanted.profile(self._layout)
            except InputError as error:
                self.misfit(error, reading)
                continue
            found.setdefault(key, []).append((binding, wanted))
        return found

    async def _meter_data(self, identifier: int, layout: Profile | None) -> Message:
        if not self._address:
            answer = await self._ask(read_address(self._type, order=self._order))
            self._address = answer.address
        asked = request(
            self._type, self._address, READ, identifier, serial=self._next(), order=self._order
        )
        message = decode_message(await self._ask(asked), layout)
        if message.identifier != identifier:
            raise InputError("meter answers another question", thing=self._address)
        return message

    def _next(self) -> int:
        self._serial = (self._serial + 1) % 256
        return self._serial

    async def _ask(self, asked: Frame) -> Frame:
        """Return the answer to a question; the caller has the turn.

        Raises:
            InputError: The meter refuses.
        """
        serial = asked.data[2]

        def mine(frame: Frame) -> bool:
            own = not self._address or frame.address == self._address
            number = frame.data[0 if frame.is_abnormal else 2 : 3][:1]
            same = frame.function == asked.function and number == bytes((serial,))
            return own and frame.is_reply and same

        answer = await self._link.ask(encode_frame(asked, self._wake_up), take_frame, mine)
        if answer.is_abnormal:
            status = decode_message(answer).abnormal
            raise InputError(f"meter refuses, status {status}", thing=self._address)
        return answer

    async def _write(self, binding: Binding, raw: float, *, read_back: bool) -> float:
        wanted = selection(binding.source)
        state = _STATES.get(raw)
        if wanted.field != VALVE or state is None:
            raise InputError("a CJ/T 188 valve takes 1 or 0, nothing else", thing=binding.point)
        async with await self._link.turn():
            if not self._address:
                found = await self._ask(read_address(self._type, order=self._order))
                self._address = found.address
            asked = write_valve(
                self._type, self._address, state, serial=self._next(), order=self._order
            )
            await self._ask(asked)
        return await self._settled(wanted, raw) if read_back else raw

    async def _settled(self, wanted: Selection, raw: float) -> float:
        """Return the valve's state once it is as ordered, or its stroke time is over.

        Raises:
            InputError: The valve says that it is faulty.
        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._stroke_s
        while True:
            async with await self._link.turn():
                message = await self._meter_data(METER_DATA, wanted.profile(self._layout))
            state = wanted.value(message, "-")
            if state == raw or loop.time() >= until_s:
                break
            await asyncio.sleep(_LOOK_AGAIN_S)
        if state is None:
            raise InputError("the valve is faulty", thing=self.device.code, fix="go and see")
        return state

    def _drop(self) -> None:
        self._address = self.device.address
        self._link.drop()
