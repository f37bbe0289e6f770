"""How the demo city really is: drawn per seed, never readable by the platform.

Around what the books say: roughness +-30 %, insulation +-25 %, valve kv +-15 %, building
constants +-25 %, 2 % wrong entries, meter bias inside its class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.demo.mains import lay_mains, primary_design_kgs
from heatloop.demo.plans import (
    APPROACH_K,
    DESIGN_OUTDOOR_C,
    DESIGN_ROOM_C,
    FLOOR_HEIGHT_M,
    Streets,
)
from heatloop.demo.truth_primary import PrimaryTruth, draw_primary, spread, valve_for
from heatloop.network.arrays import Floats, summed
from heatloop.network.building import BuildingPlan
from heatloop.network.exchanger import design_conductance_kw_k
from heatloop.network.pump import PumpCurve
from heatloop.network.secondary import SecondaryPlan
from heatloop.network.water import CP_KJ_KGK

DUTY_HZ = 42.0
GAIN_W_M2 = 3.0
_POSITION_LOSS = np.array([1.15, 1.2, 0.9, 1.12])
"""Loss of a corner, top, middle and bottom flat over the building's mean, before levelling."""
_NEAR_MORE = 0.14
"""How much more than its share the nearest house of a unit gets, and the farthest less."""
_RISERS = 4
_RISER_SPREAD = 0.08


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """The real parameters."""

    primary: PrimaryTruth
    """Mains, sources, isolation and booster stations."""
    station: NDArray[np.intp]
    """Substation of each unit, shape (n_unit,)."""
    kvs_m3h: Floats
    """Real kvs of each primary valve, shape (n_unit,)."""
    exchanger_r: Floats
    """Resistance of each exchanger's primary side, shape (n_unit,)."""
    exchanger_kw_k: Floats
    """Clean UA at design flows, shape (n_unit,)."""
    fouling: Floats
    """Fouling over clean resistance, shape (n_unit,)."""
    primary_design_kgs: Floats
    """Shape (n_unit,)."""
    secondary_design_kgs: Floats
    """Shape (n_unit,)."""
    pump: PumpCurve
    """Circulation pumps, arrays of shape (n_unit,)."""
    secondary_r: Floats
    """Resistance of each secondary loop, shape (n_unit,)."""
    stroke_s: Floats
    """Valve stroke time, shape (n_unit,)."""
    leak_share: Floats
    """Water lost over water circulated, shape (n_unit,)."""
    cushion_kpa_m3: Floats
    """Pressure gained a m3 of make-up, shape (n_unit,)."""
    hold_kpa: Floats
    """Return pressure the system was set to, shape (n_unit,)."""
    secondary: SecondaryPlan
    """Secondary loops."""
    building: BuildingPlan
    """Buildings and zones; the first zones are the flats in code order."""
    zone_area_m2: Floats
    """Heated area of each zone, shape (n_zone,)."""


def draw_truth(streets: Streets) -> Truth:
    """Return the truth of these streets, from their own seed."""
    rng = np.random.default_rng((streets.seed, 3))
    n = len(streets.units)
    primary = draw_primary(streets, lay_mains(streets), np.random.default_rng((streets.seed, 5)))
    load = np.array([unit.load_kw for unit in streets.units])
    supply = np.array([unit.supply_c for unit in streets.units])
    back = np.array([unit.return_c for unit in streets.units])
    first = primary_design_kgs(streets)
    second = load / (CP_KJ_KGK * (supply - back))
    kvs = valve_for(first, 60.0, 0.457)
    warm = np.array([streets.substations[unit.substation].primary_c for unit in streets.units])
    ua = np.array(
        [
            design_conductance_kw_k(kw, (w, r + APPROACH_K), s, r)
            for kw, w, s, r in zip(load, warm, supply, back, strict=True)
        ]
    )
    head = rng.uniform(130.0, 170.0, n)
    buildings, zone_area = _draw_buildings(streets, rng)
    return Truth(
        primary=primary,
        station=np.array([unit.substation for unit in streets.units], dtype=np.intp),
        kvs_m3h=kvs * spread(rng, 0.15, n),
        exchanger_r=30.0 / first**2,
        exchanger_kw_k=1.15 * ua,
        fouling=rng.uniform(0.0, 0.15, n),
        primary_design_kgs=first,
        secondary_design_kgs=second,
        pump=PumpCurve.through(second, head, DUTY_HZ, rng.uniform(0.6, 0.72, n)),
        secondary_r=head / second**2 * spread(rng, 0.12, n),
        stroke_s=rng.uniform(70.0, 110.0, n),
        leak_share=rng.uniform(0.0004, 0.0025, n),
        cushion_kpa_m3=rng.uniform(60.0, 110.0, n),
        hold_kpa=np.round(np.array([u.static_head_m for u in streets.units]) * 9.81 + 20.0),
        secondary=_draw_secondary(streets, rng, second, load),
        building=buildings,
        zone_area_m2=zone_area,
    )


