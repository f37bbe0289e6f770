"""The demo city's ledger: the streets written down as assets, devices and gateways."""

from __future__ import annotations

from collections.abc import Iterator

from heatloop.demo.equipment import house_offset_m, unit_equipment
from heatloop.demo.gateways import code, gateways_of
from heatloop.demo.ledger_devices import devices_of
from heatloop.demo.ledger_pipes import pipes_of
from heatloop.demo.ledger_plants import make_asset, plants_of
from heatloop.demo.places import lat_lon
from heatloop.demo.plans import POSITIONS, Streets
from heatloop.demo.streets import draw_streets
from heatloop.plant.model import Asset, Device, Gateway

BASE_PORT = 15020
_BRANCHES = (("东城分公司", "East branch"), ("西城分公司", "West branch"))
_TEAMS = (("东城运行班", "East operation team"), ("西城运行班", "West operation team"))

Rows = tuple[list[Asset], list[Device], list[Gateway]]


def demo_ledger(size: str = "small", seed: int = 1, base_port: int = BASE_PORT) -> Rows:
    """Return the assets, devices and gateways of a demo city.

    Args:
        size: A name of `sizes.SIZES`.
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
        *plants_of(streets),
        *_stations(streets),
        *pipes_of(streets),
        *_buildings(streets),
        *_flats(streets),
    ]
    return assets, list(devices_of(streets, base_port)), list(_gateways(streets))


def _gateways(streets: Streets) -> Iterator[Gateway]:
    branches = gateways_of(streets).branch
    for number, branch in enumerate(branches):
        several = branches.count(branch) > 1
        rank = number - branches.index(branch) + 1
        zh, en = (f"{rank}号", f" {rank}") if several else ("", "")
        yield Gateway(
            code=code(number),
            zh=f"{_BRANCHES[branch][0]}{zh}采集网关",
            en=f"{_BRANCHES[branch][1]} gateway{en}",
            kind="station",
            channel=("fibre", "4g")[branch],
            monthly_cost_yuan=(120.0, 45.0)[branch],
            capacity_kbps=(2000.0, 512.0)[branch],
            spare_channel=("4g", "nb_iot")[branch],
            spare_monthly_cost_yuan=(30.0, 10.0)[branch],
            spare_capacity_kbps=(512.0, 60.0)[branch],
            organisation=f"BR{branch + 1:02d}",
        )


def _organisation() -> Iterator[Asset]:
    yield make_asset("CO01", "company", ("示范热力公司", "Demo Heat Company"))
    for index, names in enumerate(_BRANCHES):
        yield make_asset(f"BR{index + 1:02d}", "branch", names, "CO01")
    for index, names in enumerate(_TEAMS):
        yield make_asset(f"TM{index + 1:02d}", "team", names, f"BR{index + 1:02d}")


def _stations(streets: Streets) -> Iterator[Asset]:
    for index, plan in enumerate(streets.substations):
        team = f"TM{plan.branch + 1:02d}"
        lat, lon = lat_lon(plan.east_m, plan.north_m)
        yield make_asset(
            f"CM{index + 1:04d}",
            "community",
            (plan.zh, plan.en),
            organisation=team,
            lat=lat,
            lon=lon,
        )
        yield make_asset(
            f"SS{index + 1:04d}",
            "substation",
            (f"{plan.zh}热力站", f"{plan.en} substation"),
            plan.fed_by,
            team,
            heated_area_m2=plan.area_m2,
            lat=lat,
            lon=lon,
        )
    zones = {"high": ("高区", "high zone"), "low": ("低区", "low zone"), "single": ("", "")}
    emitters = {"radiator": ("散热器", "radiators"), "floor": ("地暖", "floor heating")}
    equipment = unit_equipment(streets)
    for index, unit in enumerate(streets.units):
        station = streets.substations[unit.substation]
        zone, emitter = zones[unit.zone], emitters[unit.emitter]
        yield make_asset(
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
            **equipment[index],
        )


def _buildings(streets: Streets) -> Iterator[Asset]:
    standing = [0] * len(streets.substations)
    for index, plan in enumerate(streets.buildings):
        station = streets.units[plan.unit].substation
        here = streets.substations[station]
        east_m, north_m = house_offset_m(standing[station])
        standing[station] += 1
        lat, lon = lat_lon(here.east_m + east_m, here.north_m + north_m)
        envelope = "poor" if plan.year < 2000 else "fair" if plan.year < 2010 else "good"
        yield make_asset(
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
            heat_index_w_m2=round(plan.load_w_m2, 1),
            community=f"CM{station + 1:04d}",
            lat=lat,
            lon=lon,
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
        yield make_asset(
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
            yield make_asset(
                f"RC{collectors:04d}",
                "room_collector",
                (f"{plan.zh}{room}室采集器", f"{plan.en} flat {room} collector"),
                f"FL{index + 1:05d}",
                team,
                height_m=1.3,
                model="NB-T1",
                battery=True,
            )
