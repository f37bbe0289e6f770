"""Station control in closed loop on a unit it does not know exactly: both ways of regulation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from heatloop.control.curve_strategy import Regulation
from heatloop.control.mpc import StationMpc
from heatloop.control.mpc_task import N_STEP, MpcForecast, MpcState, MpcTask
from heatloop.control.room_feedback import RoomObserver, RoomSensing
from tests.physics.unit_plant import (
    FLATS,
    FLOW_KGS,
    STEP_S,
    UnitPlant,
    believed_model,
    outdoor_c,
    sun_kw_m2,
)


@dataclass
class Loop:
    """Plant, sensors, observer and controller."""

    regulation: Regulation = Regulation.QUALITY
    loss: float = 1.0
    lying: tuple[float, ...] = ()
    sensors: int = 12
    room_c: float = 19.0
    rooms: list[float] = field(default_factory=list)
    supply: list[float] = field(default_factory=list)
    flow: list[float] = field(default_factory=list)
    doubted: set[str] = field(default_factory=set)

    def run(self, days: float) -> Loop:
        rng = np.random.default_rng(3)
        plant, model = UnitPlant(self.room_c), believed_model(self.loss)
        task = MpcTask(regulation=self.regulation, quantity_supply_c=72.0)
        mpc = StationMpc(model, task)
        observer, sensing = RoomObserver(model=model), RoomSensing()
        chosen = rng.choice(FLATS, self.sensors, replace=False).tolist()
        supply, flow, heat = 50.0, FLOW_KGS, float("nan")
        for k in range(int(days * 96)):
            t = k * STEP_S
            shown = np.round(plant.rooms.zone_c + rng.normal(0.0, 0.05, FLATS), 1)
            values = {f"S{i}": float(shown[i]) for i in chosen}
            values |= {f"S{i}": c for i, c in zip(chosen, self.lying, strict=False)}
            reading = sensing.read(values, STEP_S, observer.expected_c)
            state = observer.step(
                heat_kw=heat,
                outdoor_c=float(outdoor_c(t)),
                dt_s=STEP_S if k else 0.0,
                sun_kw_m2=float(sun_kw_m2(t - 450.0)),
                reading=reading,
                supply_c=supply,
                flow_kgs=flow,
            )
            ahead = t + STEP_S * (np.arange(N_STEP) + 0.5)
            plan = mpc.solve(
                MpcState(
                    room_c=float(state.mean[0]),
                    wall_c=float(state.mean[1]),
                    supply_c=supply,
                    heat_kw=state.felt_kw,
                    disturbance_kw=float(state.mean[2]),
                    flow_ratio=flow / FLOW_KGS,
                    emitter_factor=state.emitter_factor,
                ),
                MpcForecast(outdoor_c=outdoor_c(ahead), sun_kw_m2=sun_kw_m2(ahead)),
                0.3,
                shift=1,
            )
            assert not plan.fallback
            supply, flow = float(plan.supply_c[0]), float(plan.flow_kgs[0])
            heat = plant.step(t, supply, flow)
            self.rooms.append(float(plant.rooms.zone_c.mean()))
            self.supply.append(supply)
            self.flow.append(flow)
            self.doubted = set(reading.doubted)
        return self

    def error_k(self, after_days: float = 3.0) -> float:
        """Return the mean absolute error of the rooms' mean."""
        return float(np.mean(np.abs(np.array(self.rooms[int(after_days * 96) :]) - 20.0)))


def test_quality_regulation_converges_on_the_target() -> None:
    loop = Loop().run(6)
    assert loop.error_k() <= 0.3
    assert np.ptp(loop.supply) > 8.0
    assert np.ptp(loop.flow) < 1e-9


def test_quantity_regulation_converges_on_the_target() -> None:
    loop = Loop(regulation=Regulation.QUANTITY).run(6)
    assert loop.error_k() <= 0.4
    assert np.ptp(loop.flow[288:]) / FLOW_KGS > 0.15
    # The supply temperature gives only where no flow would do.
    assert np.std(loop.supply[288:]) < 5.0


@pytest.mark.parametrize("loss", [0.75, 1.3])
def test_a_wrong_model_leaves_no_offset(loss: float) -> None:
    assert Loop(loss=loss).run(6).error_k() <= 0.5


def test_lying_sensors_are_found_out_and_do_not_move_the_rooms() -> None:
    honest = Loop().run(5)
    lied = Loop(lying=(30.0, 11.0, 27.5)).run(5)
    assert len(lied.doubted) == 3
    assert abs(float(np.mean(lied.rooms[288:])) - float(np.mean(honest.rooms[288:]))) < 0.25


def test_a_cold_house_is_warm_again_within_two_days() -> None:
    loop = Loop(room_c=12.0).run(3)
    assert min(loop.rooms[192:]) > 19.3
    assert max(loop.rooms) < 21.2
