"""A town with a station that obeys: what a gateway writes moves, and samples tell of it."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from heatloop.kernel.messages import Command
from heatloop.plant.kinds import point_kinds
from heatloop.security.access import Role
from heatloop.store.tables import write_tables
from tests.unit.app_town import Town, TownClock, TownGateway, town

API = "/api/v1"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
PDF = b"%PDF-1.7\n" + bytes(64)
UNIT, STATION, DEVICE = "UN0001", "SS0001", "DV0001"
FIRST = {
    f"{UNIT}.station_mode": 2.0,
    f"{UNIT}.valve_opening": 40.0,
    f"{UNIT}.valve_opening_setpoint": 40.0,
    f"{UNIT}.circulation_pump_frequency": 42.0,
    f"{UNIT}.circulation_pump_frequency_setpoint": 42.0,
    f"{UNIT}.secondary_supply_temperature": 50.0,
    f"{UNIT}.secondary_supply_temperature_setpoint": 50.0,
    f"{UNIT}.limit_supply_temperature_high": 80.0,
    f"{UNIT}.interlock_word": 0.0,
    f"{STATION}.primary_flow": 20.0,
}


class LiveStation:
    """Answers commands and sends a sample of every point every 30 s of a clock it moves."""

    def __init__(self, here: Town, gateway: TownGateway) -> None:
        self.town, self.gateway = here, gateway
        self.values = dict(FIRST)
        self.stuck = False
        self.silent = False
        self._done = 0

    async def beat(self) -> None:
        """Move the clock by one slot, obey, and tell."""
        self.town.clock.advance(30.0)
        slot = int(self.town.platform.world.now_s())
        frames = self.gateway.of("command")
        fresh, self._done = frames[self._done :], len(frames)
        for frame in fresh:
            command = Command.from_dict(frame["command"])
            self.values[command.point] = command.value
            note = {"type": "command_report", "id": command.id, "state": "acknowledged",
                    "reason": "", "at": float(slot - 1)}  # fmt: skip
            await self.gateway.notes(note)
        if self.values[f"{UNIT}.station_mode"] == 1.0 and not self.stuck:
            self.values[f"{UNIT}.valve_opening"] = self.values[f"{UNIT}.valve_opening_setpoint"]
        hz = self.values[f"{UNIT}.circulation_pump_frequency_setpoint"]
        self.values[f"{UNIT}.circulation_pump_frequency"] = hz
        goal = self.values[f"{UNIT}.secondary_supply_temperature_setpoint"]
        self.values[f"{UNIT}.secondary_supply_temperature"] = goal
        self.values[f"{STATION}.primary_flow"] = 10.0 + self.values[f"{UNIT}.valve_opening"]
        if not self.silent:
            ledger = self.town.platform.world.ledger
            bound = ledger.bindings_of_device(DEVICE)
            rows = {b.point: max(point_kinds()[b.kind].low, 0.0) for b in bound} | self.values
            through = await self.gateway.samples(
                *((point, slot, value) for point, value in rows.items())
            )
            await self.gateway.acknowledged(through)

    async def run(self) -> None:
        while True:
            await self.beat()
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def live_town(
    folder: Path, *, fresh: bool = True, clock: TownClock | None = None
) -> AsyncIterator[tuple[Town, LiveStation]]:
    async with town(folder, fresh=fresh, clock=clock) as here:
        gateway = await here.enrol()
        await gateway.connect()
        station = LiveStation(here, gateway)
        await station.beat()
        beating = asyncio.create_task(station.run())
        try:
            yield here, station
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)


async def upload(
    client: httpx.AsyncClient, path: str, data: bytes, method: str = "POST"
) -> httpx.Response:
    files = {"file": ("name", io.BytesIO(data))}
    return await client.request(method, f"{API}{path}", files=files)


async def sent(client: httpx.AsyncClient, data: bytes) -> str:
    answer = await upload(client, "/devices/files", data)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["sha256"])


async def post(client: httpx.AsyncClient, path: str, body: Any, status: int = 201) -> Any:
    answer = await client.post(f"{API}{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def bought(client: httpx.AsyncClient, *lines: dict[str, Any], code: str = "PO1") -> None:
    data = write_tables({"purchase": list(lines)})
    answer = await upload(client, f"/devices/purchases/{code}", data, "PUT")
    assert answer.status_code == 200, answer.text


async def installed_controller(client: httpx.AsyncClient, serial: str = "S1") -> None:
    """Take a controller to the state `installed` through the API; needs an engineer."""
    await bought(client, {"model": "DDC-8U", "count": 1, "accessories": "antenna"})
    await post(client, "/devices", {"serial": serial, "model": "DDC-8U", "asset": STATION,
                                    "device": DEVICE, "purchase": "PO1"})  # fmt: skip
    scanned = {"scanned": [{"serial": serial, "model": "DDC-8U"}]}
    await post(client, "/devices/purchases/PO1/receipts", scanned)
    photo, paper = await sent(client, PNG), await sent(client, PDF)
    item = f"/devices/items/{serial}"
    form = {"photo": photo, "undamaged": True, "accessories": {"antenna": True}}
    await post(client, f"{item}/arrival", form)
    for name in ("certificate", "test_report", "manual"):
        await post(client, f"{item}/documents", {"document": name, "file": paper})
    evidence = {"item": "parameter_control", "file": paper}
    await post(client, "/devices/models/DDC-8U/evidence", evidence)
    await post(client, f"{item}/state", {"to": "accepted"}, 200)
    ticks = dict.fromkeys(("damp", "corrosion", "drainage", "ventilation", "access"), True)
    place = {"location": "cabinet 1", "photos": [photo], "signed_by": "li", "ticks": ticks}
    await post(client, f"{item}/installation", place)
    await post(client, f"{item}/state", {"to": "installed"}, 200)


ENGINEER = Role.OPERATION_ENGINEER