def _draw_secondary(
    streets: Streets, rng: np.random.Generator, second: Floats, load: Floats
) -> SecondaryPlan:
    units, plans = streets.units, streets.buildings
    n = len(plans)
    unit = np.array([plan.unit for plan in plans], dtype=np.intp)
    # Emitters were sized, with a reserve, for the house that was built, not for the books.
    real_kw = _real_load_kw(streets)
    weight = np.array([plan.area_m2 * plan.load_w_m2 for plan in plans]) * spread(rng, 0.1, n)
    weight *= _nearness(unit)
    share = weight / np.bincount(unit, weight)[unit]
    mean = np.array([0.5 * (u.supply_c + u.return_c) for u in units])[unit]
    exponent = np.array([u.exponent_b for u in units])[unit]
    sized = 1.24 + np.clip(rng.normal(0.0, 0.025, n), -0.06, 0.06)
    emitter_kw = real_kw * sized / (mean - DESIGN_ROOM_C) ** (1.0 + exponent)
    flow = second[unit] * share
    floor = np.array([u.emitter == "floor" for u in units])[unit]
    area = np.array([plan.area_m2 for plan in plans])
    # Screed above the floor pipes takes part with some 30 kJ/(m2 K); radiators are mostly water.
    capacity = np.where(floor, 30.0 * area, 480.0 * flow * CP_KJ_KGK)
    return SecondaryPlan(
        unit=unit,
        main_kg=150.0 * second,
        main_loss_kw_k=0.008 * load / 45.0 * spread(rng, 0.25, len(units)),
        branch_kg=60.0 * flow,
        emitter_kj_k=capacity * spread(rng, 0.2, n),
        emitter_kw=emitter_kw,
        exponent=exponent,
        flow_share=share,
    )


def _nearness(group: NDArray[np.intp]) -> Floats:
    """Return what the way from the pump does to flows: the nearer of a group, the more.

    Args:
        group: Group of each member in the order of distance, sorted, shape (n,).
    """
    count = np.bincount(group)
    rank = np.arange(len(group)) - (np.cumsum(count) - count)[group]
    place = rank / np.maximum(count[group] - 1, 1)
    return np.asarray(1.0 + _NEAR_MORE * (1.0 - 2.0 * place))


def _real_load_kw(streets: Streets) -> Floats:
    """Return each building's real design load: the books' load, +-25 %, 2 % of areas wrong."""
    rng = np.random.default_rng((streets.seed, 4))
    n = len(streets.buildings)
    booked = np.array([plan.area_m2 * plan.load_w_m2 for plan in streets.buildings]) / 1000.0
    wrong = rng.random(n) < 0.02
    return np.asarray(
        booked * spread(rng, 0.25, n) * np.where(wrong, rng.uniform(0.85, 1.2, n), 1.0)
    )


def _draw_buildings(streets: Streets, rng: np.random.Generator) -> tuple[BuildingPlan, Floats]:
    plans, flats = streets.buildings, streets.flats
    n = len(plans)
    # Houses without flats in the books are divided into zones of about 400 m2.
    booked = set(flats.building.tolist())
    extra = [
        (index, plan.area_m2 / max(int(plan.area_m2 // 400), 1))
        for index, plan in enumerate(plans)
        if index not in booked
        for _ in range(max(int(plan.area_m2 // 400), 1))
    ]
    building = np.concatenate(
        [flats.building, np.array([b for b, _ in extra], dtype=np.intp)]
    ).astype(np.intp)
    area = np.concatenate([flats.area_m2, np.array([a for _, a in extra])])
    m = len(building)
    place = np.concatenate([_POSITION_LOSS[flats.position], np.ones(len(extra))])
    # Tall houses stand in more wind.
    loss = place * np.exp(rng.normal(0.0, 0.04, m))
    part = area * loss
    part /= summed(building, part, n)[building]
    # Installers gave corner flats larger radiators, but not quite large enough.
    heat = area * loss**0.85 * np.exp(rng.normal(0.0, 0.025, m))
    heat *= _riser_share(streets, m)
    heat /= summed(building, heat, n)[building]
    size = np.array([plan.area_m2 for plan in plans])
    total = (_real_load_kw(streets) + GAIN_W_M2 * size / 1000.0) / (
        DESIGN_ROOM_C - DESIGN_OUTDOOR_C
    )
    direct = total * 0.42 * spread(rng, 0.25, n)
    walls = total - direct
    people = np.where(rng.random(m) < 0.06, 0.4, 3.4) * np.exp(rng.normal(0.0, 0.3, m))
    floor = np.array([streets.units[plan.unit].emitter == "floor" for plan in plans])
    height = np.array([plan.floors * FLOOR_HEIGHT_M for plan in plans])
    plan = BuildingPlan(
        building=building,
        air_kj_k=area * (72.0 + 70.0 * floor[building]),
        # The design loss holds at some 3 m/s of wind.
        out_kw_k=direct[building] * part / (1.0 + 3.0 * 0.02),
        wall_kw_k=3.0 * walls[building] * part,
        heat_share=heat,
        gain_kw=area * people / 1000.0,
        sun_m2=area * rng.uniform(0.006, 0.022, m),
        envelope_kj_k=size * 288.0 * spread(rng, 0.25, n),
        envelope_kw_k=1.5 * walls,
        envelope_sun_m2=0.01 * size,
        wind_per_ms=0.012 + 0.0003 * height,
    )
    return plan, area


def _riser_share(streets: Streets, n_zone: int) -> Floats:
    """Return the share of the mean heat that each zone's riser gives: risers are unbalanced.

    Doors of a floor hang on four risers, the first of them nearest to the inlet.
    """
    flats = streets.flats
    floor = flats.building * 100 + flats.floor
    first = np.concatenate([[True], floor[1:] != floor[:-1]]) if len(floor) else np.empty(0, bool)
    number = np.arange(len(floor))
    door = number - np.maximum.accumulate(np.where(first, number, 0))
    doors = np.bincount(floor)[floor] if len(floor) else np.empty(0)
    riser = np.minimum(door * _RISERS // np.maximum(doors, 1), _RISERS - 1)
    drawn = np.random.default_rng((streets.seed, 10)).normal(
        0.0, _RISER_SPREAD / 3.0, (len(streets.buildings), _RISERS)
    )
    lean = _RISER_SPREAD * (0.5 - np.arange(_RISERS) / (_RISERS - 1))
    share = np.ones(n_zone)
    share[: len(floor)] = (1.0 + lean[None, :] + drawn)[flats.building, riser.astype(np.intp)]
    return share
