"""How the demo city really is: drawn per seed, never readable by the platform.

Around what the books say: roughness +-30 %, insulation +-25 %, valve kv +-15 %, building
constants +-25 %, 2 % wrong entries, meter bias inside its class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.demo.mains import (
    APPROACH_K,
    PRIMARY_SUPPLY_C,
    ROUGHNESS_MM,
    lay_mains,
    primary_design_kgs,
)
from heatloop.demo.plans import DESIGN_OUTDOOR_C, DESIGN_ROOM_C, FLOOR_HEIGHT_M, Streets
from heatloop.network.arrays import Floats, summed
from heatloop.network.building import BuildingPlan
from heatloop.network.exchanger import design_conductance_kw_k
from heatloop.network.hydraulics import pipe_resistance_kpa_kgs2
from heatloop.network.pump import PumpCurve
from heatloop.network.secondary import SecondaryPlan
from heatloop.network.water import CP_KJ_KGK

DUTY_HZ = 42.0
SOURCE_DP_KPA = 350.0
GAIN_W_M2 = 3.0
_KVS_M3H = np.array([6.3, 10, 16, 25, 40, 63, 100, 160, 250, 400])
_POSITION_LOSS = np.array([1.15, 1.2, 0.9, 1.12])
"""Loss of a corner, top, middle and bottom flat over the building's mean, before levelling."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """The real parameters."""

    mains_parent: tuple[int, ...]
    """Tree of primary pipe pairs, see `mains`."""
    mains_r: Floats
    """Resistance of each pipe pair, kPa/(kg/s)^2, shape (n_node,)."""
    mains_supply_share: Floats
    """Part of it that lies in the supply pipe, shape (n_node,)."""
    mains_kg: Floats
    """Water in each supply pipe, shape (n_node,)."""
    mains_loss_kw_k: Floats
    """Heat loss of each pipe, shape (n_node,)."""
    source_pump: PumpCurve
    """Primary circulation pump, arrays of shape (1,)."""
    boiler_kw: float
    """Rating of one of the two boilers."""
    boiler_kg: float
    """Water in one boiler and its header."""
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


def _spread(rng: np.random.Generator, width: float, n: int) -> Floats:
    """Return factors around 1, never further off than `width`."""
    return np.asarray(1.0 + np.clip(rng.normal(0.0, width / 2.0, n), -width, width))


def draw_truth(streets: Streets) -> Truth:
    """Return the truth of these streets, from their own seed."""
    rng = np.random.default_rng((streets.seed, 3))
    n = len(streets.units)
    mains = lay_mains(streets)
    n_pipe = len(mains.parent)
    rough = ROUGHNESS_MM * _spread(rng, 0.3, n_pipe)
    one_way = pipe_resistance_kpa_kgs2(mains.length_m, mains.inner_m, rough)
    supply_share = 0.5 * _spread(rng, 0.06, n_pipe)
    area = np.pi * mains.inner_m**2 / 4.0
    load = np.array([unit.load_kw for unit in streets.units])
    supply = np.array([unit.supply_c for unit in streets.units])
    back = np.array([unit.return_c for unit in streets.units])
    first = primary_design_kgs(streets)
    second = load / (CP_KJ_KGK * (supply - back))
    wanted = 3.6 * first / np.sqrt(0.6) / 0.457
    kvs = _KVS_M3H[np.minimum(np.searchsorted(_KVS_M3H, wanted), len(_KVS_M3H) - 1)]
    ua = np.array(
        [
            design_conductance_kw_k(kw, (PRIMARY_SUPPLY_C, r + APPROACH_K), s, r)
            for kw, s, r in zip(load, supply, back, strict=True)
        ]
    )
    head = rng.uniform(130.0, 170.0, n)
    total = np.array([float(first.sum())])
    kw = sum(load)
    buildings, zone_area = _draw_buildings(streets, rng)
    return Truth(
        mains_parent=mains.parent,
        mains_r=2.0 * one_way,
        mains_supply_share=supply_share,
        mains_kg=area * mains.length_m * 975.0,
        mains_loss_kw_k=4.0e-4 * mains.length_m * _spread(rng, 0.25, n_pipe),
        source_pump=PumpCurve.through(
            total * 1.1, np.array([SOURCE_DP_KPA * 1.25]), 45.0, np.array([0.72])
        ),
        boiler_kw=700.0 * -(-kw * 1.1 // 2 // 700.0),
        boiler_kg=30_000.0 * max(kw / 30_000.0, 0.05),
        station=np.array([unit.substation for unit in streets.units], dtype=np.intp),
        kvs_m3h=kvs * _spread(rng, 0.15, n),
        exchanger_r=30.0 / first**2,
        exchanger_kw_k=1.15 * ua,
        fouling=rng.uniform(0.0, 0.15, n),
        primary_design_kgs=first,
        secondary_design_kgs=second,
        pump=PumpCurve.through(second, head, DUTY_HZ, rng.uniform(0.6, 0.72, n)),
        secondary_r=head / second**2 * _spread(rng, 0.12, n),
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
    weight = np.array([plan.area_m2 * plan.load_w_m2 for plan in plans]) * _spread(rng, 0.1, n)
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
        main_loss_kw_k=0.008 * load / 45.0 * _spread(rng, 0.25, len(units)),
        branch_kg=60.0 * flow,
        emitter_kj_k=capacity * _spread(rng, 0.2, n),
        emitter_kw=emitter_kw,
        exponent=exponent,
        flow_share=share,
    )


def _real_load_kw(streets: Streets) -> Floats:
    """Return each building's real design load: the books' load, +-25 %, 2 % of areas wrong."""
    rng = np.random.default_rng((streets.seed, 4))
    n = len(streets.buildings)
    booked = np.array([plan.area_m2 * plan.load_w_m2 for plan in streets.buildings]) / 1000.0
    wrong = rng.random(n) < 0.02
    return np.asarray(
        booked * _spread(rng, 0.25, n) * np.where(wrong, rng.uniform(0.85, 1.2, n), 1.0)
    )


def _draw_buildings(streets: Streets, rng: np.random.Generator) -> tuple[BuildingPlan, Floats]:
    plans, flats = streets.buildings, streets.flats
    n = len(plans)
    # Houses that are no dwellings are divided into zones of about 400 m2.
    extra = [
        (index, plan.area_m2 / max(int(plan.area_m2 // 400), 1))
        for index, plan in enumerate(plans)
        if plan.use != "dwelling"
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
    heat /= summed(building, heat, n)[building]
    size = np.array([plan.area_m2 for plan in plans])
    total = (_real_load_kw(streets) + GAIN_W_M2 * size / 1000.0) / (
        DESIGN_ROOM_C - DESIGN_OUTDOOR_C
    )
    direct = total * 0.42 * _spread(rng, 0.25, n)
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
        envelope_kj_k=size * 288.0 * _spread(rng, 0.25, n),
        envelope_kw_k=1.5 * walls,
        envelope_sun_m2=0.01 * size,
        wind_per_ms=0.012 + 0.0003 * height,
    )
    return plan, area
