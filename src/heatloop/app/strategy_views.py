"""Strategies as people read them: cards, the plan of one unit, its versions."""

from __future__ import annotations

import math
from datetime import datetime
from typing import SupportsFloat

from heatloop.app.history import in_thread
from heatloop.app.layout import Node, StationNode
from heatloop.app.queries.overview import mode, value
from heatloop.app.refusals import Refused
from heatloop.app.strategy import Live, Strategy, pump_hz
from heatloop.app.views.strategies import (
    DoubtedSensor,
    StrategyCard,
    StrategyPage,
    StrategyStep,
    StrategyVersion,
    StrategyVersionPage,
    StrategyView,
)
from heatloop.app.world import World
from heatloop.control.curve_strategy import SUPPLY
from heatloop.control.mpc_task import STEP_S
from heatloop.kernel.clock import utc
from heatloop.kernel.scope import Scope
from heatloop.store.records import Records
from heatloop.store.records.strategy import StrategyRow


class StrategyViews:
    """Reads strategies.

    Args:
        world: The present.
        records: Versions kept.
        strategy: What is meant now.
    """

    def __init__(self, world: World, records: Records, strategy: Strategy) -> None:
        self._world, self._records, self._strategy = world, records, strategy

    async def page(self, scope: Scope, page: int, size: int) -> StrategyPage:
        """Return a page of the units inside a scope, by code."""
        units = [
            (unit, station)
            for code, (unit, station) in sorted(self._world.layout.units.items())
            if self._world.sees(scope, code)
        ]
        followed = self._followed()
        chosen = units[(page - 1) * size : page * size]
        held = await in_thread(self._states, [unit.asset.code for unit, _ in chosen])
        answer = self._strategy.answer
        return StrategyPage(
            total=len(units),
            reason=self._strategy.reason,
            detail=self._strategy.detail,
            scarce=answer is not None and answer.scarcity is not None,
            violation_pct=0.0 if answer is None else round(100.0 * answer.violation, 2),
            failed=0 if answer is None else len(answer.failed),
            items=[
                self._card(unit, station, followed, held.get(unit.asset.code))
                for unit, station in chosen
            ],
        )

    async def one(self, scope: Scope, code: str) -> StrategyView:
        """Return a unit's strategy as it is now.

        Raises:
            Refused: There is no such unit inside the scope.
        """
        unit, station = self._unit(scope, code)
        held = await in_thread(self._states, [code])
        live = self._strategy.live.get(code)
        memory = self._strategy.inputs.memory.get(code)
        state = None if memory is None else memory.observer.state
        reading = None if memory is None else memory.reading
        return StrategyView(
            card=self._card(unit, station, self._followed(), held.get(code)),
            wall_c=None if state is None else _told(state.mean[1]),
            unknown_heat_kw=None if state is None else _told(state.mean[2]),
            sensors=0 if reading is None else len(reading.used),
            doubted=[]
            if memory is None or reading is None
            else [
                DoubtedSensor(
                    point=self._point(name),
                    reason=why,
                    trust=round(memory.sensing.memory[name].trust, 2),
                )
                for name, why in reading.doubted.items()
            ],
            low_c=None if live is None else _told(live.work.task.low_c),
            high_c=None if live is None else _told(live.work.task.high_c),
            steps=[] if live is None else self._steps(live),
        )

    async def versions(self, scope: Scope, code: str, page: int, size: int) -> StrategyVersionPage:
        """Return a page of a unit's versions, newest first.

        Raises:
            Refused: There is no such unit inside the scope.
        """
        self._unit(scope, code)
        total, rows = await in_thread(
            self._records.strategies.list, code, offset=(page - 1) * size, limit=size
        )
        return StrategyVersionPage(total=total, items=[_version(row) for row in rows])

    def _unit(self, scope: Scope, code: str) -> tuple[Node, StationNode]:
        self._world.asset(scope, code)
        found = self._world.layout.units.get(code)
        if found is None:
            raise Refused("not_found", thing=code)
        return found

    def _followed(self) -> set[str]:
        return {each.point.partition(".")[0] for each in self._strategy.proposals()}

    def _states(self, codes: list[str]) -> dict[str, str]:
        """Return the state kept of the newest version of some units; decisions change it."""
        found = {}
        for code in codes:
            live = self._strategy.live.get(code)
            if live is not None:
                row = self._records.strategies.get(code, live.version)
                found[code] = live.kept.state if row is None else row.strategy.state
        return found

    def _card(
        self, unit: Node, station: StationNode, followed: set[str], state: str | None
    ) -> StrategyCard:
        code, world = unit.asset.code, self._world
        live = self._strategy.live.get(code)
        own = station.node.asset
        memory = self._strategy.inputs.memory.get(code)
        wanted = None if memory is None else memory.target
        planned = None
        if live is not None:
            at = int((world.now_s() - live.made_at) // STEP_S)
            if 0 <= at < len(live.plan.supply_c):
                planned = _told(live.plan.supply_c[at])
        return StrategyCard(
            unit=code,
            zh=unit.asset.zh,
            en=unit.asset.en,
            station=own.code,
            station_zh=own.zh,
            station_en=own.en,
            stage=world.stages.get(code, "observe"),
            mode=mode(world, unit),
            version=None if live is None else live.version,
            state=state,
            followed=code in followed,
            reason="" if live is None else live.kept.reason,
            relaxed=[] if live is None else list(live.plan.relaxed),
            made=None if live is None else utc(live.made_at),
            valid_until=None if live is None else utc(live.kept.valid_until),
            regulation="" if live is None else str(live.work.task.regulation),
            model="" if live is None else live.model,
            target_c=None if live is None else round(live.kept.target_c, 2),
            target_source="" if wanted is None else wanted.source,
            room_c=None if live is None else _told(live.work.state.room_c),
            supply_c=planned,
            setpoint_c=value(world, unit, SUPPLY),
        )

    def _steps(self, live: Live) -> list[StrategyStep]:
        plan, ahead = live.plan, self._strategy.ahead
        hz = pump_hz(plan, live.work)
        return [
            StrategyStep(
                at=utc(live.made_at + at * STEP_S),
                supply_c=_told(plan.supply_c[at]),
                flow_m3h=_told(3.6 * plan.flow_kgs[at]),
                pump_hz=_told(hz[at]),
                room_c=_told(plan.room_c[at]),
                heat_kw=_told(plan.heat_kw[at]),
                outdoor_c=None if ahead is None else _told(ahead.outdoor_c[at]),
            )
            for at in range(len(plan.supply_c))
        ]

    def _point(self, key: str) -> str:
        point = self._world.ledger.by_key.get(int(key))
        return key if point is None else point.code


def _told(number: SupportsFloat) -> float | None:
    """Return a number people can read, None for none."""
    plain = float(number)
    return round(plain, 2) if math.isfinite(plain) else None


def _version(row: StrategyRow) -> StrategyVersion:
    kept = row.strategy
    count = max((len(values) for values in kept.values.values()), default=0)

    def at(name: str, step: int) -> float | None:
        values = kept.values.get(name, [])
        return values[step] if step < len(values) else None

    def when(step: int) -> datetime:
        return utc(kept.start_s + step * kept.step_s)

    return StrategyVersion(
        unit=kept.unit,
        version=row.version,
        made=utc(kept.made_at),
        valid_until=utc(kept.valid_until),
        state=kept.state,
        decided_by=kept.decided_by,
        decided=None if row.decided_at is None else utc(row.decided_at),
        note=row.note,
        reason=kept.reason,
        relaxed=list(kept.relaxed),
        fallback=kept.fallback,
        regulation=kept.regulation,
        model=kept.model,
        target_c=kept.target_c,
        steps=[
            StrategyStep(
                at=when(step),
                supply_c=at("supply_c", step),
                flow_m3h=at("flow_m3h", step),
                pump_hz=at("pump_hz", step),
                room_c=at("room_c", step),
                heat_kw=at("heat_kw", step),
                outdoor_c=None,
            )
            for step in range(count)
        ],
    )
