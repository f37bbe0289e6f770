"""A made-up unit that heats a made-up house by its curve, for tests of learning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from heatloop.control.learning.cycle import learn_night
from heatloop.control.learning.history import UnitHistory
from heatloop.control.learning.night import Action, Night, Standing
from heatloop.control.learning.registry import advance, first_standing
from heatloop.control.learning.unit import first_model
from heatloop.control.unit_model import UnitModel, model_from_design
from heatloop.network.water import CP_KJ_KGK
from heatloop.station.curve import CurveDesign, supply_c

DAY_S = 86400.0
START_S = 1_767_571_200.0 // DAY_S * DAY_S + DAY_S - 8.0 * 3600.0
DESIGN = CurveDesign(supply_c=75.0, return_c=50.0, room_c=18.0, outdoor_c=-20.0)
BOOKED_KW, AREA_M2 = 1000.0, 20_000.0
STEP_S = 1800.0


def true_model(factor: float = 1.0) -> UnitModel:
    """The house as it is, its losses multiplied by a factor."""
    start = model_from_design(DESIGN, BOOKED_KW)
    return replace(
        start,
        wall_out_kw_k=factor * start.wall_out_kw_k,
        room_wall_kw_k=factor * start.room_wall_kw_k,
        room_out_kw_k=factor * start.room_out_kw_k,
        gain_kw=3.4e-3 * AREA_M2,
        sun_m2=150.0,
        lag_s=0.0,
    )


def past(days: float, *, changed: float = 1e9, factor: float = 1.15, sensors: int = 4,
         seed: int = 1) -> UnitHistory:  # fmt: skip
    """The unit's meters over some days; its losses grow at day `changed`."""
    rng = np.random.default_rng(seed)
    n = round(days * DAY_S / STEP_S)
    hour = np.arange(n) * STEP_S / 3600.0
    slow = sum(a * np.sin(2 * np.pi * hour / 24 / p + q) for a, p, q in
               ((2.5, 3.7, 1.0), (2.5, 5.9, 2.0), (2.0, 2.3, 0.3)))  # fmt: skip
    out = -9.0 + slow + 3.0 * np.cos(2 * np.pi * (hour - 14.5) / 24)
    clear = np.repeat(rng.uniform(0.2, 1.0, int(days) + 2), 48)[:n]
    sun = (
        0.35
        * clear
        * np.maximum(np.sin(2 * np.pi * (hour - 7) / 22), 0.0)
        * ((hour % 24 > 7) & (hour % 24 < 18))
    )
    state = np.array([20.5, 12.0])
    room, heat, supply = np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        house = true_model(factor if hour[i] / 24.0 >= changed else 1.0)
        a, br, bw = house.transition(STEP_S)
        supply[i] = supply_c(DESIGN, float(out[i]), 2.0)
        heat[i] = float(house.heat_kw(supply[i], state[0]))
        load = heat[i] + house.gain_kw + house.sun_m2 * sun[i] + house.room_out_kw_k * out[i]
        room[i] = state[0]
        state = a @ state + br * load + bw * (house.wall_out_kw_k * out[i])
    levels = rng.normal(0.0, 0.5, sensors)
    shown = room[:, None] + levels + rng.normal(0.0, 0.05, (n, sensors))
    flow = true_model().flow_kgs
    return UnitHistory(
        unit="UN0001",
        start_s=START_S,
        step_s=STEP_S,
        heat_kw=heat * (1.0 + rng.normal(0.0, 0.005, n)),
        outdoor_c=out + rng.normal(0.0, 0.1, n),
        sun_kw_m2=sun,
        supply_c=supply,
        return_c=supply - heat / (CP_KJ_KGK * flow),
        flow_kgs=np.full(n, flow),
        sensors_c=np.round(shown, 1),
        sensors=tuple(f"RC{i + 1:04d}" for i in range(sensors)),
    )


def begun(history: UnitHistory) -> Standing:
    """The standing a unit starts from after three days."""
    start = history.part(START_S, START_S + 3 * DAY_S)
    return first_standing(first_model(start, DESIGN, BOOKED_KW, AREA_M2), START_S)


def nights(
    history: UnitHistory, first: int, last: int, standing: Standing | None = None
) -> tuple[Standing, list[tuple[int, Night]]]:
    """All nights from one day to another."""
    standing = standing or begun(history)
    number = standing.champion.number + 1
    found = []
    for day in range(first, last + 1):
        end_s = history.start_s + day * DAY_S
        part = history.part(end_s - 42 * DAY_S, end_s)
        night = learn_night(
            part, standing, design=DESIGN, design_heat_kw=BOOKED_KW, area_m2=AREA_M2
        )
        standing, made, _ = advance(standing, night, part, number)
        number += made is not None
        found.append((day, night))
    return standing, found


def promotions(found: list[tuple[int, Night]]) -> list[int]:
    """The days on which a challenger became champion."""
    return [day for day, night in found if night.action is Action.PROMOTE]
