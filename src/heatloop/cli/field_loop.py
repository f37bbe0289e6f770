"""`heatloop field loop-check`: stands in for devices, and looks for their markers."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from getpass import getpass
from typing import Any, Self

from heatloop.kernel.errors import InputError
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Device

Read = Callable[[list[str]], Awaitable[Mapping[str, float | None]]]
Put = Callable[[Mapping[str, bytes]], None]
_CODES_AT_ONCE = 300
_LOOK_S = 2.0


@dataclass(kw_only=True, slots=True)
class LoopResult:
    """What a loop check found."""

    points: int = 0
    """Points checked."""
    rounds: int = 0
    """Rounds, each with other markers."""
    wrong: list[dict[str, object]] = field(default_factory=list)
    """Points that did not show their marker."""

    @property
    def match_pct(self) -> float:
        """Share of points that showed every one of their markers."""
        failed = {row["point"] for row in self.wrong}
        return 100.0 * (1.0 - len(failed) / self.points) if self.points else 0.0


def add_to(actions: Any) -> None:
    """Add the command."""
    loop = actions.add_parser(
        "loop-check",
        help="stand in for devices and find their markers in the platform",
        description="Answers at the addresses of Modbus TCP devices of this machine in their "
        "place (stop them first), with a number of its own in every register, and looks whether "
        "the platform shows each number under the right point. Values and alarms of the points "
        "are those of the check while it lasts: for commissioning and the demo. Exit code 0 when "
        "all match, 1 when not, 2 when it cannot be done.",
        epilog="example: heatloop field loop-check --url http://127.0.0.1:8080 --user chen",
    )
    loop.add_argument("--url", default="http://127.0.0.1:8080", help="the platform")
    loop.add_argument("--user", required=True, help="user who may export the ledger")
    loop.add_argument("--device", action="append", default=[], help="device code (all on loopback)")
    loop.add_argument("--rounds", type=int, default=2, choices=range(1, 17), metavar="1-16")
    loop.add_argument("--wait", type=float, default=90.0, help="longest wait of a round, seconds")
    loop.add_argument("--json", action="store_true", help="answer for machines")
    loop.set_defaults(action=run)


async def check(
    ledger: Ledger,
    devices: Sequence[Device],
    put: Put,
    read: Read,
    *,
    rounds: int,
    wait_s: float,
) -> LoopResult:
    """Put markers into devices and read them back at the platform, round after round.

    Args:
        ledger: Where the points stand.
        devices: Devices stood in for.
        put: Takes the registers of each device, by code.
        read: Returns what the platform shows of points.
        rounds: How often, with other markers.
        wait_s: Longest wait for a round, machine time.

    Raises:
        InputError: There is nothing to check, or a type cannot carry a marker.
    """
    from heatloop.proof.loop_check import crossed, image, markers

    result = LoopResult(rounds=rounds)
    loop = asyncio.get_running_loop()
    for number in range(rounds):
        found = markers(ledger, devices, number)
        if not found:
            raise InputError("no points to check", fix="name devices with --device")
        result.points = len(found)
        put({d.code: bytes(image(m for m in found if m.device == d.code)) for d in devices})
        end = loop.time() + wait_s
        while True:
            wrong = crossed(found, await read([marker.point for marker in found]))
            if not wrong or loop.time() >= end:
                break
            await asyncio.sleep(min(_LOOK_S, wait_s / 20))
        result.wrong += [{"round": number + 1, **row} for row in wrong]
    return result


def run(options: argparse.Namespace) -> int:
    """Check loops against a running platform."""
    password = os.environ.get("HEATLOOP_PASSWORD") or getpass(f"password of {options.user}: ")
    result = asyncio.run(_run(options, password))
    facts = {
        "points": result.points,
        "rounds": result.rounds,
        "match_pct": round(result.match_pct, 3),
        "wrong": result.wrong,
    }
    if options.json:
        print(json.dumps(facts, ensure_ascii=False))
    else:
        for row in result.wrong:
            print("  ".join(f"{name}={value}" for name, value in row.items()), file=sys.stderr)
        print(f"{result.points} points, {result.rounds} rounds: {result.match_pct:.2f} % match")
    return 0 if not result.wrong else 1


async def _run(options: argparse.Namespace, password: str) -> LoopResult:
    from heatloop.cli.api import Api
    from heatloop.plant.ledger_masks import filled
    from heatloop.plant.rows import from_rows
    from heatloop.store.tables import read_tables

    api = await Api.sign_in(options.url, options.user, password)
    try:
        reply = await api.http.get("/ledger/export?format=csv")
        if reply.is_error:
            raise InputError(f"ledger is refused: {reply.status_code}", thing=options.user)
        # What is masked for want of a ticket is of no account here.
        ledger = from_rows(filled(read_tables(reply.content, "csv")), version=1, keys={})
        devices = chosen(ledger, options.device)

        async def read(codes: list[str]) -> dict[str, float | None]:
            shown: dict[str, float | None] = {}
            for start in range(0, len(codes), _CODES_AT_ONCE):
                some = ",".join(codes[start : start + _CODES_AT_ONCE])
                points = await api.send("GET", f"/points/latest?codes={some}")
                shown |= {point["code"]: point["value"] for point in points}
            return shown

        async with StandIns(devices) as stand_ins:
            return await check(
                ledger, devices, stand_ins.put, read, rounds=options.rounds, wait_s=options.wait
            )
    finally:
        await api.close()


def chosen(ledger: Ledger, codes: Sequence[str]) -> list[Device]:
    """Return the devices that are stood in for.

    Raises:
        InputError: One does not exist, or speaks something else.
    """
    from heatloop.proof.loop_check import PROTOCOLS

    wanted = codes or [
        d.code
        for d in ledger.devices.values()
        if d.protocol in PROTOCOLS and d.host.startswith("127.")
    ]
    found = []
    for code in wanted:
        device = ledger.devices.get(code)
        if device is None or device.protocol not in PROTOCOLS:
            fix = f"name a device that speaks {', '.join(PROTOCOLS)}"
            raise InputError("cannot stand in for this device", thing=code, fix=fix)
        found.append(device)
    return found


class StandIns:
    """Servers in the place of devices; writes are refused, so that markers stay.

    Args:
        devices: Devices stood in for; their addresses must be free.
    """

    def __init__(self, devices: Sequence[Device]) -> None:
        from heatloop.demo.devices.modbus import ModbusDevice

        self._devices = devices
        self._memory = {d.code: bytearray(2 * 65536) for d in devices}
        self._models = {
            d.code: ModbusDevice(
                index=n, memory=memoryview(self._memory[d.code]), unit_id=d.unit_id
            )
            for n, d in enumerate(devices)
        }
        self._servers: list[tuple[Any, asyncio.Server]] = []

    def put(self, images: Mapping[str, bytes]) -> None:
        """Take new registers."""
        for code, data in images.items():
            self._memory[code][:] = data

    async def __aenter__(self) -> Self:
        from heatloop.demo.devices.modbus import serve

        try:
            for device in self._devices:
                model = self._models[device.code]
                self._servers.append((model, await serve(model, device.host, device.port)))
        except OSError as error:
            await self.__aexit__()
            fix = "stop the device (or the demo city) first"
            raise InputError(f"address is taken: {error}", thing=device.code, fix=fix) from error
        return self

    async def __aexit__(self, *reason: object) -> None:
        from heatloop.demo.devices.modbus import stop

        for model, server in self._servers:
            await stop(model, server)
