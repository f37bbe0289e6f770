"""What perfect information would be worth: every unit heated as if its true rooms, the weather to
come and its people were known.

From a run under the tuned curve the truth tells, for every hour, what each unit's rooms would
cost in comfort charge if they were all so much warmer or colder, and what a kelvin costs in heat.
The least of that sum, hour by hour, is a bound nobody can beat in that linear picture. A run that
heats for it, corrected by what came of the run before, is a season somebody with perfect
information could really have.
"""

from __future__ import annotations

import numpy as np

from bench.season_world import (
    COLD_C,
    COMFORT_YUAN_M2KH,
    HEAT_YUAN_KWH,
    STEP_S,
    Block,
    Record,
    Seen,
    World,
)
from heatloop.network.arrays import Floats

_GRID_K = np.linspace(-2.0, 2.0, 81)
_HOUR = 4
_SMOOTH = 3 * _HOUR
_SUPPLY_LOW_C, _SUPPLY_HIGH_C = 20.0, 85.0


class Known:
    """The true losses and capacities of every unit, arrays of shape (n_unit,)."""

    def __init__(self, world: World) -> None:
        truth = world.city.works.truth
        rooms, unit = truth.building, truth.secondary.unit
        n, of = world.n_unit, world.zone_unit
        wind = 1.0 + 3.2 * rooms.wind_per_ms[rooms.building]
        self.out = np.bincount(of, rooms.out_kw_k * wind, n)
        self.wall = np.bincount(of, rooms.wall_kw_k, n)
        self.air_kj_k = np.bincount(of, rooms.air_kj_k, n)
        self.env = np.bincount(unit, rooms.envelope_kw_k, n)
        self.env_kj_k = np.bincount(unit, rooms.envelope_kj_k, n)
        self.loss = self.out + 1.0 / (1.0 / self.wall + 1.0 / self.env)
        self.emitter_kj_k = np.bincount(unit, truth.secondary.emitter_kj_k, n)
        each = truth.secondary.emitter_kw
        weighed = np.bincount(unit, each * truth.secondary.exponent, n)
        self.exponent: Floats = weighed / np.bincount(unit, each, n)


def comfort_yuan(world: World, record: Record) -> Floats:
    """Return the comfort charge of every hour if rooms were off by each step of the grid.

    Args:
        world: Whose rooms.
        record: A run that kept its rooms.

    Returns:
        Shape (n_hour, n_grid, n_unit).
    """
    found = []
    n = world.n_unit
    for zone in record.zone_c[::_HOUR]:
        near = np.flatnonzero(zone < COLD_C - _GRID_K[0])
        lack = COLD_C - zone[near].astype(np.float64)
        of, area = world.zone_unit[near], world.area_m2[near]
        found.append(
            [np.bincount(of, np.maximum(lack - k, 0.0) * area, n) for k in _GRID_K.tolist()]
        )
    return COMFORT_YUAN_M2KH * np.array(found)


def best_offsets(world: World, record: Record) -> tuple[Floats, Floats]:
    """Return how much warmer each unit should be in each hour, K, and what that saves, yuan.

    Returns:
        Two arrays of shape (n_hour, n_unit).
    """
    charge = comfort_yuan(world, record)
    heat = HEAT_YUAN_KWH * Known(world).loss
    total = charge + _GRID_K[None, :, None] * heat
    at = np.argmin(total, axis=1)
    hours, units = np.indices(at.shape)
    zero = len(_GRID_K) // 2
    return _GRID_K[at], total[:, zero] - total[hours, at, units]


def better_supply(world: World, record: Record, offset_k: Floats) -> Floats:
    """Return supply temperatures that bring these offsets about, shape (n_quarter, n_unit)."""
    known = Known(world)
    wanted = np.array(record.wanted_c)
    n = len(wanted)
    centre = np.arange(len(offset_k)) * _HOUR + 0.5
    quarter = np.array(
        [
            np.interp(np.arange(n), centre, column)
            for column in _smooth(offset_k, _SMOOTH // _HOUR).T
        ]
    ).T
    envelope = np.zeros(world.n_unit)
    extra = np.empty_like(quarter)
    before = np.zeros(world.n_unit)
    for k in range(n):
        room = quarter[k]
        envelope += (
            STEP_S * (known.wall * (room - envelope) - known.env * envelope) / known.env_kj_k
        )
        speed = (room - before) / STEP_S if k else np.zeros(world.n_unit)
        extra[k] = known.air_kj_k * speed + (known.out + known.wall) * room - known.wall * envelope
        before = room
    heat = np.maximum(_smooth(np.array(record.heat_kwh) * 4.0, _SMOOTH), 1.0)
    supply, back = np.array(record.supply_c), np.array(record.return_c)
    over = np.maximum(_smooth(0.5 * (supply + back) - np.array(record.room_c), _SMOOTH), 1.0)
    through = np.maximum(_smooth(supply - back, _SMOOTH), 0.5)
    per_kw = over / ((1.0 + known.exponent) * heat) + 0.5 * through / heat
    rise = extra * per_kw + quarter
    # Emitters hold heat too: what they lag behind is given in advance.
    lag_s = known.emitter_kj_k * over / ((1.0 + known.exponent) * heat)
    lead = np.gradient(_smooth(rise, _HOUR), float(STEP_S), axis=0) * np.minimum(lag_s, 7200.0)
    return np.asarray(np.clip(wanted + rise + lead, _SUPPLY_LOW_C, _SUPPLY_HIGH_C))


def _smooth(values: Floats, width: int) -> Floats:
    """Return a centred moving mean along the first axis, ends held."""
    width = max(width | 1, 1)
    half = width // 2
    held = np.concatenate([values[:1].repeat(half, 0), values, values[-1:].repeat(half, 0)])
    total = np.cumsum(np.concatenate([np.zeros((1, *values.shape[1:])), held]), axis=0)
    return np.asarray((total[width:] - total[:-width]) / width)


class Schedule:
    """Controller of the season that follows a table.

    Args:
        supply_c: Shape (n_quarter, n_unit).
        hz: Pump speeds, likewise.
    """

    def __init__(self, supply_c: Floats, hz: Floats) -> None:
        self._supply_c, self._hz, self._at = supply_c, hz, 0

    def decide(self, seen: Seen) -> tuple[Floats, Floats]:
        """Return the table's next row."""
        del seen
        self._at += 1
        return self._supply_c[self._at - 1], self._hz[self._at - 1]


def perfect(size: str, block: Block, tuned: Record, rounds: int = 3) -> tuple[Record, float]:
    """Return the cheapest run with perfect information and the bound of its saving, yuan.

    Args:
        size: Size of the city.
        block: The weather.
        tuned: A run of the tuned curve that kept its rooms.
        rounds: How often a run is improved on.
    """
    best, run = tuned, tuned
    bound = 0.0
    for turn in range(rounds):
        world = World(size, block)
        offset, saving = best_offsets(world, run)
        if turn == 0:
            bound = float(saving[block.burn_in * 24 :].sum())
        supply = better_supply(world, run, offset)
        run = world.run(Schedule(supply, np.array(run.wanted_hz)), keep_zones=True)
        if run.cost_yuan(block).sum() < best.cost_yuan(block).sum():
            best = run
    return best, bound
