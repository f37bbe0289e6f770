"""A ledger of any number of like substations, 60 points each, for the loop benchmark."""

from __future__ import annotations

from array import array

import numpy as np

from heatloop.app.ledger_admin import install_ledger
from heatloop.app.settings import load_settings
from heatloop.app.wiring import open_records
from heatloop.cli.stack import StackOptions
from heatloop.demo.city import City
from heatloop.kernel.clock import machine_s
from heatloop.plant.asset_kinds import asset_kinds
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset, Device, Gateway
from heatloop.security.keys import SigningKey
from heatloop.security.passwords import new_token, token_hash

POINTS = 60
STATIONS = 12

Sweep = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def _asset(code: str, kind: str, parent: str, organisation: str) -> Asset:
    attributes: dict[str, str | float | bool] = {}
    for attribute in asset_kinds()[kind].attributes.values():
        if not attribute.required:
            continue
        match attribute.type:
            case "number":
                attributes[attribute.attribute] = max(attribute.low or 0.0, 50.0)
            case "choice":
                attributes[attribute.attribute] = attribute.choices[0]
            case "bool":
                attributes[attribute.attribute] = True
            case _:
                attributes[attribute.attribute] = "x"
    return Asset(
        code=code,
        kind=kind,
        zh=code,
        en=code,
        parent=parent,
        organisation=organisation,
        attributes=attributes,
    )


def install(stack: StackOptions, stations: int, keys: dict[str, SigningKey]) -> Ledger:
    """Put a ledger of `stations` in force, shared evenly by the gateways of `keys`, enrolled."""
    codes = list(keys)
    assets = [
        _asset("CO01", "company", "", ""),
        _asset("BR01", "branch", "CO01", ""),
        _asset("TM01", "team", "BR01", ""),
        _asset("HS0001", "heat_source", "", "TM01"),
    ]
    devices = []
    for number in range(1, stations + 1):
        station = f"SS{number:04d}"
        assets.append(_asset(station, "substation", "HS0001", "TM01"))
        units = (2 * number - 1, 2 * number)
        assets += [_asset(f"UN{unit:04d}", "unit", station, "TM01") for unit in units]
        devices.append(
            Device(
                code=f"DV{number:04d}",
                asset=station,
                gateway=codes[(number - 1) * len(codes) // stations],
                profile="substation_controller",
                protocol="modbus_tcp",
                host=f"127.0.{number // 60000}.1",
                port=1024 + number % 60000,
            )
        )
    gateways = [Gateway(code=code, zh=code, en=code, organisation="TM01") for code in codes]
    settings = load_settings(stack.data)
    records, _ = open_records(settings)
    try:
        ledger = install_ledger(records, assets, devices, gateways)
        for code, key in keys.items():
            token = new_token()
            records.gateways.set_token(code, token_hash(token))
            records.gateways.enrol(
                code,
                token_hash=token_hash(token),
                public_key=key.public,
                key_id=key.key_id,
                at=machine_s(),
            )
    finally:
        records.close()
    return ledger


def point_keys(ledger: Ledger, gateway: str) -> list[int]:
    """Return the keys of the first 60 points of each of a gateway's substations."""
    keys: list[int] = []
    for device in ledger.devices_of_gateway(gateway):
        keys += [b.key for b in ledger.bindings_of_device(device.code)[:POINTS]]
    return keys


def city_readings(start_s: int, ticks: int) -> list[Sweep]:
    """Return what the small city's meters show: per tick, shape (12 stations, 60 points)."""
    city = City(1, "small", float(start_s))
    memory = city.memory
    column = {b.key: i for i, b in enumerate([*memory.measured, *memory.settings])}
    stations = [d for d in city.ledger.devices.values() if d.profile == "substation_controller"]
    index = np.array(
        [[column[b.key] for b in city.ledger.bindings_of_device(d.code)[:POINTS]] for d in stations]
    )
    sweeps = []
    for _ in range(ticks):
        shown = memory.decoded(memory.raw_of(city.shown))
        sweeps.append(np.concatenate((shown, memory.setting_values()))[index])
        city.step(30.0)
    return sweeps


def sweeps_of(readings: list[Sweep], first: int, stations: int) -> list[array[float]]:
    """Return the sweeps of a gateway of `stations`, the `first` station's number given."""
    index = np.arange(first, first + stations) % readings[0].shape[0]
    return [array("d", sweep[index].ravel().tobytes()) for sweep in readings]
