"""The demo city's devices as its ledger has them: which stands where and speaks what.

Real companies have bought from many makers over the years. Every fourth controller swaps its
words, every fourth sits behind a DTU; the building meters of a station come on a concentrator, on
M-Bus or on CJ/T 188. A larger city has a source with an OPC UA server and a booster station on
IEC 104; both are asked for every slot, so that ticks that follow each other fast see no old value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from heatloop.demo.gateways import gateways_of
from heatloop.demo.plans import Streets
from heatloop.plant.model import Device

_CJT188 = ("heat_meter_cjt188_2018", "heat_meter_cjt188_2004")
_FIRST_NUMBER = 26_110_000
_MAKER_DIGITS = "001111"
_PRIMARY_METERS = 3
_DCS = 2
_FEW = 2
_COAP = ("room_collector", "coap")
_MAKER_EUI = 0xA84041
SOURCE = "city"
"""Name under which the city's HTTP and LoRaWAN servers push."""
DCS_CERTIFICATE = "dcs.der"
"""Name under which gateways keep the certificate of the control system's OPC UA server."""


def devices_of(streets: Streets, base_port: int) -> Iterator[Device]:
    """Yield the devices in code order: source, weather, controllers, meters, collectors, plants.

    Further sources, isolation and booster stations come after the meters, before the collectors.
    Devices that share a line share a port.
    """
    rows: list[Device] = []
    lines: dict[str, int] = {}
    for line, device in _polled(streets):
        port = base_port + lines.setdefault(line, len(lines))
        rows.append(replace(device, code=f"DV{len(rows) + 1:04d}", port=port))
    yield from rows
    gateways = gateways_of(streets)
    flats = streets.flats.building[streets.flats.collector].tolist()
    for index, building in enumerate(flats):
        station = streets.units[streets.buildings[building].unit].substation
        code = f"DV{len(rows) + index + 1:04d}"
        profile, protocol = _collector(index) if len(streets.substations) > _FEW else _COAP
        yield Device(
            code=code,
            asset=f"RC{index + 1:04d}",
            gateway=gateways.code_of(station),
            profile=profile,
            protocol=protocol,
            host=code,
            port=0,
            address=f"{_MAKER_EUI:06X}{index + 1:010X}" if protocol == "lorawan" else "",
            parameters="" if protocol == "coap" else f"source={SOURCE}",
        )


def _collector(index: int) -> tuple[str, str]:
    """Return profile and protocol of a room collector: one in five by HTTP, one by LoRaWAN."""
    return {3: ("room_collector_json", "http"), 4: ("room_collector_lora", "lorawan")}.get(
        index % 5, _COAP
    )


def _polled(streets: Streets) -> Iterator[tuple[str, Device]]:
    """Yield the devices that are asked, each with the name of its line."""
    gateways = gateways_of(streets)
    first = gateways.code_at(streets.sources[0].branch)
    yield "HS0001", _device("HS0001", first, "heat_source_controller")
    yield "WS0001", _device("WS0001", first, "weather_station")
    for index, plan in enumerate(streets.substations):
        asset = f"SS{index + 1:04d}"
        controller = _device(
            asset,
            gateways.code_of(index),
            "substation_controller",
            "modbus_rtu_tcp" if index % 4 == 1 else "modbus_tcp",
        )
        # Two makes of controller are in the field: every fourth swaps its words.
        order = "CDAB" if index % 4 == 3 else "ABCD"
        yield asset, replace(controller, regulates=plan.regulates, word_order=order)
    yield from _meters(streets)
    for index, source in enumerate(streets.sources[1:], 2):
        # The first further source has a control system of its own with an OPC UA server.
        asset, gateway = f"HS{index:04d}", gateways.code_at(source.branch)
        if index == _DCS:
            control = _device(asset, gateway, "heat_source_dcs_opcua", "opc_ua")
            yield asset, replace(control, parameters=f"mode=poll server_cert={DCS_CERTIFICATE}")
        else:
            yield asset, _device(asset, gateway, "heat_source_controller")
    for index, zone in enumerate(streets.isolations, 1):
        asset, gateway = f"IS{index:04d}", gateways.code_at(zone.branch)
        yield asset, _device(asset, gateway, "isolation_station_controller")
    for index, booster in enumerate(streets.boosters, 1):
        asset, gateway = f"BS{index:04d}", gateways.code_at(booster.branch)
        if index == 1:
            telecontrol = _device(asset, gateway, "booster_station_iec104", "iec104")
            yield asset, replace(telecontrol, parameters="gi_s=0")
        else:
            yield asset, _device(asset, gateway, "booster_station_controller")


def _meters(streets: Streets) -> Iterator[tuple[str, Device]]:
    gateways = gateways_of(streets)
    houses: dict[int, list[int]] = {}
    for number, building in enumerate(streets.buildings, 1):
        houses.setdefault(streets.units[building.unit].substation, []).append(number)
    for index in range(len(streets.substations)):
        line, gateway = f"meters {index}", gateways.code_of(index)
        station = f"SS{index + 1:04d}"
        if index % 3 == 0:
            yield line, _device(station, gateway, "building_meter_concentrator")
            continue
        valves = _device(station, gateway, "building_valve_controller", "modbus_rtu_tcp")
        # Behind the controller's DTU where it has one, the second unit on its line.
        behind = station if index % 4 == 1 else f"valves {index}"
        yield behind, replace(valves, unit_id=2)
        for place, house in enumerate(houses.get(index, ()), 1):
            asset, serial = f"BD{house:04d}", str(_FIRST_NUMBER + house)
            if index % 3 == 1:
                meter = _device(asset, gateway, "heat_meter_mbus", "mbus")
                # The first meters of a line answer to a primary address, the rest by number.
                by_serial = place > _PRIMARY_METERS
                yield (
                    line,
                    replace(meter, address=serial, unit_id=0)
                    if by_serial
                    else replace(meter, unit_id=place),
                )
            else:
                make = _CJT188[index % 6 == 2]
                meter = _device(asset, gateway, make, "cjt188")
                yield line, replace(meter, address=_MAKER_DIGITS + serial)


def _device(asset: str, gateway: str, profile: str, protocol: str = "modbus_tcp") -> Device:
    return Device(code="", asset=asset, gateway=gateway, profile=profile, protocol=protocol)
