"""The demo city's ledger: the streets written down as assets, devices and gateways."""

from __future__ import annotations

from collections.abc import Iterator

from heatloop.demo.ledger_devices import devices_of
from heatloop.demo.ledger_pipes import pipes_of
from heatloop.demo.plans import DESIGN_OUTDOOR_C, POSITIONS, Streets
from heatloop.demo.streets import draw_streets
from heatloop.plant.model import Asset, Device, Gateway

BASE_PORT = 15020
_LAT, _LON = 43.88, 125.32
_M_PER_DEG_LAT, _M_PER_DEG_LON = 111_200.0, 80_200.0
_BRANCHES = (("东城分公司", "East branch"), ("西城分公司", "West branch"))
_TEAMS = (("东城运行班", "East operation team"), ("西城运行班", "West operation team"))

Rows = tuple[list[Asset], list[Device], list[Gateway]]


def demo_ledger(size: str = "small", seed: int = 1, base_port: int = BASE_PORT) -> Rows:
    """Return the assets, devices and gateways of a demo city.

    Args:
        size: A name of `streets.SIZES`.
        seed: The city drawn; the same seed gives the same ledger.
        base_port: Modbus TCP port of the first device; the others follow.

    Raises:
        InputError: No such size.
    """
    return ledger_of(draw_streets(size, seed), base_port)


def ledger_of(streets: Streets, base_port: int = BASE_PORT) -> Rows:
    """Return the ledger of these streets."""
    assets = [
        *_organisation(),
        *_source(streets),
        *_stations(streets),
        *pipes_of(streets),
        *_buildings(streets),
        *_flats(streets),
    ]
    gateways = [
        Gateway(
            code=f"GW{branch + 1:04d}",
            zh=f"{_BRANCHES[branch][0]}采集网关",
            en=f"{_BRANCHES[branch][1]} gateway",
            kind="station",
            channel=("fibre", "4g")[branch],
            monthly_cost_yuan=(120.0, 45.0)[branch],
            organisation=f"BR{branch + 1:02d}",
        )
        for branch in (0, 1)
    ]
    return assets, list(devices_of(streets, base_port)), gateways


def _asset(
    code: str,
    kind: str,
    names: tuple[str, str],
    parent: str = "",
    organisation: str = "",
    **attributes: str | float | bool,
) -> Asset:
    return Asset(
        code=code,
        kind=kind,
        zh=names[0],
        en=names[1],
        parent=parent,
        organisation=organisation,
        attributes=attributes,
    )


def _organisation() -> Iterator[Asset]:
    yield _asset("CO01", "company", ("示范热力公司", "Demo Heat Company"))
    for index, names in enumerate(_BRANCHES):
        yield _asset(f"BR{index + 1:02d}", "branch", names, "CO01")
    for index, names in enumerate(_TEAMS):
        yield _asset(f"TM{index + 1:02d}", "team", names, f"BR{index + 1:02d}")


