"""What each station took and used: heat, electricity by its tariff, make-up water."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from heatloop.app.dispatch import Dispatch
from heatloop.app.dispatch_figures import COMPANY, ELECTRICITY, Figures
from heatloop.app.dispatch_spent import Spending
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kpi.heating_cost import StationUse
from heatloop.store.historian.port import HOUR_S

Floats = NDArray[np.float64]


async def station_uses(
    world: World,
    dispatch: Dispatch,
    spending: Spending,
    figures: Figures,
    zone: ZoneInfo,
    start: int,
    end: int,
) -> list[StationUse]:
    """Return what each station took and used from one full hour to another.

    Args:
        world: The ledger in force.
        dispatch: Whose networks.
        spending: Gives measured means.
        figures: Prices.
        zone: Time zone of tariffs.
        start: Epoch seconds.
        end: Epoch seconds.
    """
    networks = {u: n.code for n in dispatch.networks() for u in n.units}
    layout, points = world.layout, []
    for code, station in layout.stations.items():
        own = f"{code}.primary_heat_power"
        points.append((own,))
        points.append((f"{code}.station_power_total",))
        points += [(f"{u.asset.code}.secondary_heat_power",) for u in station.units]
        points += [(f"{u.asset.code}.makeup_flow",) for u in station.units]
    rows = iter(await spending.steps(points, start, end, HOUR_S))
    hours = [utc(start + HOUR_S * n).astimezone(zone).hour for n in range(
        (end - start) // HOUR_S)]  # fmt: skip
    buy = np.array([figures.of(ELECTRICITY, f"buy_{hour:02d}") for hour in hours])
    price = figures.of(COMPANY, "water_yuan_m3")
    found = []
    for code, station in layout.stations.items():
        primary, counter = next(rows), next(rows)
        heat = [next(rows) for _ in station.units]
        water = [next(rows) for _ in station.units]
        below = np.sum(heat, axis=0) if heat else np.zeros(len(buy))
        taken = primary if np.isfinite(primary).any() else below
        found.append(
            StationUse(
                code=code,
                network=next((networks[u.asset.code] for u in station.units
                              if u.asset.code in networks), ""),
                area_m2=station.area_m2,
                heat_kwh=float(np.nan_to_num(taken).sum()),
                power_yuan=float(_counted(counter) @ buy),
                water_yuan=float(sum(np.nan_to_num(w).sum() for w in water)) * price,
            )
        )  # fmt: skip
    return found


def _counted(column: Floats) -> Floats:
    """Return what a counter counted in each hour, from the means of its hours, shape (n,)."""
    known = np.flatnonzero(np.isfinite(column))
    if len(known) < 2:
        return np.zeros(len(column))
    hours = np.arange(len(column))
    line = np.interp(hours, known, np.maximum.accumulate(column[known]))
    rise = np.diff(line)
    # The mean of an hour stands for its middle: half of a rise lies in each of two hours.
    edges = np.concatenate([rise[:1], rise, rise[-1:]])
    return np.asarray(0.5 * (edges[:-1] + edges[1:]))
