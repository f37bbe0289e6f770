"""Tuning the curve the season's savings are measured against.

The houses of the city, as they really are, stand here many times over, so that many settings are
tried on every unit at once; water and rooms are the city's own physics, and valves reach what a
curve asks for. The tuned curve thus knows more than any operator could: it is tuned on the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np

from bench.season_world import (
    COLD_C,
    COMFORT_YUAN_M2KH,
    HEAT_YUAN_KWH,
    POWER_YUAN_KWH,
    STEP_S,
    Block,
    Seen,
    World,
    local_hour,
)
from heatloop.control.tuned_curve import (
    AS_DELIVERED,
    CurveDesigns,
    CurveSearch,
    next_outdoor_c,
    supply_c,
)
from heatloop.demo.layout import GROUND_C
from heatloop.demo.truth import DUTY_HZ
from heatloop.demo.weather import Winter, gain_factor
from heatloop.network import building, secondary
from heatloop.network.arrays import Floats, Index
from heatloop.network.building import BuildingPlan, BuildingState
from heatloop.network.secondary import SecondaryPlan, SecondaryState
from heatloop.network.water import CP_KJ_KGK

_INNER = 3
_SUPPLY_LOW_C = 20.0


class Houses:
    """All houses of the city, `copies` times, heated at set supply temperatures.

    Args:
        world: The city they are taken from.
        copies: How often they stand here.
    """

    def __init__(self, world: World, copies: int) -> None:
        truth = world.city.works.truth
        self._truth, self.copies, self.n_unit = truth, copies, world.n_unit
        plan, rooms = truth.secondary, truth.building
        n_unit, n_building = world.n_unit, len(plan.unit)

        def many(values: Floats) -> Floats:
            return np.tile(values, copies)

        def places(values: Index, shift: Index) -> Index:
            return np.tile(values, copies) + shift

        shift = np.repeat(np.arange(copies), n_building)
        self._plan = SecondaryPlan(
            unit=places(plan.unit, shift * n_unit),
            main_kg=many(plan.main_kg),
            main_loss_kw_k=many(plan.main_loss_kw_k),
            branch_kg=many(plan.branch_kg),
            emitter_kj_k=many(plan.emitter_kj_k),
            emitter_kw=many(plan.emitter_kw),
            exponent=many(plan.exponent),
            flow_share=many(plan.flow_share),
        )
        zone_shift = np.repeat(np.arange(copies), len(rooms.building)) * n_building
        self.rooms = BuildingPlan(
            building=places(rooms.building, zone_shift),
            air_kj_k=many(rooms.air_kj_k),
            out_kw_k=many(rooms.out_kw_k),
            wall_kw_k=many(rooms.wall_kw_k),
            heat_share=many(rooms.heat_share),
            gain_kw=many(rooms.gain_kw),
            sun_m2=many(rooms.sun_m2),
            envelope_kj_k=many(rooms.envelope_kj_k),
            envelope_kw_k=many(rooms.envelope_kw_k),
            envelope_sun_m2=many(rooms.envelope_sun_m2),
            wind_per_ms=many(rooms.wind_per_ms),
        )
        self._zone_unit = self._plan.unit[self.rooms.building]
        self.area_m2 = many(world.area_m2)
        self.base_kgs: Floats = truth.pump.flow_kgs(
            np.full(self.n_unit, DUTY_HZ), truth.secondary_r
        )
        """Flow of each unit at the duty speed, shape (n_unit,)."""

    def start(self, n_loop: int) -> tuple[SecondaryState, BuildingState]:
        """Return loops and rooms as they are on a usual winter day."""
        n = len(self._plan.unit)
        water = SecondaryState(
            supply_c=np.full(n_loop, 44.0),
            branch_supply_c=np.full(n, 43.0),
            emitter_c=np.full((secondary.SEGMENTS, n), 40.0),
            branch_return_c=np.full(n, 37.0),
            return_c=np.full(n_loop, 36.0),
        )
        rooms = BuildingState(
            zone_c=np.full(len(self.area_m2), 20.5),
            envelope_c=np.full(len(self.rooms.envelope_kj_k), 10.0),
        )
        return water, rooms

    def cost_yuan(self, designs: CurveDesigns, settings: Floats, block: Block) -> Floats:
        """Return what a block costs under these settings, shape (copies, n_unit), yuan a day.

        Args:
            designs: Design states of the units.
            settings: Knobs, shape (copies, n_unit, 7).
            block: The weather.
        """
        shape = settings.shape[:2]
        winter, truth = Winter(block.seed), self._truth
        hz = DUTY_HZ * settings[..., 6]
        flow = (self.base_kgs * settings[..., 6]).ravel()
        pump_kw = truth.pump.power_kw(hz, self.base_kgs * settings[..., 6])
        water, rooms = self.start(flow.size)
        now_s = block.start_s - 86400.0 * block.burn_in

        def at(when_s: float) -> float:
            return winter.at(when_s).outdoor_c + block.offset_k

        damped = np.full(shape, float(np.mean([at(now_s - i * 7200.0) for i in range(6)])))
        settle = float(np.mean([at(now_s - i * 7200.0) for i in range(48)]))
        building.settle_walls(self.rooms, rooms, settle)
        kwh, lack_m2kh = np.zeros(flow.size), np.zeros(flow.size)
        hours = STEP_S / 3600.0
        for quarter in range((block.days + block.burn_in) * 96):
            damped = next_outdoor_c(damped, at(now_s), settings, STEP_S)
            goal = supply_c(designs, settings, damped, local_hour(now_s)).ravel()
            heat, emitted = self.heat(water, rooms, flow, np.maximum(goal, _SUPPLY_LOW_C))
            now_s += STEP_S
            sky = winter.at(now_s)
            building.step_buildings(
                self.rooms,
                rooms,
                heat_kw=emitted,
                outdoor_c=at(now_s),
                wind_ms=sky.wind_ms,
                sun_kw_m2=sky.sun_w_m2 / 1000.0,
                gain_factor=gain_factor(now_s),
                dt_s=float(STEP_S),
            )
            if quarter >= block.burn_in * 96:
                kwh += heat * hours
                lack = np.maximum(COLD_C - rooms.zone_c, 0.0) * self.area_m2
                lack_m2kh += np.bincount(self._zone_unit, lack, flow.size) * hours
        cost = (HEAT_YUAN_KWH * kwh + COMFORT_YUAN_M2KH * lack_m2kh).reshape(shape)
        return np.asarray(cost / block.days + POWER_YUAN_KWH * 24.0 * pump_kw)

    def heat(
        self, water: SecondaryState, rooms: BuildingState, flow: Floats, goal_c: Floats
    ) -> tuple[Floats, Floats]:
        """Return mean heat into the loops and out of the emitters over a quarter, kW."""
        seen = building.emitter_room_c(self.rooms, rooms)
        heat, emitted = np.zeros(flow.size), np.zeros(len(self._plan.unit))
        for _ in range(_INNER):
            # A plate that brings all water to the set-point: a valve that does its work; it
            # cannot cool.
            goal = np.maximum(goal_c, water.return_c)
            flux = secondary.step_secondary(
                self._plan,
                water,
                flow_kgs=flow,
                exchanger_kw_k=flow * CP_KJ_KGK,
                primary_c=goal,
                room_c=seen,
                ground_c=GROUND_C,
                makeup_kgs=np.zeros(flow.size),
                makeup_c=10.0,
                dt_s=STEP_S / _INNER,
            )
            heat += flux.exchanger_kw / _INNER
            emitted += flux.emitter_kw / _INNER
        return heat, emitted


@lru_cache(maxsize=1)
def _houses(size: str, copies: int) -> tuple[Houses, CurveDesigns]:
    world = World(size, Block(seed=201, mild=False, days=1))
    return Houses(world, copies), CurveDesigns.of(world.designs)


def trial_cost_yuan(size: str, settings: Floats, block: Block) -> Floats:
    """Return what a block costs in a city of this size, shape (copies, n_unit), yuan a day."""
    houses, designs = _houses(size, len(settings))
    return houses.cost_yuan(designs, settings, block)


def tune(
    world: World,
    size: str,
    blocks: tuple[Block, ...],
    rounds: int,
    trials: int,
    do: Callable[..., Iterable[Floats]] = map,
) -> tuple[Floats, Floats, Floats]:
    """Return tuned settings (n_unit, 7), their cost and that of the delivered curve, yuan/day.

    Args:
        world: The city.
        size: Its size.
        blocks: Weather it is tuned on.
        rounds: Rounds of the search.
        trials: Settings tried in a round.
        do: Maps trials over blocks, in this process or in others.
    """
    search = CurveSearch(world.n_unit, n_trial=trials, seed=1)
    delivered = np.zeros(world.n_unit)
    many = len(blocks)
    for turn in range(rounds):
        settings = search.ask()
        parts = do(trial_cost_yuan, [size] * many, [settings] * many, blocks)
        cost = np.mean(list(parts), axis=0)
        search.tell(cost)
        if turn == 0:
            delivered = cost[0]
    return search.best, search.best_cost, delivered


class Curves:
    """Controller of the season: every unit on its tuned curve."""

    def __init__(self, world: World, settings: Floats | None = None) -> None:
        self._designs = CurveDesigns.of(world.designs)
        n = world.n_unit
        self.settings = np.tile(AS_DELIVERED, (n, 1)) if settings is None else settings
        self._damped: Floats | None = None

    def decide(self, seen: Seen) -> tuple[Floats, Floats]:
        """Return supply temperatures and pump speeds."""
        if self._damped is None:
            self._damped = np.full(len(self.settings), seen.outdoor_c)
        self._damped = next_outdoor_c(self._damped, seen.outdoor_c, self.settings, STEP_S)
        wanted = supply_c(self._designs, self.settings, self._damped, local_hour(seen.now_s))
        return np.maximum(wanted, _SUPPLY_LOW_C), DUTY_HZ * self.settings[:, 6]
