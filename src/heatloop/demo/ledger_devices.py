"""The demo city's devices as its ledger has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from heatloop.demo.plans import Streets
from heatloop.plant.model import Device


def devices_of(streets: Streets, base_port: int) -> Iterator[Device]:
    """Yield the devices in code order: source, weather, controllers, meters, collectors."""

    def modbus(asset: str, branch: int, profile: str) -> Device:
        gateway = f"GW{branch + 1:04d}"
        return Device(code="", asset=asset, gateway=gateway, profile=profile, protocol="modbus_tcp")

    rows = [
        modbus("HS0001", 0, "heat_source_controller"),
        modbus("WS0001", 0, "weather_station"),
    ]
    for index, plan in enumerate(streets.substations):
        controller = modbus(f"SS{index + 1:04d}", plan.branch, "substation_controller")
        # Two makes of controller are in the field: every fourth swaps its words.
        order = "CDAB" if index % 4 == 3 else "ABCD"
        rows.append(replace(controller, regulates=plan.regulates, word_order=order))
    for index, plan in enumerate(streets.substations):
        rows.append(modbus(f"SS{index + 1:04d}", plan.branch, "building_meter_concentrator"))
    for index, row in enumerate(rows):
        yield replace(row, code=f"DV{index + 1:04d}", port=base_port + index)
    flats = streets.flats.building[streets.flats.collector].tolist()
    for index, building in enumerate(flats):
        station = streets.units[streets.buildings[building].unit].substation
        code = f"DV{len(rows) + index + 1:04d}"
        yield Device(
            code=code,
            asset=f"RC{index + 1:04d}",
            gateway=f"GW{streets.substations[station].branch + 1:04d}",
            profile="room_collector",
            protocol="coap",
            host=code,
            port=0,
        )
