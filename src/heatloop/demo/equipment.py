"""What the books say about each unit's exchanger, valve and pumps, and where its houses stand."""

from __future__ import annotations

import math

import numpy as np

from heatloop.demo.mains import primary_design_kgs
from heatloop.demo.plans import APPROACH_K, Streets
from heatloop.demo.truth import DUTY_HZ
from heatloop.demo.truth_primary import valve_for
from heatloop.network.exchanger import design_conductance_kw_k
from heatloop.network.water import CP_KJ_KGK

_EXCHANGER_RESERVE = 1.12
_DUTY_HEAD_M = 15.3
_RATED_HZ = 50.0
_GOLDEN_RAD = math.pi * (3.0 - math.sqrt(5.0))


def unit_equipment(streets: Streets) -> list[dict[str, float]]:
    """Return the attributes of each unit's equipment, as delivered for its design load."""
    load = np.array([unit.load_kw for unit in streets.units])
    supply = np.array([unit.supply_c for unit in streets.units])
    back = np.array([unit.return_c for unit in streets.units])
    kvs = valve_for(primary_design_kgs(streets), 60.0, 0.457)
    speed = _RATED_HZ / DUTY_HZ
    flow_m3h = load / (CP_KJ_KGK * (supply - back)) * 3.6 * speed
    found = []
    for index, unit in enumerate(streets.units):
        warm = streets.substations[unit.substation].primary_c
        ends = (warm, unit.return_c + APPROACH_K)
        ua = design_conductance_kw_k(unit.load_kw, ends, unit.supply_c, unit.return_c)
        found.append(
            {
                "hx_ua_kw_k": round(_EXCHANGER_RESERVE * float(ua), 1),
                "valve_kvs_m3h": float(kvs[index]),
                "valve_stroke_s": 90.0,
                "pump_rated_flow_m3h": round(float(flow_m3h[index]), 1),
                "pump_rated_head_m": round(_DUTY_HEAD_M * speed**2, 1),
                "pump_count": 2.0,
            }
        )
    return found


def house_offset_m(number: int) -> tuple[float, float]:
    """Return how far east and north of its substation a house stands; they spiral outwards."""
    radius_m, angle = 45.0 * math.sqrt(number + 1.0), number * _GOLDEN_RAD
    return radius_m * math.cos(angle), radius_m * math.sin(angle)
