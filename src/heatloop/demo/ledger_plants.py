"""The demo city's heat plants, isolation and booster stations as its ledger has them."""

from __future__ import annotations

from collections.abc import Iterator

from heatloop.demo.places import lat_lon
from heatloop.demo.plans import DESIGN_OUTDOOR_C, PRIMARY_SUPPLY_C, SourcePlan, Streets
from heatloop.plant.model import Asset

_ELECTRIC_SHARE = 0.62
"""Electric over heat output of a back-pressure unit of this size."""
_TANK_HEIGHT_M = 20.0


def make_asset(
    code: str,
    kind: str,
    names: tuple[str, str],
    parent: str = "",
    organisation: str = "",
    **attributes: str | float | bool,
) -> Asset:
    """Return an asset with Chinese and English name."""
    return Asset(
        code=code,
        kind=kind,
        zh=names[0],
        en=names[1],
        parent=parent,
        organisation=organisation,
        attributes=attributes,
    )


class _Numbers:
    """Gives boilers, pumps, CHP units and tanks their numbers, in the order of their stations."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def code(self, prefix: str) -> str:
        """Return the next code with this prefix."""
        number = self._last[prefix] = self._last.get(prefix, 0) + 1
        return f"{prefix}{number:04d}"


def plants_of(streets: Streets) -> Iterator[Asset]:
    """Yield sources with what stands in them, the weather station, and the pumping stations."""
    numbers = _Numbers()
    for index, plan in enumerate(streets.sources):
        yield from _source(f"HS{index + 1:04d}", plan, numbers)
    lat, lon = lat_lon(0.0, 0.0)
    yield make_asset(
        "WS0001",
        "weather_station",
        ("热源厂气象站", "heat plant weather station"),
        "HS0001",
        "BR01",
        lat=lat,
        lon=lon,
    )
    for index, zone in enumerate(streets.isolations):
        code, branch = f"IS{index + 1:04d}", f"BR{zone.branch + 1:02d}"
        lat, lon = lat_lon(zone.east_m, zone.north_m)
        names, above = (zone.zh, zone.en), f"HS{2 * index + 1:04d}"
        yield make_asset(
            code,
            "isolation_station",
            names,
            above,
            branch,
            rated_load_kw=float(round(zone.load_kw)),
            lat=lat,
            lon=lon,
        )
        yield from _pumps(code, branch, ("循环泵", "zone pump"), numbers)
    for index, booster in enumerate(streets.boosters):
        code, branch = f"BS{index + 1:04d}", f"BR{booster.branch + 1:02d}"
        lat, lon = lat_lon(booster.east_m, booster.north_m)
        names, above = (booster.zh, booster.en), f"HS{2 * index + 1:04d}"
        yield make_asset(code, "booster_station", names, above, branch, lat=lat, lon=lon)
        yield from _pumps(code, branch, ("中继泵", "booster pump"), numbers)


def _source(code: str, plan: SourcePlan, numbers: _Numbers) -> Iterator[Asset]:
    branch = f"BR{plan.branch + 1:02d}"
    lat, lon = lat_lon(plan.east_m, plan.north_m)
    yield make_asset(
        code,
        "heat_source",
        (plan.zh, plan.en),
        organisation=branch,
        rated_load_kw=sum(plan.boiler_kw) + plan.chp_kw,
        design_outdoor_c=DESIGN_OUTDOOR_C,
        lat=lat,
        lon=lon,
        source_kind="chp" if plan.chp_kw > 0.0 else "gas_boiler",
        design_supply_c=PRIMARY_SUPPLY_C,
    )
    for number, boiler_kw in enumerate(plan.boiler_kw, 1):
        yield make_asset(
            numbers.code("BL"),
            "boiler",
            (f"{number}号热水锅炉", f"boiler {number}"),
            code,
            branch,
            rated_load_kw=boiler_kw,
            fuel="gas",
        )
    if plan.chp_kw > 0.0:
        yield make_asset(
            numbers.code("CP"),
            "chp",
            ("1号热电机组", "CHP unit 1"),
            code,
            branch,
            rated_load_kw=plan.chp_kw,
            rated_electric_kw=round(_ELECTRIC_SHARE * plan.chp_kw),
            fuel="gas",
        )
    if plan.tank_m3 > 0.0:
        yield make_asset(
            numbers.code("ST"),
            "storage_tank",
            ("蓄热罐", "heat storage tank"),
            code,
            branch,
            volume_m3=plan.tank_m3,
            height_m=_TANK_HEIGHT_M,
        )
    yield from _pumps(code, branch, ("一次网循环泵", "primary pump"), numbers)


def _pumps(parent: str, branch: str, names: tuple[str, str], numbers: _Numbers) -> Iterator[Asset]:
    """Yield a duty and a stand-by pump."""
    for number in (1, 2):
        zh, en = f"{number}号{names[0]}", f"{names[1]} {number}"
        yield make_asset(numbers.code("PU"), "pump", (zh, en), parent, branch)
