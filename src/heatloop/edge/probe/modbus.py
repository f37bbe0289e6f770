"""Modbus: which unit answers, which registers and bits it has, and what they may mean.

::

    modbus://192.168.1.10:502?unit=1&from=0&to=999     TCP
    rtu+tcp://192.168.1.20:8899?unit=1-16              RTU through a DTU
    rtu:///dev/ttyS1?baud=9600&parity=E&unit=1         serial

`unit` may be a span (all that answer are told, the first is read); `table` is one of holding,
input, coil, discrete (all are asked otherwise). Only reads are sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerType
from pymodbus.pdu import ModbusPDU

from heatloop.edge.probe.guess import likely_order, offers_of
from heatloop.edge.probe.model import Offer, Progress, Report, Target
from heatloop.kernel.errors import InputError, LinkError

_TABLES = ("holding", "input", "coil", "discrete")
_PROTOCOLS = {"modbus": "modbus_tcp", "rtu+tcp": "modbus_rtu_tcp", "rtu": "modbus_rtu"}
_MOST_WORDS = 100
_MOST_REQUESTS = 3000
_ILLEGAL_FUNCTION = 1
_NOT_THERE = (0x0A, 0x0B)
_SURE = (2, 3)
_SILENT_STOP = 4
_AGAIN_S = 1.0
_FIRST_TRIES = (1, 255, 0, 2, 3, 4, 5)


class _Silence(LinkError):
    """No answer came in time."""


class _Asker:
    """Asks one unit; counts what it costs."""

    def __init__(self, target: Target, progress: Progress) -> None:
        self._target, self._progress = target, progress
        self._client = self._make(target)
        self.unit = 1
        self.requests = 0
        self.expected = 1

    @staticmethod
    def _make(target: Target) -> AsyncModbusTcpClient | AsyncModbusSerialClient:
        if target.scheme == "rtu":
            return AsyncModbusSerialClient(
                target.host,
                baudrate=target.whole("baud", 9600, 300, 1_000_000),
                parity=target.options.get("parity", "N"),
                stopbits=target.whole("stop", 1, 1, 2),
                timeout=target.timeout_s,
                retries=0,
                reconnect_delay=0,
            )
        return AsyncModbusTcpClient(
            target.host,
            port=target.port,
            framer=FramerType.SOCKET if target.scheme == "modbus" else FramerType.RTU,
            timeout=target.timeout_s,
            retries=0,
            reconnect_delay=0,
        )

    async def _ask(self, send: Callable[[], Awaitable[ModbusPDU]]) -> ModbusPDU:
        self.requests += 1
        self._progress(min(self.requests / max(self.expected, self.requests + 1), 0.99), "")
        if not self._client.connected and not await self._client.connect():
            raise OSError("connection refused or no answer")
        try:
            answer = await send()
        except ModbusException as error:
            self._client.close()  # a late answer must not be taken for the next one
            raise _Silence("no answer", thing=self._target.place) from error
        return answer

    async def read(self, table: str, start: int, count: int) -> list[int] | int:
        """Return the words or bits from a start, or the exception code.

        Raises:
            LinkError: No answer came.
        """
        client = self._client
        ask = {
            "holding": client.read_holding_registers,
            "input": client.read_input_registers,
            "coil": client.read_coils,
            "discrete": client.read_discrete_inputs,
        }[table]
        answer = await self._ask(lambda: ask(start, count=count, device_id=self.unit))
        if answer.isError():
            return int(answer.exception_code)
        words = answer.registers if table in ("holding", "input") else answer.bits[:count]
        return [int(word) for word in words]

    async def identity(self) -> dict[str, str]:
        """Return what the device says about itself (function 43), empty if it does not."""
        names = ("vendor", "product_code", "revision", "url", "product", "model", "application")
        try:
            answer = await self._ask(
                lambda: self._client.read_device_information(
                    read_code=2, object_id=0, device_id=self.unit
                )
            )
        except LinkError:
            return {}
        if answer.isError():
            return {}
        told = getattr(answer, "information", {})
        return {
            name: bytes(told[n]).decode("utf-8", "replace").strip()
            for n, name in enumerate(names)
            if told.get(n)
        }

    def close(self) -> None:
        self._client.close()


async def probe(target: Target, progress: Progress) -> Report:
    """Return the unit's identity and every register and bit that answers.

    Raises:
        InputError: An option does not fit, or no unit answers.
        LinkError: Nothing answers at this address.
    """
    serial = ("baud", "parity", "stop") if target.scheme == "rtu" else ()
    target.known("unit", "from", "to", "table", *serial)
    table = target.options.get("table", "")
    if table not in ("", *_TABLES):
        raise InputError("no such table", thing=table, fix=f"use {', '.join(_TABLES)}")
    if target.options.get("parity", "N") not in ("N", "E", "O"):
        raise InputError("no such parity", thing=target.options["parity"], fix="use N, E or O")
    first = target.whole("from", 0, 0, 65535)
    last = target.whole("to", max(first, 999), first, 65535)
    asker = _Asker(target, progress)
    report = Report(url=target.url, protocol=_PROTOCOLS[target.scheme])
    try:
        units = await _units(asker, target)
        asker.unit = units[0]
        report.device = {"unit": str(units[0]), "units": " ".join(map(str, units))}
        report.device |= await asker.identity()
        for each in (table,) if table else _TABLES:
            top = last if each in ("holding", "input") or "to" in target.options else first + 199
            report.offers += await _table(asker, each, first, top, report)
    finally:
        asker.close()
    progress(1.0, "")
    return report


async def _units(asker: _Asker, target: Target) -> list[int]:
    """Return the units that answer, whatever they answer.

    Raises:
        InputError: None does.
    """
    wanted = target.span("unit", (1, 1), 0, 255) if "unit" in target.options else _FIRST_TRIES
    asker.expected = len(wanted) + 60
    found: list[int] = []
    maybe: list[int] = []
    for unit in wanted:
        asker.unit = unit
        try:
            answer = await asker.read("holding", 0, 1)
        except LinkError:
            continue
        if not isinstance(answer, int) or answer in _SURE:
            found.append(unit)
            if "unit" not in target.options:
                break
        elif answer not in _NOT_THERE:
            maybe.append(unit)  # some servers answer so for units they do not have
    found = found or maybe
    if not found:
        tried = ", ".join(map(str, wanted)) if len(wanted) < 10 else f"{wanted[0]}-{wanted[-1]}"
        fix = "scan with unit=1-247"
        if target.scheme != "rtu":
            other = "rtu+tcp" if target.scheme == "modbus" else "modbus"
            fix += f"; if the other framing is spoken here, try {other}://"
        raise InputError("connected, but no unit answers", thing=f"unit {tried}", fix=fix)
    return found


async def _table(asker: _Asker, table: str, first: int, last: int, report: Report) -> list[Offer]:
    found: dict[int, int] = {}
    waiting = [(at, min(_MOST_WORDS, last - at + 1)) for at in range(first, last + 1, _MOST_WORDS)][
        ::-1
    ]
    silent = 0
    asker.expected = asker.requests + len(waiting) + 20
    while waiting:
        start, count = waiting.pop()
        if asker.requests >= _MOST_REQUESTS:
            report.notes.append(f"{table} from {start}: left out, {_MOST_REQUESTS} requests made")
            break
        try:
            answer = await asker.read(table, start, count)
            silent = 0
        except _Silence:
            silent += 1
            if silent >= _SILENT_STOP:
                report.notes.append(f"{table} from {start}: no answer {silent} times, left out")
                break
            answer = 2
        if not isinstance(answer, int):
            found |= {start + i: word for i, word in enumerate(answer)}
        elif answer == _ILLEGAL_FUNCTION or answer in _NOT_THERE:
            report.notes.append(f"{table}: not offered (exception {answer})")
            break
        elif count > 1:
            half = count // 2
            waiting += [(start + half, count - half), (start, half)]
            asker.expected += 2
    if not found:
        return []
    report.notes.append(f"{table}: {len(found)} of {first}-{last} answer")
    if table in ("coil", "discrete"):
        return [
            Offer(source=table, register=register, value=bit, dtype="bool")
            for register, bit in sorted(found.items())
        ]
    again = await _again(asker, table, found)
    order = likely_order(found)
    return offers_of("" if table == "holding" else table, found, again, order)


async def _again(asker: _Asker, table: str, found: dict[int, int]) -> dict[int, int]:
    """Read once more the registers that are not zero: what moves is measured."""
    await asyncio.sleep(_AGAIN_S)
    again: dict[int, int] = {}
    waiting = sorted(register for register, word in found.items() if word)
    while waiting:
        start = waiting[0]
        run = [r for r in waiting if r < start + _MOST_WORDS]
        stretch = range(start, run[-1] + 1)
        if any(register not in found for register in stretch):
            stretch = range(start, start + 1)
            run = [start]
        waiting = waiting[len(run) :]
        try:
            answer = await asker.read(table, start, len(stretch))
        except LinkError:
            continue
        if not isinstance(answer, int):
            again |= dict(zip(stretch, answer, strict=True))
    return again
