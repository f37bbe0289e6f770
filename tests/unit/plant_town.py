"""A small town for the tests of the ledger: one of every kind of asset and device."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from heatloop.plant.build import build_ledger
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset, Device, Gateway, Point

Rows = dict[str, list[dict[str, Any]]]


def asset(code: str, kind: str, parent: str = "", organisation: str = "", **own: Any) -> Asset:
    return Asset(
        code=code,
        kind=kind,
        zh=f"名{code}",
        en=f"name {code}",
        parent=parent,
        organisation=organisation,
        attributes=own,
    )


def device(number: int, of: str, profile: str, gateway: str = "GW0001", **own: Any) -> Device:
    return Device(
        code=f"DV{number:04d}",
        asset=of,
        gateway=gateway,
        profile=profile,
        protocol="coap" if profile == "room_collector" else "modbus_tcp",
        port=0 if profile == "room_collector" else 15000 + number,
        **own,
    )


def assets() -> list[Asset]:
    unit = {"zone": "low", "emitter": "radiator", "hx_area_m2": 40, "pump_rated_head_m": 25}
    building = {"use": "dwelling", "year": 1998, "floors": 6, "envelope": "fair"}
    return [
        asset("CO01", "company", legal_name="城东热力有限公司", heated_area_m2=50000),
        asset("BR01", "branch", "CO01", manager="PE0001"),
        asset("BR02", "branch", "CO01"),
        asset("TM01", "team", "BR01"),
        asset("PE0001", "person", "BR01", duty="站长", phone="13900000001"),
        asset("HS0001", "heat_source", organisation="BR01", rated_load_kw=58000),
        asset("BL0001", "boiler", "HS0001", rated_load_kw=29000, fuel="gas"),
        asset("BL0002", "boiler", "HS0001", rated_load_kw=29000, fuel="gas"),
        asset("PU0001", "pump", "HS0001", duty="circulation", rated_flow_m3h=900, rated_head_m=60),
        asset("BS0001", "booster_station", "HS0001"),
        asset("IS0001", "isolation_station", "BS0001"),
        asset("WS0001", "weather_station", "HS0001"),
        asset("SS0001", "substation", "HS0001", "TM01", heated_area_m2=30000),
        asset("SS0002", "substation", "IS0001", "BR02", heated_area_m2=20000),
        asset("UN0001", "unit", "SS0001", heated_area_m2=18000, **unit),
        asset("UN0002", "unit", "SS0001", heated_area_m2=12000, **unit),
        asset("UN0003", "unit", "SS0002", heated_area_m2=20000, **unit),
        asset("CM0001", "community", "BR01", community_kind="residential"),
        asset("BD0001", "building", "UN0001", area_m2=10000, community="CM0001", **building),
        asset("BD0002", "building", "UN0001", area_m2=8000, community="CM0001", **building),
        asset("RS00001", "riser", "UN0002"),
        asset("BD0003", "building", "RS00001", area_m2=12000, **building),
        asset("BD0004", "building", "UN0003", area_m2=20000, **building),
        asset("FL00001", "flat", "BD0001", area_m2=85.5, metered=True, address="1-101"),
        asset("FL00002", "flat", "BD0001", area_m2=60),
        asset("CT00001", "contract", "FL00001", contract_no="A-1", user_name="张三",
              phone="13800000000", area_m2=85.5, tariff="metered"),
        asset("RC0001", "room_collector", "FL00001", model="T-1", height_m=1.4, battery_pct=90),
        asset("RC0002", "room_collector", organisation="TM01", model="T-1"),
    ]  # fmt: skip


def devices() -> list[Device]:
    return [
        device(1, "HS0001", "heat_source_controller"),
        device(2, "WS0001", "weather_station"),
        device(3, "SS0001", "substation_controller"),
        device(4, "SS0002", "substation_controller", "GW0002", regulates="edge"),
        device(5, "SS0001", "building_meter_concentrator"),
        device(6, "SS0002", "building_meter_concentrator", "GW0002"),
        device(7, "RC0001", "room_collector"),
        device(8, "IS0001", "isolation_station_controller"),
        device(9, "BS0001", "booster_station_controller"),
    ]


def gateways() -> list[Gateway]:
    return [
        Gateway(code="GW0001", zh="一号网关", en="gateway 1", organisation="BR01"),
        Gateway(code="GW0002", zh="二号网关", en="gateway 2", channel="4g", monthly_cost_yuan=30),
    ]


@cache
def town() -> Ledger:
    return build_ledger(assets(), devices(), gateways(), version=1, keys={})


def changed(which: str, /, **fields: Any) -> list[Asset]:
    """All assets, one of them changed; `own` replaces single attributes."""
    own = fields.pop("own", {})
    return [
        replace(a, attributes={**a.attributes, **own}, **fields) if a.code == which else a
        for a in assets()
    ]


def without_point(ledger: Ledger, code: str) -> Ledger:
    """The same ledger, one point gone."""
    points: list[Point] = [point for point in ledger.points.values() if point.code != code]
    assert len(points) == len(ledger.points) - 1
    return Ledger(
        version=ledger.version,
        assets=ledger.assets.values(),
        devices=ledger.devices.values(),
        gateways=ledger.gateways.values(),
        points=points,
        bindings=[binding for binding in ledger.bindings if binding.point != code],
        keys=ledger.keys,
    )


def contents(ledger: Ledger) -> tuple[Any, ...]:
    """Everything a ledger holds, to compare two."""
    return (
        dict(ledger.assets),
        dict(ledger.devices),
        dict(ledger.gateways),
        dict(ledger.points),
        ledger.bindings,
        dict(ledger.keys),
    )