def _source(streets: Streets) -> Iterator[Asset]:
    design_kw = sum(unit.load_kw for unit in streets.units)
    # Two equal boilers with a tenth in reserve, in whole 0.7 MW steps as they are sold.
    boiler_kw = 700.0 * -(-design_kw * 1.1 // 2 // 700.0)
    yield _asset(
        "HS0001",
        "heat_source",
        ("东城热源厂", "East heat plant"),
        organisation="BR01",
        rated_load_kw=2 * boiler_kw,
        design_outdoor_c=DESIGN_OUTDOOR_C,
        lat=_LAT,
        lon=_LON,
    )
    for number in (1, 2):
        yield _asset(
            f"BL{number:04d}",
            "boiler",
            (f"{number}号热水锅炉", f"boiler {number}"),
            "HS0001",
            "BR01",
            rated_load_kw=boiler_kw,
            fuel="gas",
        )
    for number in (1, 2):
        yield _asset(
            f"PU{number:04d}",
            "pump",
            (f"{number}号一次网循环泵", f"primary pump {number}"),
            "HS0001",
            "BR01",
        )
    yield _asset(
        "WS0001",
        "weather_station",
        ("热源厂气象站", "heat plant weather station"),
        "HS0001",
        "BR01",
        lat=_LAT,
        lon=_LON,
    )


def _stations(streets: Streets) -> Iterator[Asset]:
    for index, plan in enumerate(streets.substations):
        team = f"TM{plan.branch + 1:02d}"
        lat = round(_LAT + plan.north_m / _M_PER_DEG_LAT, 6)
        lon = round(_LON + plan.east_m / _M_PER_DEG_LON, 6)
        yield _asset(
            f"CM{index + 1:04d}",
            "community",
            (plan.zh, plan.en),
            organisation=team,
            lat=lat,
            lon=lon,
        )
        yield _asset(
            f"SS{index + 1:04d}",
            "substation",
            (f"{plan.zh}热力站", f"{plan.en} substation"),
            "HS0001",
            team,
            heated_area_m2=plan.area_m2,
            lat=lat,
            lon=lon,
        )
    zones = {"high": ("高区", "high zone"), "low": ("低区", "low zone"), "single": ("", "")}
    emitters = {"radiator": ("散热器", "radiators"), "floor": ("地暖", "floor heating")}
    for index, unit in enumerate(streets.units):
        station = streets.substations[unit.substation]
        zone, emitter = zones[unit.zone], emitters[unit.emitter]
        yield _asset(
            f"UN{index + 1:04d}",
            "unit",
            (
                f"{station.zh}{zone[0]}{emitter[0]}机组",
                f"{station.en} {(zone[1] + ' ') if zone[1] else ''}{emitter[1]} unit",
            ),
            f"SS{unit.substation + 1:04d}",
            f"TM{station.branch + 1:02d}",
            heated_area_m2=unit.area_m2,
            zone=unit.zone,
            emitter=unit.emitter,
            static_head_m=round(unit.static_head_m, 1),
            design_supply_c=unit.supply_c,
            design_return_c=unit.return_c,
            design_load_kw=round(unit.load_kw, 1),
        )


def _buildings(streets: Streets) -> Iterator[Asset]:
    for index, plan in enumerate(streets.buildings):
        station = streets.units[plan.unit].substation
        envelope = "poor" if plan.year < 2000 else "fair" if plan.year < 2010 else "good"
        yield _asset(
            f"BD{index + 1:04d}",
            "building",
            (plan.zh, plan.en),
            f"UN{plan.unit + 1:04d}",
            f"TM{streets.substations[station].branch + 1:02d}",
            use=plan.use,
            area_m2=plan.area_m2,
            year=float(plan.year),
            floors=float(plan.floors),
            envelope=envelope,
            community=f"CM{station + 1:04d}",
        )


def _flats(streets: Streets) -> Iterator[Asset]:
    flats = streets.flats
    doors: dict[tuple[int, int], int] = {}
    collectors = 0
    for index, building in enumerate(flats.building.tolist()):
        floor = int(flats.floor[index])
        door = doors[building, floor] = doors.get((building, floor), 0) + 1
        plan = streets.buildings[building]
        team = f"TM{streets.substations[streets.units[plan.unit].substation].branch + 1:02d}"
        room = f"{floor}{door:02d}"
        yield _asset(
            f"FL{index + 1:05d}",
            "flat",
            (f"{plan.zh}{room}室", f"{plan.en} flat {room}"),
            f"BD{building + 1:04d}",
            team,
            area_m2=float(flats.area_m2[index]),
            floor=float(floor),
            position=POSITIONS[int(flats.position[index])],
            metered=bool(flats.collector[index]),
        )
        if flats.collector[index]:
            collectors += 1
            yield _asset(
                f"RC{collectors:04d}",
                "room_collector",
                (f"{plan.zh}{room}室采集器", f"{plan.en} flat {room} collector"),
                f"FL{index + 1:05d}",
                team,
                height_m=1.3,
                model="NB-T1",
                battery=True,
            )
