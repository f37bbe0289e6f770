"""What station control knows of each unit: its model, its limits, its rooms, the weather ahead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from heatloop.app.layout import Node, StationNode, number
from heatloop.app.queries.overview import outdoor_c, value
from heatloop.app.room_levels import FOR_ALL, Target
from heatloop.app.strategy_settings import StrategySettings
from heatloop.app.strategy_worker import UnitWork
from heatloop.app.weather import Weather
from heatloop.app.world import World
from heatloop.control.curve_strategy import Regulation
from heatloop.control.mpc_course import DailyCourse
from heatloop.control.mpc_reach import SupplyReach
from heatloop.control.mpc_task import N_STEP, STEP_S, Floats, MpcState, MpcTask
from heatloop.control.room_feedback import RoomObserver, RoomReading, RoomSensing
from heatloop.control.unit_model import UnitModel, model_from_design
from heatloop.control.wishes import room_shift_k
from heatloop.kernel.errors import InputError
from heatloop.kernel.quality import Quality
from heatloop.network.water import CP_KJ_KGK
from heatloop.station.curve import design_from

Champion = Callable[[str, str], UnitModel | None]
_ROOM_FRESH_S = 5400.0
_LIMIT_MARGIN_K = 2.0
_HEAT_INDEX_W_M2 = 45.0
_LONGEST_GAP_S = 4 * 3600.0
_LEAST_HOURS = 6
_LEAST_TOP_C = 30.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Ahead:
    """The weather of the plan's steps."""

    outdoor_c: Floats
    """Shape (n_step,)."""
    sun_kw_m2: Floats
    """Shape (n_step,)."""
    source: str
    """Who forecast it."""


async def weather_ahead(weather: Weather, now_s: float) -> Ahead | None:
    """Return the weather of the next day by steps; None without a forecast that covers it."""
    end_s = now_s + N_STEP * STEP_S
    found = await weather.forecast_as_of(now_s, now_s - 3600.0, end_s + 7200.0)
    if found is None:
        return None
    rows = [hour for hour in found.hours if hour.temperature_c is not None]
    if len(rows) < _LEAST_HOURS:
        return None
    at = np.array([hour.at_s for hour in rows])
    middle = now_s + STEP_S * (np.arange(N_STEP) + 0.5)
    # A forecast that ends early leaves the night it does not reach unplanned: none at all then.
    if at[-1] < middle[-1] - 3600.0 or np.max(np.diff(at), initial=0.0) > _LONGEST_GAP_S:
        return None
    outdoor = np.interp(middle, at, [float(hour.temperature_c or 0.0) for hour in rows])
    # Radiation is the mean of the hour before its time.
    sun = np.interp(middle, at - 1800.0, [float(hour.solar_w_m2 or 0.0) / 1e3 for hour in rows])
    return Ahead(outdoor_c=outdoor, sun_kw_m2=np.maximum(sun, 0.0), source=found.source)


@dataclass(kw_only=True, slots=True)
class UnitMemory:
    """What is remembered of one unit between passes."""

    sensing: RoomSensing
    """Its room sensors."""
    observer: RoomObserver
    """Its rooms and walls."""
    model: UnitModel
    """Model the observer runs on."""
    model_name: str
    """`champion` or `design`."""
    at_s: float = 0.0
    """Plant time of the last pass."""
    reading: RoomReading | None = None
    """What the sensors said."""
    course: DailyCourse = field(default_factory=DailyCourse)
    """What comes back every day."""
    reach: SupplyReach = field(default_factory=SupplyReach)
    """How warm its station can make the water."""
    target: Target | None = None
    """What was wanted of its rooms in the last pass, without wishes."""


