"""Station control in operation: every quarter of an hour a strategy per unit, kept and proposed.

What is proposed reaches the arbiter beside the weather curve; the strategy stage of the unit says
whether it is written. A strategy that grows old, was rejected or could not be planned is silent,
and the curve goes on. Nothing here is needed by the alarm path or the command path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import structlog

from heatloop.app.audit import Audit
from heatloop.app.history import in_thread
from heatloop.app.layout import number
from heatloop.app.price_settings import PriceSettings
from heatloop.app.refusals import Refused
from heatloop.app.room_levels import RoomLevels
from heatloop.app.strategy_inputs import Ahead, Champion, UnitInputs, weather_ahead
from heatloop.app.strategy_settings import StrategySettings
from heatloop.app.strategy_words import reason_of, same
from heatloop.app.strategy_worker import FleetAnswer, FleetWork, PlantCap, UnitWork, plan_fleet
from heatloop.app.weather import Weather
from heatloop.app.workers import Workers
from heatloop.app.world import World
from heatloop.control.arbiter import Priority, Proposal
from heatloop.control.curve_strategy import PUMP, SUPPLY, Regulation
from heatloop.control.mpc_task import N_STEP, STEP_S, Floats, MpcPlan
from heatloop.kernel.errors import HeatloopError
from heatloop.security.access import Principal
from heatloop.store.records import Records
from heatloop.store.records.strategy import APPROVED, OBSERVED, PROPOSED, REJECTED, NewStrategy

_log = structlog.get_logger("heatloop.strategy")
SOURCE = "optimiser"
VALID_S = 4 * 3600.0
"""How long a kept strategy holds."""
STALE_S = 3600.0
"""A plan older than this is not followed, whatever was meant to hold longer."""
_PATIENCE_S = 300.0
PRIORITY = Priority.WISH - 1
"""Preferences are heard from the highest priority down and the last one wins: after the curve,
whose place it takes, and after wishes, which are in its target already. It narrows no bounds, for
bounds know no ramp and the unit would be handed over with a bump."""
_DESIGN_HZ, _LEAST_HZ, _MOST_HZ = 45.0, 20.0, 50.0
_DAY_S = 86400.0
_STATES = {"observe": OBSERVED, "advise": PROPOSED, "automatic": APPROVED}
_BY_STAGE = "stage"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Live:
    """The newest plan of a unit and the version it is kept as."""

    work: UnitWork
    """What it was made of."""
    plan: MpcPlan
    """The plan."""
    made_at: float
    """Plant time of its first step."""
    kept: NewStrategy
    """The version kept."""
    version: int
    """Its number."""
    model: str
    """`champion` or `design`."""


class Strategy:
    """Plans all units and proposes.

    Args:
        world: The present.
        records: Where strategies are kept.
        weather: Gives the forecast.
        workers: Who does the work.
        audit: Trail of decisions.
        settings: What is wanted.
        prices: What heat costs while it is not scarce.
        champion: Gives the learnt model of a unit by kind.
        wishes: Gives by how much heat users' wishes would move each unit, K.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        weather: Weather,
        workers: Workers,
        audit: Audit,
        settings: StrategySettings,
        prices: PriceSettings,
        *,
        champion: Champion = lambda unit, kind: None,
        wishes: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self._world, self._records, self._weather = world, records, weather
        self._workers, self._audit, self.settings = workers, audit, settings
        self._prices = prices
        self.champion, self._wishes = champion, wishes
        self.inputs = UnitInputs(world, settings, lambda unit, kind: self.champion(unit, kind))
        self.live: dict[str, Live] = {}
        """Newest plan by unit."""
        self.reason = "starting"
        """Why there are no plans: `starting`, `off`, `no_forecast`, `no_units`, `unavailable`."""
        self.detail = ""
        """The same in an English sentence."""
        self.answer: FleetAnswer | None = None
        """What the worker said last."""
        self.ahead: Ahead | None = None
        """The weather it was planned for."""
        self.caps: Callable[[float], Floats | None] = self._rated_cap
        """Gives the most heat all units may draw, by step from a time."""
        self.plant_caps: Callable[[float], Sequence[PlantCap]] = _no_caps
        """Gives the most heat of each network's units by the dispatch plan that is followed."""
        self.stands_back: Callable[[str], bool] = lambda unit: False
        """Says which units are left to the curve today, so that savings stay provable."""
        self._held: dict[str, float] = {}
        self._levels: RoomLevels | None = None
        self._one_at_a_time = asyncio.Lock()

    def aim_by(self, levels: RoomLevels) -> None:
        """Aim at the levels somebody learnt or set, which are loaded with the strategies."""
        self._levels, self.inputs.target = levels, levels.target

    async def load(self) -> None:
        """Take up which strategies were rejected and still hold, and what is aimed at."""
        if self._levels is not None:
            await self._levels.load()
        now_s = self._world.now_s()
        for row in await in_thread(self._records.strategies.live, now_s):
            if row.strategy.state == REJECTED:
                self._held[row.strategy.unit] = row.strategy.valid_until

    async def run(self, due: float) -> None:
        """Plan all units; never raises but when cancelled."""
        if not self.settings.enabled:
            self._say("off", "switched off")
            return
        async with self._one_at_a_time:
            try:
                await self._run(due)
            except HeatloopError as error:
                self._say("unavailable", error.message)
            except Exception as error:  # noqa: BLE001 - the curve goes on, screens must say why
                self._say("unavailable", repr(error))
        if due % _DAY_S < self.settings.interval_s:
            before = due - self.settings.kept_days * _DAY_S
            await in_thread(self._records.strategies.forget, before)

    async def _run(self, due: float) -> None:
        ahead = await weather_ahead(self._weather, due)
        units = await in_thread(self._works, due, ahead)
        if ahead is None:
            self._say("no_forecast", "no weather forecast reaches over the next day")
            return
        if not units:
            self._say("no_units", "the ledger has no unit of known size")
            return
        self.ahead = ahead
        scarcity = None if self.answer is None else self.answer.scarcity
        work = FleetWork(
            units=units,
            outdoor_c=ahead.outdoor_c,
            sun_kw_m2=ahead.sun_kw_m2,
            price_yuan_kwh=np.full(N_STEP, self._prices.heat_yuan_kwh),
            cap_kw=self.caps(due),
            caps=tuple(self.plant_caps(due)),
            start_price=scarcity,
        )
        answer = await self._workers.call(plan_fleet, _PATIENCE_S, work)
        self.answer = answer
        await self._keep(units, answer, ahead, due)
        self._say("", "")

    def _works(self, due: float, ahead: Ahead | None) -> list[UnitWork]:
        """Return the work of all units; moves the observers on."""
        wishes, found = self._wishes(), []
        outlook_c = float("nan") if ahead is None else float(ahead.outdoor_c.mean())
        if self._levels is not None:
            self._levels.outlook_c = outlook_c
        sun = 0.0
        hour = self._weather.present(due).hour
        if hour is not None and hour.solar_w_m2 is not None:
            sun = hour.solar_w_m2 / 1000.0
        for code, (unit, station) in self._world.layout.units.items():
            wish_k = wishes.get(code, 0.0)
            work = self.inputs.work(unit, station, due, sun, wish_k, outlook_c)
            if work is not None:
                found.append(work)
        return found

    def _rated_cap(self, start_s: float) -> Floats | None:
        """Return what all heat sources together are rated for, None if one's rating is unknown."""
        del start_s
        rated = [
            number(node.asset, "rated_load_kw") for node in self._world.layout.sources.values()
        ]
        known = [each for each in rated if each]
        if not known or len(known) < len(rated):
            return None
        return np.full(N_STEP, float(sum(known)))

    async def _keep(
        self, units: list[UnitWork], answer: FleetAnswer, ahead: Ahead, due: float
    ) -> None:
        """Keep what changed as a new version of its unit."""
        works = {unit.code: unit for unit in units}
        fresh: list[tuple[str, NewStrategy]] = []
        unchanged: dict[str, Live] = {}
        for code, plan in answer.plans.items():
            memory = self.inputs.memory[code]
            made = self._strategy(works[code], plan, ahead, due, memory.model_name)
            before = self.live.get(code)
            if before is not None and same(before.kept, made):
                unchanged[code] = before
            else:
                fresh.append((code, made))
        numbers = await in_thread(self._records.strategies.add, [made for _, made in fresh])
        kept = {
            code: (made, version) for (code, made), (_, version) in zip(fresh, numbers, strict=True)
        }
        kept |= {code: (live.kept, live.version) for code, live in unchanged.items()}
        self.live = {
            code: Live(
                work=works[code],
                plan=plan,
                made_at=due,
                kept=kept[code][0],
                version=kept[code][1],
                model=self.inputs.memory[code].model_name,
            )
            for code, plan in answer.plans.items()
        }

    def _strategy(
        self, work: UnitWork, plan: MpcPlan, ahead: Ahead, due: float, model: str
    ) -> NewStrategy:
        stage = self._world.stages.get(work.code, "observe")
        state = _STATES[stage]
        if self._held.get(work.code, 0.0) > due:
            state = REJECTED
        hourly = {
            "supply_c": plan.supply_c,
            "flow_m3h": plan.flow_kgs * 3.6,
            "pump_hz": pump_hz(plan, work),
            "room_c": plan.room_c,
            "heat_kw": plan.heat_kw,
        }
        per = int(3600.0 / STEP_S)
        return NewStrategy(
            unit=work.code,
            made_at=due,
            start_s=due,
            step_s=3600,
            valid_until=due + VALID_S,
            regulation=str(work.task.regulation),
            model=model,
            reason=reason_of(work, plan, ahead),
            relaxed=plan.relaxed,
            fallback=plan.fallback,
            state=state,
            decided_by=f"{_BY_STAGE}:{stage}" if state == APPROVED else "",
            target_c=float(np.mean(work.task.target_c)),
            values={
                name: np.round(row.reshape(-1, per).mean(axis=1), 1).tolist()
                for name, row in hourly.items()
                if np.all(np.isfinite(row))
            },
        )

    def proposals(self) -> list[Proposal]:
        """Return what is proposed to the arbiter now; silent where a plan is old or doubted."""
        now_s = self._world.now_s()
        found: list[Proposal] = []
        for code, live in self.live.items():
            age_s = now_s - live.made_at
            if live.plan.fallback or not -STEP_S <= age_s <= STALE_S:
                continue
            if self._held.get(code, 0.0) > now_s or self.stands_back(code):
                continue
            at = min(max(int(age_s // STEP_S), 0), len(live.plan.supply_c) - 1)
            values = {SUPPLY: float(live.plan.supply_c[at])}
            if live.work.task.regulation is Regulation.QUANTITY:
                values[PUMP] = float(pump_hz(live.plan, live.work)[at])
            for kind, wanted in values.items():
                found.append(
                    Proposal(
                        point=f"{code}.{kind}",
                        value=wanted,
                        source=SOURCE,
                        priority=PRIORITY,
                        reason=f"{SOURCE} {live.kept.reason}",
                    )
                )
        return found

    def is_followed(self, unit: str) -> bool:
        """Return whether a unit's strategy is proposed to the arbiter now."""
        return any(each.point.startswith(f"{unit}.") for each in self.proposals())

    async def decide(
        self, by: Principal, unit: str, version: int, *, approve: bool, note: str
    ) -> None:
        """Approve or reject a strategy; a rejected one leaves the unit to the curve while it held.

        Raises:
            Refused: There is no such unit inside the scope, no such version, or it holds no more.
        """
        asset = self._world.asset(by.scope, unit)
        row = None
        if asset.kind == "unit":
            row = await in_thread(self._records.strategies.get, unit, version)
        if row is None:
            raise Refused("not_found", thing=f"{unit} {version}")
        now_s = self._world.now_s()
        if row.strategy.valid_until <= now_s:
            raise Refused("invalid", thing=f"{unit} {version}", detail="it holds no more")
        state = APPROVED if approve else REJECTED
        await self._audit.add(
            by.user, "strategy.decide", unit, version=version, state=state, note=note
        )
        await in_thread(
            self._records.strategies.decide,
            unit, version, state=state, by=by.user, at=now_s, note=note,
        )  # fmt: skip
        if approve:
            self._held.pop(unit, None)
        else:
            self._held[unit] = row.strategy.valid_until

    def _say(self, reason: str, detail: str) -> None:
        if reason != self.reason and reason not in ("", "starting"):
            _log.warning("no strategies", reason=reason, detail=detail)
        elif not reason and self.reason:
            _log.info("strategies are made")
        self.reason, self.detail = reason, detail


def _no_caps(start_s: float) -> Sequence[PlantCap]:
    del start_s
    return ()


def pump_hz(plan: MpcPlan, work: UnitWork) -> Floats:
    """Return the pump speed that goes with a plan's flow, shape (n_step,)."""
    ratio = plan.flow_kgs / work.model.flow_kgs
    return np.clip(_DESIGN_HZ * ratio, _LEAST_HZ, _MOST_HZ)
