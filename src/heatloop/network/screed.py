"""Heated floors as stores: water heats screed, screed heats rooms hours later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.emitter import FLOOR_B, FLOOR_KW_M2
from heatloop.network.water import CP_KJ_KGK

SCREED_KJ_M2K = 115.0
"""Of 60 mm of cement screed, 2,000 kg/m3 at 0.96 kJ/(kg K)."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FloorPlan:
    """Heated floors."""

    area_m2: Floats
    """Heated floor, shape (n,)."""
    capacity_kj_k: Floats
    """Heat capacity of the screed, shape (n,)."""
    pipe_kw_k: Floats
    """From the water all along the pipe to the screed, shape (n,)."""
    cover_w_m2k: Floats
    """From screed to surface, shape (n,)."""

    @classmethod
    def of_area(cls, area_m2: Floats) -> FloorPlan:
        """Return usual floors: 16 mm pipe every 150 mm in screed, covered with tiles."""
        return cls(
            area_m2=area_m2,
            capacity_kj_k=SCREED_KJ_M2K * area_m2,
            pipe_kw_k=0.022 * area_m2,
            cover_w_m2k=np.full(len(area_m2), 30.0),
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FloorFlux:
    """What passed in a step."""

    outlet_c: Floats
    """Temperature at which the water leaves, shape (n,)."""
    water_kw: Floats
    """From the water, shape (n,)."""
    room_kw: Floats
    """To the room, shape (n,)."""


def step_floors(
    plan: FloorPlan,
    screed_c: Floats,
    *,
    supply_c: Floats,
    flow_kgs: Floats,
    room_c: Floats,
    dt_s: float,
) -> tuple[Floats, FloorFlux]:
    """Return the screed after a step, and what passed; shape (n,) each.

    Args:
        plan: The floors.
        screed_c: Temperature of the screed before, shape (n,).
        supply_c: Water inlet, shape (n,).
        flow_kgs: Water, shape (n,); 0 is allowed.
        room_c: Room, shape (n,).
        dt_s: Step.

    Reference: water against an even temperature, effectiveness 1 - exp(-NTU), VDI Heat Atlas C1;
    floor surface EN 1264-2.
    """
    stream = flow_kgs * CP_KJ_KGK
    ntu = plan.pipe_kw_k / np.maximum(stream, 1e-12)
    into = stream * -np.expm1(-np.minimum(ntu, 700.0))
    out = _surface_kw_k(plan, screed_c - room_c)
    held = plan.capacity_kj_k / dt_s
    # Implicit in the temperatures; the surface film keeps its value of the step's start.
    new = (held * screed_c + into * supply_c + out * room_c) / (held + into + out)
    water = into * (supply_c - new)
    outlet = np.where(stream > 0.0, supply_c - water / np.maximum(stream, 1e-12), new)
    return new, FloorFlux(outlet_c=outlet, water_kw=water, room_kw=out * (new - room_c))


def _surface_kw_k(plan: FloorPlan, rise_k: Floats) -> Floats:
    """Return the conductance from screed to room at this difference: cover and film in series."""
    rise = np.maximum(np.abs(rise_k), 0.5)
    cover = plan.cover_w_m2k / 1000.0
    # The film depends on the surface it feeds: a few rounds settle it, the exponent being 0.1.
    film = FLOOR_KW_M2 * rise**FLOOR_B
    for _ in range(6):
        film = FLOOR_KW_M2 * (rise * cover / (cover + film)) ** FLOOR_B
    return np.asarray(plan.area_m2 * cover * film / (cover + film))
