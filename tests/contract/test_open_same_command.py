"""One command, four field protocols, one end state: what a device holds does not depend on how."""

from __future__ import annotations

import asyncio

import pytest

from heatloop.demo.devices import iec104, modbus_rtu, mqtt, opc_ua
from heatloop.demo.devices.face import TableFace
from tests.contract.control_field import Bench, bindings, device, read_until
from tests.contract.link_peers import Mosquitto

pytestmark = pytest.mark.needs("mosquitto")
KINDS = ("source_supply_temperature_setpoint", "source_differential_pressure_setpoint")
BEFORE = {KINDS[0]: 80.0, KINDS[1]: 200.0}
AFTER = {KINDS[0]: 84.25, KINDS[1]: 310.0}
ORDERED = ((KINDS[0], 71.5), (KINDS[1], 310.0), (KINDS[0], 84.25))
SOURCES = {
    "modbus_tcp": ("", ""),
    "iec104": ("4011H 50:6201H", "11:4012H 49s:6202H"),
    "opc_ua": ("ns=2;s=SupplySet", "ns=2;s=Dp"),
    "mqtt": ("supply", "dp"),
}
TYPES = {"modbus_tcp": ("float32", "float32"), "opc_ua": ("", "uint16")}
OWN = {
    "iec104": {"unit_id": 7},
    "opc_ua": {"parameters": "security=none publish_ms=100"},
    "mqtt": {"address": "plant/source", "parameters": "write=set"},
}


async def served(protocol, shown, port):
    match protocol:
        case "modbus_tcp":
            return await modbus_rtu.serve_tcp([shown], "127.0.0.1", 0)
        case "iec104":
            return await iec104.serve([shown], "127.0.0.1", 0)
        case "opc_ua":
            return await opc_ua.serve([shown], "127.0.0.1", 0)
    return await mqtt.serve([shown], "127.0.0.1", port, period_s=0.02)


async def end_state(protocol, port):
    """Deliver the commands over a protocol; return what it holds then."""
    rows = [
        (kind, source, "rw", dtype, 1.0)
        for kind, source, dtype in zip(
            KINDS, SOURCES[protocol], TYPES.get(protocol, ("", "")), strict=True
        )
    ]
    found = bindings(rows)
    values = {binding.point: BEFORE[binding.kind] for binding in found}
    about = device(protocol, port, **OWN.get(protocol, {}))
    shown = TableFace(about, found, values)
    server = await served(protocol, shown, port)
    bench = Bench(timeout_s=3.0)
    try:
        if protocol != "mqtt":
            about = device(protocol, server.port, **OWN.get(protocol, {}))
        driver = bench.driver(about)
        await read_until(driver, found, lambda v, c, d: len(v) == 2)
        by_kind = {binding.kind: binding for binding in found}
        for kind, value in ORDERED:
            await driver.write(by_kind[kind], value)
        async with asyncio.timeout(5):
            while shown.values != {b.point: AFTER[b.kind] for b in found}:
                await asyncio.sleep(0.02)
        read = (await read_until(driver, found, lambda v, c, d: v.get(KINDS[0]) == 84.25))[0]
        return dict(shown.values), read
    finally:
        await bench.close()
        await server.close()


async def test_4_2_3_5_2_the_same_commands_leave_the_same_state_over_four_protocols(
    tmp_path, program
):
    broker = Mosquitto(program("mosquitto"), tmp_path / "broker")
    await broker.start()
    try:
        states = {
            protocol: await end_state(protocol, broker.port if protocol == "mqtt" else 0)
            for protocol in SOURCES
        }
    finally:
        broker.stop()
    first = states["modbus_tcp"]
    assert len(states) == 4
    assert first[0].keys() == {f"HS0001.{kind}" for kind in KINDS}
    for protocol, state in states.items():
        assert state == first, protocol
    assert first[1] == AFTER
