"""A town whose two stations heat several buildings, and a day of readings at their inlets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from heatloop.app.history import AsyncHistorian
from heatloop.app.world import World
from heatloop.kernel.series import Columns
from heatloop.plant.build import build_ledger
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset, Device
from tests.unit.app_town import assets, devices, gateways

STEP_S = 600
DAY_S = 86400
HOUSES = {"UN0001": ("BD0001", "BD0003", "BD0004", "BD0005"), "UN0002": ("BD0002", "BD0006")}
_FLOW_M3H = {"BD0001": 12.0, "BD0003": 10.0, "BD0004": 10.0, "BD0005": 8.0}


def houses_ledger(*without: str) -> Ledger:
    """Return the ledger of the town with more buildings and a concentrator at each station.

    Args:
        without: Buildings left out.
    """
    found = assets()
    found = [each for each in found if each.code not in without]
    for unit, codes in HOUSES.items():
        found += [
            Asset(
                code=code,
                kind="building",
                zh=f"楼{code}",
                en=f"house {code}",
                parent=unit,
                organisation="",
                attributes={
                    "area_m2": 10_000.0,
                    "use": "dwelling",
                    "year": 2004.0,
                    "floors": 6.0,
                    "envelope": "fair",
                },
            )
            for code in codes[1:]
            if code not in without
        ]
    meters = [
        Device(
            code=f"DV002{n}",
            asset=f"SS000{n}",
            gateway=f"GW000{n}",
            profile="building_meter_concentrator",
            protocol="modbus_tcp",
            port=15100 + n,
        )
        for n in (1, 2)
    ]
    own = [each for each in devices() if each.asset not in without]
    return build_ledger(found, [*own, *meters], gateways(), version=2, keys={})


def readings(unit: str) -> dict[str, float]:
    """Return what a unit and its inlets show all day; the first house gets most."""
    found = {
        f"{unit}.secondary_supply_temperature": 55.0,
        f"{unit}.secondary_return_temperature": 45.0,
        f"{unit}.secondary_flow": 42.0,
    }
    for code in HOUSES[unit]:
        found |= {
            f"{code}.building_supply_temperature": 55.0,
            f"{code}.building_return_temperature": 35.0 + _FLOW_M3H.get(code, 10.0),
            f"{code}.building_flow": _FLOW_M3H.get(code, 10.0),
            f"{code}.building_valve_opening": 60.0,
        }
    return found


async def tell_day(
    world: World,
    historian: AsyncHistorian,
    values: Mapping[str, float],
    *,
    hours: tuple[int, int] = (-24, 0),
    quality: int = 0,
) -> None:
    """Keep readings of some hours before now."""
    now_s = int(world.now_s()) // 3600 * 3600
    slots = np.arange(now_s + hours[0] * 3600, now_s + hours[1] * 3600, STEP_S)
    points = world.ledger.points
    keys = np.repeat([points[code].key for code in values], len(slots))
    await historian.append(
        Columns(
            keys=keys.astype(np.uint32),
            slots=np.tile(slots, len(values)).astype(np.uint32),
            values=np.repeat(list(values.values()), len(slots)),
            quality=np.full(len(keys), quality, np.uint8),
        )
    )
