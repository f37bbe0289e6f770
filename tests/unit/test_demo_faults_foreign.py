"""A stranger's writes go over real Modbus TCP from a connection of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from heatloop.demo.devices.modbus import ModbusDevice, serve, stop
from heatloop.demo.foreign import AGAIN_S, Intruder, harmful_value, write_register
from heatloop.kernel.errors import InputError, LinkError
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset, Binding, Device, Point

SETPOINT = "UN0001.secondary_supply_temperature_setpoint"
VALVE = "UN0001.valve_opening_setpoint"
REGISTERS = {SETPOINT: 2, VALVE: 4}


class Wire:
    """One device on a free port of this machine, and every write it saw."""

    def __init__(self) -> None:
        self.memory = bytearray(2 * 8)
        self.writes: list[tuple[int, int]] = []
        self.device = ModbusDevice(
            index=0,
            memory=memoryview(self.memory),
            unit_id=7,
            writable=frozenset(REGISTERS.values()),
            on_write=lambda _, start, count: self.writes.append((start, count)),
        )

    def word(self, point: str) -> int:
        at = 2 * REGISTERS[point]
        return int.from_bytes(self.memory[at : at + 2], "big", signed=True)


@pytest.fixture
async def wire() -> AsyncIterator[tuple[Wire, Ledger]]:
    wire = Wire()
    server = await serve(wire.device, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    device = Device(code="DV0001", asset="SS0001", gateway="GW0001", port=port, unit_id=7,
                    profile="substation_controller", protocol="modbus_tcp")  # fmt: skip
    bindings = [
        Binding(key=at, point=point, kind=point.split(".")[1], device="DV0001", register=at,
                dtype="int16", factor=0.1, access="rw")
        for point, at in REGISTERS.items()
    ]  # fmt: skip
    points = [Point(code=b.point, key=b.key, asset="UN0001", kind=b.kind) for b in bindings]
    assets = [
        Asset(code="CO01", kind="company", zh="c", en="c"),
        Asset(code="SS0001", kind="substation", zh="s", en="s", organisation="CO01"),
        Asset(code="UN0001", kind="unit", zh="u", en="u", parent="SS0001", organisation="CO01"),
    ]
    ledger = Ledger(version=1, assets=assets, devices=[device], gateways=[], points=points,
                    bindings=bindings, keys={})  # fmt: skip
    yield wire, ledger
    await stop(wire.device, server)


async def settled(intruder: Intruder, wire: Wire, count: int) -> None:
    async with asyncio.timeout(2.0):
        while len(wire.writes) < count or intruder._tasks:
            await asyncio.sleep(0.005)


async def test_a_write_arrives_in_the_units_of_its_register(wire) -> None:
    device, ledger = wire
    binding = ledger.binding_of(SETPOINT)
    await write_register(ledger.devices["DV0001"], binding, 43.2)
    assert device.word(SETPOINT) == 432
    assert device.writes == [(2, 1)]
    assert harmful_value(binding) == 20.0
    assert harmful_value(ledger.binding_of(VALVE)) == 0.0


async def test_a_register_that_may_not_be_written_refuses(wire) -> None:
    device, ledger = wire
    binding = Binding(key=9, point="UN0001.x", kind="valve_opening", device="DV0001", register=6,
                      dtype="int16")  # fmt: skip
    with pytest.raises(InputError, match="refuses"):
        await write_register(ledger.devices["DV0001"], binding, 1.0)
    assert device.writes == []


async def test_a_device_without_power_cannot_be_meddled_with(wire) -> None:
    device, ledger = wire
    device.device.silent = True
    with pytest.raises(LinkError):
        await write_register(
            ledger.devices["DV0001"], ledger.binding_of(SETPOINT), 1.0, timeout_s=0.05
        )


async def test_the_intruder_writes_again_and_again_until_switched_off(wire) -> None:
    device, ledger = wire
    intruder = Intruder(ledger)
    intruder.follow((SETPOINT,), 1000.0)
    await settled(intruder, device, 1)
    assert device.word(SETPOINT) == 200
    # Put back by the guard; the stranger comes again, but not at every step.
    device.memory[4:6] = (500).to_bytes(2, "big")
    intruder.follow((SETPOINT, VALVE), 1000.0 + AGAIN_S / 2)
    await settled(intruder, device, 2)
    assert device.word(SETPOINT) == 500
    intruder.follow((SETPOINT, VALVE), 1000.0 + AGAIN_S)
    await settled(intruder, device, 3)
    assert device.word(SETPOINT) == 200
    intruder.follow((), 1000.0 + 3 * AGAIN_S)
    assert len(device.writes) == 3
    assert not intruder.failures
    # Switched on anew, the first write comes at once.
    intruder.follow((SETPOINT,), 1001.0 + 3 * AGAIN_S)
    await settled(intruder, device, 4)
    await intruder.close()


async def test_a_refused_write_is_remembered_and_ends_nothing(wire) -> None:
    device, ledger = wire
    device.device.writable = frozenset()
    intruder = Intruder(ledger)
    intruder.follow((SETPOINT,), 0.0)
    async with asyncio.timeout(2.0):
        while SETPOINT not in intruder.failures:
            await asyncio.sleep(0.005)
    assert "refuses" in intruder.failures[SETPOINT]
    await intruder.close()
