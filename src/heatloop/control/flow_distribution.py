"""Primary flow to every station: the valve each one needs so that all get theirs at once.

Reference: closed form of hydraulic balance: one solve with prescribed flows gives the pressure
difference at every station; what its exchanger and piping do not take, its valve must:
kv = m / sqrt(dp).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.pump import opening_for_pct
from heatloop.network.water import CP_KJ_KGK, density_kg_m3


@dataclass(frozen=True, kw_only=True, slots=True)
class Valves:
    """What each station's valve must be, arrays of shape (n_station,)."""

    kv_m3h: Floats
    """Flow at 1 bar and density 1000 kg/m3."""
    opening_pct: Floats
    """Opening of the valve that stands there; 100 where it is too small."""
    short: np.ndarray[tuple[int], np.dtype[np.bool_]]
    """Stations whose valve cannot pass the flow even fully open."""
    spare_kpa: Floats
    """Pressure left for the valve."""


def shares_kgs(demand_kw: Floats, supply_c: Floats, return_c: Floats, total_kgs: float) -> Floats:
    """Return the flow of each station when there is only so much, shape (n_station,).

    Everybody gets what carries its heat; when that is more than there is, all give up the same
    share.

    Args:
        demand_kw: Heat wanted, shape (n_station,).
        supply_c: Temperature arriving, shape (n_station,).
        return_c: Temperature going back, shape (n_station,).
        total_kgs: Flow there is.

    Raises:
        InputError: Water arrives no warmer than it goes back.
    """
    drop = supply_c - return_c
    if (drop[demand_kw > 0.0] <= 0.0).any():
        station = int(np.flatnonzero((demand_kw > 0.0) & (drop <= 0.0))[0])
        raise InputError(
            "water arrives no warmer than it goes back",
            thing=f"station {station}",
            fix="check supply and return temperature",
        )
    wanted = np.where(demand_kw > 0.0, demand_kw / (CP_KJ_KGK * np.maximum(drop, 1e-9)), 0.0)
    return np.asarray(wanted * min(total_kgs / max(float(wanted.sum()), 1e-9), 1.0))


def valves_for(
    flow_kgs: Floats,
    drop_kpa: Floats,
    rest_kpa: Floats,
    kvs_m3h: Floats,
    rangeability: float,
    water_c: float = 60.0,
) -> Valves:
    """Return the valves that let these flows through.

    Args:
        flow_kgs: Flow wanted, shape (n_station,).
        drop_kpa: Pressure difference at each station at these flows, shape (n_station,).
        rest_kpa: What exchanger and piping take of it, shape (n_station,).
        kvs_m3h: Valves that stand there, fully open, shape (n_station,).
        rangeability: Of their equal-percentage characteristic.
        water_c: Temperature of the water in them.
    """
    density = float(density_kg_m3(water_c))
    spare = drop_kpa - rest_kpa
    flow_m3h = flow_kgs * 3600.0 / density
    bar = np.maximum(spare, 1e-6) / 100.0
    kv = flow_m3h * np.sqrt(density / 1000.0 / bar)
    share = np.clip(kv / kvs_m3h, 0.0, 1.0)
    short = ((kv > kvs_m3h) | (spare <= 0.0)) & (flow_kgs > 0.0)
    opening = np.where(flow_kgs > 0.0, opening_for_pct(share, rangeability), 0.0)
    return Valves(
        kv_m3h=kv,
        opening_pct=np.where(short, 100.0, opening),
        short=short,
        spare_kpa=spare,
    )


def isolation_supply_c(need_c: Floats, loss_k: Floats, most_c: float) -> tuple[float, bool]:
    """Return the set-point behind an isolation station, and whether it is enough for all.

    Args:
        need_c: Primary temperature each station behind it needs, shape (n_station,).
        loss_k: What the water loses on its way there, shape (n_station,).
        most_c: Highest the exchanger can give.
    """
    wanted = float((need_c + loss_k).max())
    return min(wanted, most_c), wanted <= most_c


def booster_head_kpa(
    drop_kpa: Floats, least_kpa: float, inlet_kpa: float, least_inlet_kpa: float
) -> tuple[float, bool]:
    """Return the head a booster must add for the stations behind it, and whether it may.

    Args:
        drop_kpa: Pressure difference at each station behind it without the booster, (n_station,).
        least_kpa: What each of them needs.
        inlet_kpa: Pressure at its inlet.
        least_inlet_kpa: Pressure its inlet must keep, against boiling and cavitation.
    """
    head = max(least_kpa - float(drop_kpa.min()), 0.0)
    return head, head <= 0.0 or inlet_kpa >= least_inlet_kpa
