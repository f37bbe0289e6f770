"""A unit with three houses of eight flats, as the network room moves it, for tests of control."""

from __future__ import annotations

import numpy as np

from heatloop.control.unit_model import UnitModel
from heatloop.network.arrays import Floats
from heatloop.network.building import BuildingPlan, BuildingState, emitter_room_c, step_buildings
from heatloop.network.secondary import SecondaryPlan, SecondaryState, step_secondary
from heatloop.network.water import CP_KJ_KGK

LOAD_KW, HOUSES, FLATS = 400.0, 3, 24
UA = LOAD_KW / 27.0
FLOW_KGS = LOAD_KW / (CP_KJ_KGK * 25.0)
STEP_S = 900.0
_INNER_S = 150.0


def believed_model(loss: float = 1.0) -> UnitModel:
    """Return what control believes of the unit: near, not true.

    Args:
        loss: Straight loss over what was believed rightly.
    """
    return UnitModel(
        capacity_kj_k=(UA * 8 * 3600 * 1.2, UA * 70 * 3600 * 0.8),
        room_wall_kw_k=1.8 * UA,
        wall_out_kw_k=0.68 * UA,
        room_out_kw_k=0.47 * UA * loss,
        gain_kw=0.06 * LOAD_KW,
        sun_m2=6.4 * UA,
        design_heat_kw=1.2 * LOAD_KW,
        design_mean_over_room_k=44.5,
        exponent=0.3,
        flow_kgs=FLOW_KGS,
        lag_s=1200.0,
    )


def outdoor_c(t_s: Floats | float) -> Floats:
    """Return a cold week's temperature."""
    hour = np.asarray(t_s) / 3600.0
    return np.asarray(-3.0 + 4.0 * np.sin((hour - 9.0) / 12.0 * np.pi) + 2.0 * np.sin(hour / 15.0))


def sun_kw_m2(t_s: Floats | float) -> Floats:
    """Return its sun."""
    hour = np.asarray(t_s) / 3600.0 % 24.0
    up = (hour > 7.0) & (hour < 17.0)
    return np.asarray(np.where(up, 0.35 * np.sin((hour - 7.0) / 10.0 * np.pi), 0.0))


class UnitPlant:
    """The unit; its exchanger gives whatever supply temperature is asked for."""

    def __init__(self, room_c: float = 19.0) -> None:
        rng = np.random.default_rng(1)
        house = np.repeat(np.arange(HOUSES), FLATS // HOUSES)
        loss = UA / FLATS * np.exp(rng.normal(0.0, 0.06, FLATS))
        self.flats = BuildingPlan(
            building=house,
            air_kj_k=loss * 8 * 3600,
            out_kw_k=0.45 * loss,
            wall_kw_k=2.0 * loss,
            heat_share=np.full(FLATS, HOUSES / FLATS),
            gain_kw=0.06 * 27.0 * loss,
            sun_m2=8.0 * loss,
            envelope_kj_k=np.full(HOUSES, UA / HOUSES * 70 * 3600),
            envelope_kw_k=np.full(HOUSES, UA / HOUSES * 0.75),
            envelope_sun_m2=np.full(HOUSES, UA / HOUSES * 2.0),
            wind_per_ms=np.full(HOUSES, 0.02),
        )
        self.pipes = SecondaryPlan(
            unit=np.zeros(HOUSES, dtype=np.intp),
            main_kg=np.array([2000.0]),
            main_loss_kw_k=np.array([0.02]),
            branch_kg=np.full(HOUSES, 300.0),
            emitter_kj_k=np.full(HOUSES, 480.0 * FLOW_KGS / HOUSES * CP_KJ_KGK),
            emitter_kw=np.full(HOUSES, LOAD_KW * 1.2 / HOUSES / 44.5**1.3),
            exponent=np.full(HOUSES, 0.3),
            flow_share=np.array([0.36, 0.33, 0.31]),
        )
        self.rooms = BuildingState(
            zone_c=np.full(FLATS, room_c), envelope_c=np.full(HOUSES, room_c - 7.0)
        )
        warm = np.full(HOUSES, 45.0)
        self.water = SecondaryState(
            supply_c=np.array([50.0]),
            branch_supply_c=warm + 5.0,
            emitter_c=np.tile(warm, (3, 1)),
            branch_return_c=warm - 5.0,
            return_c=np.array([40.0]),
        )

    def step(self, t_s: float, supply_c: float, flow_kgs: float) -> float:
        """Move a quarter of an hour and return the mean heat given to the loop, kW."""
        given = 0.0
        flow = np.array([flow_kgs])
        for inner in range(int(STEP_S / _INNER_S)):
            now = t_s + inner * _INNER_S
            flux = step_secondary(
                self.pipes,
                self.water,
                flow_kgs=flow,
                exchanger_kw_k=flow * CP_KJ_KGK,
                primary_c=np.array([supply_c]),
                room_c=emitter_room_c(self.flats, self.rooms),
                ground_c=5.0,
                makeup_kgs=np.zeros(1),
                makeup_c=10.0,
                dt_s=_INNER_S,
            )
            step_buildings(
                self.flats,
                self.rooms,
                heat_kw=flux.emitter_kw,
                outdoor_c=float(outdoor_c(now)),
                wind_ms=2.0,
                sun_kw_m2=float(sun_kw_m2(now)),
                gain_factor=1.0 + 0.3 * float(np.sin(now / 86400.0 * 2.0 * np.pi)),
                dt_s=_INNER_S,
            )
            given += float(flux.exchanger_kw[0]) * _INNER_S / STEP_S
        return given
