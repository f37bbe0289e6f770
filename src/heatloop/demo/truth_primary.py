"""How the primary network and its plants really are, drawn around what was laid and booked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.demo.mains import (
    INNER_M,
    ISOLATION_DP_KPA,
    ROUGHNESS_MM,
    Mains,
    isolation_design_kgs,
)
from heatloop.demo.plans import APPROACH_K, PRIMARY_SUPPLY_C, ZONE_SUPPLY_C, Streets
from heatloop.network.arrays import Floats
from heatloop.network.exchanger import design_conductance_kw_k
from heatloop.network.pump import PumpCurve

KVS_M3H: Floats = np.array([6.3, 10, 16, 25, 40, 63, 100, 160, 250, 400, 630, 1000, 1600])
"""Full flow coefficients of valves on the market."""
PLANT_DP_KPA = 30.0
"""What the boilers and pipes of a heat plant take at design."""
_WRONG_SHARE = 0.02
_BOILER_KG_KW, _CHP_KG_KW = 1.8, 0.6
_WALL_KJ_MK = 72.5
"""Heat capacity of steel wall a metre of pipe and a metre of diameter, 6 mm thick."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PrimaryTruth:
    """The real parameters of mains, sources, isolation and booster stations."""

    length_m: Floats
    """Length of each of the two pipes of a trench, shape (n_trench,)."""
    inner_m: Floats
    """Real inner diameter, shape (n_trench,)."""
    roughness_mm: Floats
    """Of supply and return, shape (2, n_trench)."""
    minor: Floats
    """Sum of loss coefficients of each pipe, shape (n_trench,)."""
    loss_w_mk: Floats
    """Heat loss of supply and return, shape (2, n_trench)."""
    wall_kj_mk: Floats
    """Heat capacity of the wall, shape (n_trench,)."""
    source_pump: PumpCurve
    """Primary circulation pumps, arrays of shape (n_source,)."""
    plant_r: Floats
    """Resistance of each plant, kPa/(kg/s)^2, shape (n_source,)."""
    source_kgs: Floats
    """Design flow of each source, shape (n_source,)."""
    source_dp_kpa: Floats
    """Pressure difference each was designed for, shape (n_source,)."""
    heater_source: NDArray[np.intp]
    """Source of each heater; boilers in code order, then CHP units, shape (n_heater,)."""
    heater_kw: Floats
    """Rating, shape (n_heater,)."""
    heater_kg: Floats
    """Water in each with its header, shape (n_heater,)."""
    n_boiler: int
    """How many of the heaters are boilers."""
    tank_source: NDArray[np.intp]
    """Source of each storage tank, shape (n_tank,)."""
    tank_m3: Floats
    """Volume, shape (n_tank,)."""
    booster_pump: PumpCurve
    """Pumps of booster stations, arrays of shape (n_booster,)."""
    booster_kgs: Floats
    """Design flow, shape (n_booster,)."""
    hot_kgs: Floats
    """Design flow on the hot side of isolation stations, shape (n_isolation,)."""
    cold_kgs: Floats
    """Design flow on their cold side, shape (n_isolation,)."""
    plates_kw_k: Floats
    """Clean UA of their plates, shape (n_isolation,)."""
    plates_fouling: Floats
    """Fouling over clean resistance, shape (n_isolation,)."""
    zone_kvs_m3h: Floats
    """Kvs of the valve on their hot side, shape (n_isolation,)."""
    zone_stroke_s: Floats
    """Stroke time of that valve, shape (n_isolation,)."""
    zone_pump: PumpCurve
    """Circulation pumps of their zones, arrays of shape (n_isolation,)."""
    leak_share: Floats
    """Water lost over design flow, of the main network and of each zone, (1 + n_isolation,)."""


def spread(rng: np.random.Generator, width: float, n: int) -> Floats:
    """Return factors around 1, never further off than `width`."""
    return np.asarray(1.0 + np.clip(rng.normal(0.0, width / 2.0, n), -width, width))


def valve_for(flow_kgs: Floats, dp_kpa: float, share: float) -> Floats:
    """Return the market's kvs that passes a flow at a difference at this share of its opening."""
    wanted = 3.6 * flow_kgs / np.sqrt(dp_kpa / 100.0) / share
    at = np.minimum(np.searchsorted(KVS_M3H, wanted), len(KVS_M3H) - 1)
    return np.asarray(KVS_M3H[at], dtype=np.float64)


