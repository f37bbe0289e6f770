"""Every ten minutes of plant time: what each unit's set-points should be, written where allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from heatloop.app.command_checks import CommandChecks
from heatloop.app.commands import Commands
from heatloop.app.history import in_thread
from heatloop.app.latest import Positions
from heatloop.app.layout import Node, StationNode
from heatloop.app.queries.overview import fresh_rooms, outdoor_c, value
from heatloop.app.refusals import Refused
from heatloop.app.world import World
from heatloop.control.arbiter import Proposal
from heatloop.control.curve_strategy import PUMP, SUPPLY, UnitState
from heatloop.control.cycle import ControlCycle, Outcome
from heatloop.control.strategy import Stage
from heatloop.kernel.messages import Plan
from heatloop.station.curve import design_from
from heatloop.station.modes import mode_of
from heatloop.store.records import Records

BY = "curve"
_TRIMS = "control.trims"
_LATEST_WRITES = 2000
_LEAST_ROOMS = 3
_LIMIT_MARGIN_K = 2.0
_NO_ROOMS: Positions = np.empty(0, np.intp)


class CurveJob:
    """Runs the control cycle over all units."""

    def __init__(
        self, world: World, records: Records, commands: Commands, checks: CommandChecks
    ) -> None:
        self._world, self._records = world, records
        self._commands, self._checks = commands, checks
        self._cycle = ControlCycle()
        self.plans: dict[str, Plan] = {}
        """Latest plan per point."""
        self.others: Callable[[], Iterable[Proposal]] = tuple
        """Gives the proposals of other strategies, for the arbiter."""
        self.wishes: Callable[[], Mapping[str, float]] = dict
        """Gives by how much heat users' wishes would move each unit, K."""
        self.wish_most_k = 0.0
        """How far they may, K."""

    async def load(self) -> None:
        """Take up what was learnt and written before a restart."""
        learnt = await in_thread(self._records.settings.get, _TRIMS)
        _, rows = await in_thread(self._records.commands.list, limit=_LATEST_WRITES)
        written: dict[str, float] = {}
        for row in rows:
            if row.requested_by == BY:
                written.setdefault(row.command.point, row.command.issued)
        trims = learnt.value if learnt is not None else {}
        self._cycle.restore({unit: float(trim) for unit, trim in trims.items()}, written)

    async def keep(self) -> None:
        """Write down the learnt corrections, so that a restart does not lose half a day of them."""
        trims = {unit: round(trim, 3) for unit, trim in self._cycle.trims.items() if trim}
        if trims:
            now_s = self._world.now_s()
            await in_thread(
                self._records.settings.set, _TRIMS, trims, source="learnt", by=BY, at=now_s
            )

    async def run(self, due: float) -> None:
        """Decide all set-points and issue what may be written."""
        world = self._world
        outdoor = outdoor_c(world)
        if outdoor is None:
            return
        rooms = self._rooms_by_unit()
        units = [
            self._state(unit, station, rooms.get(unit.asset.code))
            for unit, station in world.layout.units.values()
            if world.is_online(station)
        ]
        for outcome in self._cycle.step(
            units, outdoor, due, self.others(), self.wishes(), self.wish_most_k
        ):
            self.plans[outcome.plan.point] = outcome.plan
            if outcome.write is not None:
                await self._issue(outcome, due)

    def _rooms_by_unit(self) -> dict[str, float]:
        """Return the mean of fresh rooms per unit that has enough of them."""
        world, found = self._world, {}
        for unit in world.layout.units:
            values = fresh_rooms(world, world.layout.rooms_of.get(unit, _NO_ROOMS))
            if len(values) >= _LEAST_ROOMS:
                found[unit] = float(values.mean())
        return found

    def _state(self, unit: Node, station: StationNode, room_c: float | None) -> UnitState:
        world = self._world
        floor = unit.asset.attributes.get("emitter") == "floor"
        highest = value(world, unit, "limit_supply_temperature_high")
        kind_high = 60.0 if floor else 85.0
        return UnitState(
            code=unit.asset.code,
            design=design_from(unit.asset.attributes),
            room_mean_c=room_c,
            mode=mode_of(value(world, unit, "station_mode")),
            stage=Stage(world.stages.get(unit.asset.code, "observe")),
            setpoint_c=value(world, unit, SUPPLY),
            setpoint_hz=value(world, unit, PUMP),
            supply_c=value(world, unit, "secondary_supply_temperature"),
            supply_high_c=kind_high
            if highest is None
            else min(highest - _LIMIT_MARGIN_K, kind_high),
        )

    async def _issue(self, outcome: Outcome, due: float) -> None:
        point = self._world.ledger.points.get(outcome.plan.point)
        if point is None:
            return
        wanted = outcome.plan.values[0]
        try:
            self._checks.allow(point, wanted, "automatic")
        except Refused:
            return  # The station changed under the plan; the next pass sees it as it is.
        reason = f"{outcome.plan.reason} ({outcome.write})"
        await self._commands.issue(point, wanted, "automatic", BY, reason)
        self._cycle.written(point.code, due)
