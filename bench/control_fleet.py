"""Units drawn at random for the benchmark of station control, and many of them in two processes."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace

import numpy as np

from heatloop.control.coordination import Station, StationGroup
from heatloop.control.curve_strategy import Regulation
from heatloop.control.mpc import StationMpc
from heatloop.control.mpc_task import N_STEP, Floats, MpcForecast, MpcState, MpcTask
from heatloop.control.unit_model import UnitModel, model_from_design
from heatloop.station.curve import CurveDesign

BASE_YUAN_KWH = 0.3
PROCESSES = 2
RADIATOR = CurveDesign()
FLOOR = CurveDesign(supply_c=45.0, return_c=35.0, exponent_b=0.05)


def draw_model(rng: np.random.Generator, floor: bool = False) -> UnitModel:
    """Return a unit of 100 to 1,500 kW whose figures differ from the books."""

    def spread(sigma: float) -> float:
        return float(np.exp(rng.normal(0.0, sigma)))

    base = model_from_design(FLOOR if floor else RADIATOR, float(np.exp(rng.normal(6.0, 0.6))))
    room, wall = base.capacity_kj_k
    model = replace(
        base,
        capacity_kj_k=(room * spread(0.3), wall * spread(0.3)),
        room_out_kw_k=base.room_out_kw_k * spread(0.15),
        sun_m2=base.sun_m2 * spread(0.4),
    )
    if rng.random() < 0.1:  # No room sensor: one capacity.
        return replace(
            model,
            capacity_kj_k=(model.capacity_kj_k[0] * 5.0, 0.0),
            room_out_kw_k=model.loss_kw_k(),
            room_wall_kw_k=0.0,
            wall_out_kw_k=0.0,
        )
    return model


def draw_task(rng: np.random.Generator, floor: bool = False) -> MpcTask:
    """Return what is wanted of such a unit."""
    quantity = not floor and rng.random() < 0.15
    return MpcTask(
        target_c=20.0 + float(rng.choice([-1.0, 0.0, 0.0, 1.0])),
        low_c=18.5,
        high_c=22.0,
        supply_high_c=55.0 if floor else float(rng.uniform(70.0, 83.0)),
        regulation=Regulation.QUANTITY if quantity else Regulation.QUALITY,
        curve=FLOOR if floor else RADIATOR,
    )


def draw_weather(rng: np.random.Generator) -> MpcForecast:
    """Return a winter's day ahead."""
    hour = np.arange(N_STEP) / 4.0
    swing = rng.uniform(1.0, 6.0) * np.sin((hour - rng.uniform(7.0, 11.0)) / 12.0 * np.pi)
    front = rng.uniform(-6.0, 6.0) * hour / 24.0
    sun = rng.uniform(0.0, 0.5) * np.maximum(np.sin((hour - 7.0) / 10.0 * np.pi), 0.0)
    sun[(hour < 7.0) | (hour > 17.0)] = 0.0
    return MpcForecast(outdoor_c=rng.uniform(-22.0, 10.0) + swing + front, sun_kw_m2=sun)


def stations(first: int, count: int) -> list[Station]:
    """Return stations `first` to `first + count` of the company, all in the same weather."""
    forecast = draw_weather(np.random.default_rng(7))
    forecast = replace(forecast, outdoor_c=forecast.outdoor_c - forecast.outdoor_c.mean() - 6.0)
    made = []
    for number in range(first, first + count):
        rng = np.random.default_rng((11, number))
        floor = rng.random() < 0.2
        model = draw_model(rng, floor)
        state = MpcState(
            room_c=float(rng.normal(20.0, 0.7)),
            wall_c=float("nan"),
            supply_c=float(model.supply_c(model.steady_heat_kw(20.0, -6.0), 20.0)),
        )
        mpc = StationMpc(model, draw_task(rng, floor))
        made.append(Station(mpc=mpc, state=state, forecast=forecast))
    return made


_groups: list[StationGroup] = []


def _build(first: int, count: int, branch: Floats) -> Floats:
    """Build a group in this process and return how its heat falls with prices."""
    members = np.vstack([np.ones(count), branch])
    price = np.full(N_STEP, BASE_YUAN_KWH)
    _groups[:] = [StationGroup(stations=stations(first, count), members=members, base_price=price)]
    return _groups[0].answer_kw()


def _respond(price: Floats, share: Floats | None) -> Floats:
    return _groups[0].respond(price, share)


def _fallbacks() -> int:
    return sum(plan.fallback for plan in _groups[0].plans)


class Company:
    """Stations in processes of their own, asked together.

    Args:
        count: Stations in all; the first third lies behind one branch.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.sweeps = 0
        context = multiprocessing.get_context("spawn")
        self._pools = [ProcessPoolExecutor(1, mp_context=context) for _ in range(PROCESSES)]

    def warm(self) -> None:
        """Start the processes and let them import what they need."""
        for done in [pool.submit(stations, 0, 1) for pool in self._pools]:
            done.result()

    def build(self) -> Floats:
        """Build all stations and return how their heat falls with prices."""
        share = self.count // PROCESSES
        waiting: list[Future[Floats]] = []
        for number, pool in enumerate(self._pools):
            first = number * share
            count = share if number + 1 < PROCESSES else self.count - first
            branch = (np.arange(first, first + count) < self.count / 3).astype(np.float64)
            waiting.append(pool.submit(_build, first, count, branch))
        return np.asarray(sum(done.result() for done in waiting))

    def respond(self, price: Floats, share: Floats | None = None) -> Floats:
        """Return the heat of the company and of the branch at these prices and shares."""
        self.sweeps += 1
        waiting = [pool.submit(_respond, price, share) for pool in self._pools]
        return np.asarray(sum(done.result() for done in waiting))

    def fallbacks(self) -> int:
        """Return how many stations were left on their weather curve."""
        return sum(pool.submit(_fallbacks).result() for pool in self._pools)

    def close(self) -> None:
        """End the processes."""
        for pool in self._pools:
            pool.shutdown(wait=True, cancel_futures=True)