class UnitInputs:
    """Makes the work of one pass, and keeps the observers going.

    Args:
        world: The present.
        settings: What is wanted.
        champion: Gives the learnt model of a unit by kind, None where nothing was learnt.
    """

    def __init__(self, world: World, settings: StrategySettings, champion: Champion) -> None:
        self._world, self._settings, self._champion = world, settings, champion
        self.memory: dict[str, UnitMemory] = {}
        """By unit code."""
        self.target: Callable[[str, float], Target] = self._for_all
        """Gives what is wanted of a unit's rooms at a mean outdoor temperature to come."""

    def work(
        self,
        unit: Node,
        station: StationNode,
        now_s: float,
        sun_kw_m2: float,
        wish_k: float = 0.0,
        outlook_c: float = float("nan"),
    ) -> UnitWork | None:
        """Return what a worker needs to plan a unit; None where nobody knows its size.

        Args:
            unit: The unit.
            station: Its station.
            now_s: Plant time.
            sun_kw_m2: Sun now, for the observer.
            wish_k: By how much heat users' wishes would move its supply temperature, K.
            outlook_c: Mean outdoor temperature of the day to come; nan: unknown.
        """
        world, code = self._world, unit.asset.code
        memory = self._remembered(unit)
        if memory is None:
            return None
        online = world.is_online(station)

        def now(kind: str) -> float:
            found = value(world, unit, kind) if online else None
            return float("nan") if found is None else found

        supply, back = now("secondary_supply_temperature"), now("secondary_return_temperature")
        model = memory.model
        flow_kgs = now("secondary_flow") / 3.6
        if not 0.05 * model.flow_kgs < flow_kgs < 3.0 * model.flow_kgs:
            flow_kgs = float("nan")
        heat_kw = flow_kgs * CP_KJ_KGK * (supply - back)
        if not -0.2 <= heat_kw / model.design_heat_kw <= 3.0:
            heat_kw = float("nan")
        dt_s = min(now_s - memory.at_s, 3600.0) if memory.at_s else 0.0
        memory.at_s = now_s
        reading = memory.sensing.read(self._rooms(code, now_s), dt_s, memory.observer.expected_c)
        memory.reading = reading
        outside = outdoor_c(world)
        state = memory.observer.step(
            heat_kw=heat_kw,
            outdoor_c=float("nan") if outside is None else outside,
            dt_s=dt_s,
            sun_kw_m2=sun_kw_m2,
            reading=reading,
            supply_c=supply,
            flow_kgs=flow_kgs,
            return_c=back,
        )
        setpoint = now("secondary_supply_temperature_setpoint")
        reach_c = memory.reach.step(
            wanted_c=setpoint, supply_c=supply, dt_s=dt_s, valve_pct=now("valve_opening")
        )
        memory.target = self.target(code, outlook_c)
        task = self._task(unit, memory.target, room_shift_k(wish_k))
        # Only what the unit's own strategy brought about teaches it the course of the day.
        followed = world.stages.get(code, "observe") == "automatic"
        if followed and np.isfinite(reading.room_c) and abs(dt_s - STEP_S) < 0.5 * STEP_S:
            memory.course.learn(now_s, float(state.mean[0] - np.mean(task.target_c)))
        # What cannot be reached is not asked for: a cold night has to be heated for before it.
        high = max(min(task.supply_high_c, reach_c), _LEAST_TOP_C)
        ratio = flow_kgs / model.flow_kgs if np.isfinite(flow_kgs) else 1.0
        return UnitWork(
            code=code,
            model=model,
            task=replace(
                task,
                supply_high_c=high,
                target_c=task.target_c + memory.course.ahead_k(now_s, N_STEP),
            ),
            state=MpcState(
                room_c=float(state.mean[0]),
                wall_c=float(state.mean[1]),
                supply_c=setpoint if np.isfinite(setpoint) else supply,
                heat_kw=float(state.felt_kw),
                disturbance_kw=float(state.mean[2]),
                flow_ratio=ratio,
                emitter_factor=float(state.emitter_factor),
            ),
        )

    def _remembered(self, unit: Node) -> UnitMemory | None:
        """Return what is remembered, on the model that is champion now."""
        code = unit.asset.code
        learnt = self._champion(code, "building")
        known = self.memory.get(code)
        if learnt is None and known is not None and known.model_name == "design":
            return known
        model = learnt if learnt is not None else self._designed(unit)
        if model is None:
            return None
        if known is None:
            known = UnitMemory(
                sensing=RoomSensing(),
                observer=RoomObserver(model=model),
                model=model,
                model_name="design" if learnt is None else "champion",
            )
            self.memory[code] = known
        elif known.model is not model and known.model != model:
            # Rooms and walls are what they were; heat unknown to the old model says nothing now.
            state = known.observer.state
            known.observer = RoomObserver(model=model, state=state)
            if state is not None:
                state.mean[2] = 0.0
            known.model = model
            known.model_name = "design" if learnt is None else "champion"
        return known

    def _designed(self, unit: Node) -> UnitModel | None:
        load_kw = number(unit.asset, "design_load_kw")
        area = number(unit.asset, "heated_area_m2")
        if load_kw is None and area:
            load_kw = area * _HEAT_INDEX_W_M2 / 1000.0
        try:
            return model_from_design(design_from(unit.asset.attributes), load_kw or 0.0)
        except InputError:
            return None

    def _rooms(self, unit: str, now_s: float) -> dict[str, float]:
        """Return fresh readings by sensor."""
        world = self._world
        at = world.layout.rooms_of.get(unit)
        if at is None or not len(at):
            return {}
        latest = world.latest
        fresh = latest.slots[at] >= now_s - _ROOM_FRESH_S
        fresh &= ~np.isin(latest.quality[at], (Quality.BAD, Quality.STALE))
        at = at[fresh & np.isfinite(latest.values[at])]
        keys = latest.index.keys[at].tolist()
        return dict(zip(map(str, keys), latest.values[at].tolist(), strict=True))

    def _for_all(self, unit: str, outlook_c: float) -> Target:
        del unit, outlook_c
        return Target(room_c=self._settings.target_room_c, source=FOR_ALL)

    def _task(self, unit: Node, wanted: Target, shift_k: float) -> MpcTask:
        settings = self._settings
        floor = unit.asset.attributes.get("emitter") == "floor"
        highest = value(self._world, unit, "limit_supply_temperature_high")
        most = 60.0 if floor else 85.0
        if highest is not None:
            most = min(most, highest - _LIMIT_MARGIN_K)
        target = wanted.room_c + shift_k
        # The comfort band moves with the level, for it is read off the same collectors.
        moved_k = wanted.room_c - settings.target_room_c
        quantity = unit.asset.code in settings.quantity_units
        return MpcTask(
            target_c=target,
            low_c=min(settings.comfort_low_c + moved_k, target),
            high_c=max(settings.comfort_high_c + moved_k, target),
            supply_high_c=max(most, _LEAST_TOP_C),
            regulation=Regulation.QUANTITY if quantity else Regulation.QUALITY,
            quantity_supply_c=settings.quantity_supply_c,
            curve=design_from(unit.asset.attributes),
        )
