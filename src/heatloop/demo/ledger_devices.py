"""The demo city's devices as its ledger has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from heatloop.demo.gateways import gateways_of
from heatloop.demo.plans import Streets
from heatloop.plant.model import Device


def devices_of(streets: Streets, base_port: int) -> Iterator[Device]:
    """Yield the devices in code order: source, weather, controllers, meters, collectors, plants.

    Further sources, isolation and booster stations come after the meters, before the collectors.
    """
    gateways = gateways_of(streets)

    def modbus(asset: str, gateway: str, profile: str) -> Device:
        return Device(code="", asset=asset, gateway=gateway, profile=profile, protocol="modbus_tcp")

    first = gateways.code_at(streets.sources[0].branch)
    rows = [
        modbus("HS0001", first, "heat_source_controller"),
        modbus("WS0001", first, "weather_station"),
    ]
    for index, plan in enumerate(streets.substations):
        controller = modbus(f"SS{index + 1:04d}", gateways.code_of(index), "substation_controller")
        # Two makes of controller are in the field: every fourth swaps its words.
        order = "CDAB" if index % 4 == 3 else "ABCD"
        rows.append(replace(controller, regulates=plan.regulates, word_order=order))
    for index in range(len(streets.substations)):
        gateway = gateways.code_of(index)
        rows.append(modbus(f"SS{index + 1:04d}", gateway, "building_meter_concentrator"))
    for index, source in enumerate(streets.sources[1:], 2):
        gateway = gateways.code_at(source.branch)
        rows.append(modbus(f"HS{index:04d}", gateway, "heat_source_controller"))
    for index, zone in enumerate(streets.isolations, 1):
        gateway = gateways.code_at(zone.branch)
        rows.append(modbus(f"IS{index:04d}", gateway, "isolation_station_controller"))
    for index, booster in enumerate(streets.boosters, 1):
        gateway = gateways.code_at(booster.branch)
        rows.append(modbus(f"BS{index:04d}", gateway, "booster_station_controller"))
    for index, row in enumerate(rows):
        yield replace(row, code=f"DV{index + 1:04d}", port=base_port + index)
    flats = streets.flats.building[streets.flats.collector].tolist()
    for index, building in enumerate(flats):
        station = streets.units[streets.buildings[building].unit].substation
        code = f"DV{len(rows) + index + 1:04d}"
        yield Device(
            code=code,
            asset=f"RC{index + 1:04d}",
            gateway=gateways.code_of(station),
            profile="room_collector",
            protocol="coap",
            host=code,
            port=0,
        )