def draw_primary(streets: Streets, mains: Mains, rng: np.random.Generator) -> PrimaryTruth:
    """Return the truth of the primary network of these streets."""
    n = len(mains.length_m)
    rough = ROUGHNESS_MM * np.array([spread(rng, 0.3, n), spread(rng, 0.3, n)])
    loss = (0.3 + 0.5 * mains.inner_m) * np.array([spread(rng, 0.25, n), spread(rng, 0.25, n)])
    inner = _real_inner(mains.inner_m, rng)
    friction = (1.14 + 2.0 * np.log10(inner * 1000.0 / ROUGHNESS_MM)) ** -2
    heaters = _heaters(streets)
    hot, cold = isolation_design_kgs(streets)
    n_zone = len(hot)
    n_source, n_booster = len(streets.sources), len(streets.boosters)
    tanks = [k for k, plan in enumerate(streets.sources) if plan.tank_m3 > 0.0]
    # One plant alone is sized for what it needs; of several, any must help out another.
    reserve = 1.1 if n_source == 1 else 1.35
    flow, dp = mains.source_kgs, mains.source_dp_kpa
    return PrimaryTruth(
        length_m=mains.length_m,
        inner_m=inner,
        roughness_mm=rough,
        minor=0.3 * friction * mains.length_m / inner,
        loss_w_mk=loss,
        wall_kj_mk=_WALL_KJ_MK * inner,
        source_pump=PumpCurve.through(
            flow * reserve, (dp + PLANT_DP_KPA) * 1.25, 45.0, np.full(n_source, 0.72)
        ),
        plant_r=PLANT_DP_KPA / flow**2,
        source_kgs=flow,
        source_dp_kpa=dp,
        heater_source=heaters[0],
        heater_kw=heaters[1],
        heater_kg=heaters[2],
        n_boiler=heaters[3],
        tank_source=np.array(tanks, dtype=np.intp),
        tank_m3=np.array([streets.sources[k].tank_m3 for k in tanks]),
        booster_pump=PumpCurve.through(
            mains.booster_kgs, mains.booster_kpa, 40.0, rng.uniform(0.66, 0.74, n_booster)
        ),
        booster_kgs=mains.booster_kgs,
        hot_kgs=hot,
        cold_kgs=cold,
        plates_kw_k=_plates_kw_k(streets),
        plates_fouling=rng.uniform(0.0, 0.1, n_zone),
        zone_kvs_m3h=valve_for(hot, 60.0, 0.457) * spread(rng, 0.15, n_zone),
        zone_stroke_s=rng.uniform(80.0, 120.0, n_zone),
        zone_pump=PumpCurve.through(cold, mains.zone_kpa, 40.0, rng.uniform(0.66, 0.74, n_zone)),
        leak_share=rng.uniform(0.0008, 0.002, 1 + n_zone),
    )


def plates_r(flow_kgs: Floats) -> Floats:
    """Return the resistance of one side of an isolation station's plates, shape (n,)."""
    return np.asarray(ISOLATION_DP_KPA / flow_kgs**2)


def _plates_kw_k(streets: Streets) -> Floats:
    """Return the clean UA of isolation stations' plates, a tenth in reserve, (n_isolation,)."""
    found = [
        design_conductance_kw_k(
            plan.load_kw, (PRIMARY_SUPPLY_C, plan.back_c + APPROACH_K), ZONE_SUPPLY_C, plan.back_c
        )
        for plan in streets.isolations
    ]
    return 1.1 * np.array([float(ua) for ua in found])


def _real_inner(booked: Floats, rng: np.random.Generator) -> Floats:
    """Return diameters of which 2 % are a size off what the books say."""
    at = np.searchsorted(INNER_M, booked)
    wrong = rng.random(len(booked)) < _WRONG_SHARE
    # A size too large more often than too small: nobody lays a pipe that starves a street.
    off = np.where(rng.random(len(booked)) < 0.7, 1, -1) * wrong
    return np.asarray(INNER_M[np.clip(at + off, 0, len(INNER_M) - 1)], dtype=np.float64)


def _heaters(streets: Streets) -> tuple[NDArray[np.intp], Floats, Floats, int]:
    """Return source, rating and water of each heater, and how many are boilers."""
    boilers = [(k, kw) for k, plan in enumerate(streets.sources) for kw in plan.boiler_kw]
    chps = [(k, plan.chp_kw) for k, plan in enumerate(streets.sources) if plan.chp_kw > 0.0]
    both = boilers + chps
    kw = np.array([rating for _, rating in both])
    each = np.array([_BOILER_KG_KW] * len(boilers) + [_CHP_KG_KW] * len(chps))
    return np.array([k for k, _ in both], dtype=np.intp), kw, kw * each, len(boilers)
