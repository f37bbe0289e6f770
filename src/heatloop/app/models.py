"""Learnt models in operation: learned by night, compared, promoted, rolled back, and given out.

Nothing waits for learning: until it has a model, and whenever it has none, others work from the
design of the heating curve.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from heatloop.app.audit import SYSTEM, Audit
from heatloop.app.characteristics import Characteristics
from heatloop.app.fleet import Fleet
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.layout import number
from heatloop.app.learning_history import UnitPoints, histories_of, points_of
from heatloop.app.learning_work import LearnAnswer, LearnItem, learn_task
from heatloop.app.refusals import Refused
from heatloop.app.world import World
from heatloop.control.learning.night import Action, Standing
from heatloop.control.learning.plain import plain_of, standing_of
from heatloop.control.learning.registry import Stage, roll_back
from heatloop.control.unit_model import UnitModel
from heatloop.kernel.clock import utc
from heatloop.kernel.errors import InputError
from heatloop.security.access import Principal
from heatloop.station.curve import design_from
from heatloop.store.historian.port import DAY_S, HOUR_S
from heatloop.store.records import Records
from heatloop.store.records.models import EventRow, StandingRow, VersionRow

_log = structlog.get_logger("heatloop.models")
BUILDING = "building"
HISTORY_DAYS = 42
BY = "learning"
_AT_ONCE = 16
"""Units whose past is held in memory at a time."""
_PATIENCE_S = 120.0
_CHANGES = {
    Action.CHALLENGE: "model.challenge",
    Action.PROMOTE: "model.promote",
    Action.ROLL_BACK: "model.roll_back",
}


class Models:
    """Learns and keeps the models of all units.

    Args:
        world: The present.
        records: Where models are kept.
        historian: The past.
        fleet: Who works.
        audit: Trail of what changes.
        time_zone: IANA zone of the company.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        historian: AsyncHistorian,
        *,
        fleet: Fleet,
        audit: Audit,
        time_zone: str,
    ) -> None:
        self._world, self._records, self._historian = world, records, historian
        self._fleet, self._audit = fleet, audit
        self._zone = ZoneInfo(time_zone)
        self._standings: dict[str, Standing] = {}
        self.rows: dict[str, StandingRow] = {}
        """How each unit's last night went, by unit."""
        self._one_at_a_time = asyncio.Lock()
        self.failures: dict[str, str] = {}
        """Units whose last night failed, and why."""
        self.characteristics = Characteristics(records, audit)
        """Learned curves, valves and exchangers."""

    async def load(self) -> None:
        """Take up who was champion before a restart."""
        await self.characteristics.load()
        for row in await in_thread(self._records.models.standings, BUILDING):
            try:
                self._standings[row.unit] = standing_of(row.body["standing"])
            except (InputError, KeyError, TypeError, ValueError) as error:
                _log.error("kept model cannot be read", unit=row.unit, error=repr(error))
                continue
            self.rows[row.unit] = row

    def champion(self, unit: str, kind: str = BUILDING) -> UnitModel | None:
        """Return the model in force of a unit, None while there is none."""
        standing = self._standings.get(unit) if kind == BUILDING else None
        return None if standing is None else standing.champion.model

    def standing(self, unit: str) -> Standing | None:
        """Return who takes part for a unit."""
        return self._standings.get(unit)

    async def run(self, due: float) -> None:
        """Learn of all units up to the last local midnight."""
        async with self._one_at_a_time:
            layout = self._world.layout.units
            found = [points_of(self._world, unit, station) for unit, station in layout.values()]
            points = [each for each in found if each is not None]
            for at in range(0, len(points), _AT_ONCE):
                await self._nights(points[at : at + _AT_ONCE], due)

    async def learn_now(self, by: Principal, unit: str) -> None:
        """Do a unit's night at once.

        Raises:
            Refused: There is no such unit inside the scope, or nothing can be learned of it.
        """
        points = self._points(by, unit)
        async with self._one_at_a_time:
            await self._audit.add(by.user, "model.learn", unit)
            await self._nights([points], self._world.now_s())
        if unit in self.failures:
            raise Refused("unavailable", thing=unit, detail=self.failures[unit])

    async def roll_back(self, by: Principal, unit: str, reason: str, kind: str = BUILDING) -> None:
        """Put the former champion of a unit back in force.

        Raises:
            Refused: There is no such unit inside the scope, or no former champion.
        """
        self._points(by, unit)
        async with self._one_at_a_time:
            if kind != BUILDING:
                now_s = self._world.now_s()
                await self.characteristics.roll_back(by, unit, kind, reason, now_s)
                return
            standing, now_s = self._standings.get(unit), self._world.now_s()
            if standing is None:
                raise Refused("not_found", thing=unit, detail="no model yet")
            try:
                after, changes = roll_back(standing, now_s)
            except InputError as error:
                raise Refused("no_former_model", thing=unit) from error
            await self._audit.add(
                by.user,
                "model.roll_back",
                unit,
                before=standing.champion.number,
                after=after.champion.number,
                reason=reason,
            )
            event = EventRow(
                at=now_s,
                unit=unit,
                kind=BUILDING,
                version=after.champion.number,
                action=str(Action.ROLL_BACK),
                reason="by_hand",
                by=by.user,
                detail={"note": reason, "from": standing.champion.number},
            )
            row = self._row(unit, after, now_s, mae_k=None, drift=0.0, state="by_hand")
            stages = {change.number: str(change.stage) for change in changes}
            await in_thread(self._records.models.keep, row, stages=stages, events=[event])
            self._standings[unit], self.rows[unit] = after, row

    def _points(self, by: Principal, unit: str) -> UnitPoints:
        self._world.asset(by.scope, unit)
        pair = self._world.layout.units.get(unit)
        points = None if pair is None else points_of(self._world, *pair)
        if points is None:
            raise Refused("not_found", thing=unit, detail="no unit with heat and weather")
        return points

    def _midnight(self, at_s: float) -> tuple[int, float]:
        """Return the last local midnight in whole hours, and local time less UTC."""
        local = utc(at_s).astimezone(self._zone)
        offset = local.utcoffset() or timedelta(0)
        begin = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return int(begin.timestamp() // HOUR_S * HOUR_S), offset.total_seconds()

    async def _nights(self, points: Sequence[UnitPoints], due: float) -> None:
        end_s, offset_s = self._midnight(due)
        start_s = end_s - HISTORY_DAYS * DAY_S
        histories = await histories_of(self._historian, points, start_s, end_s, offset_s)
        items = []
        for each, history in zip(points, histories, strict=True):
            asset = self._world.ledger.assets[each.unit]
            items.append(
                LearnItem(
                    history=history,
                    standing=self._standings.get(each.unit),
                    next_number=await self._next(each.unit),
                    design=design_from(asset.attributes),
                    design_heat_kw=number(asset, "design_load_kw"),
                    area_m2=number(asset, "heated_area_m2"),
                    others=await self.characteristics.known(each.unit),
                )
            )
        names = [each.unit for each in points]
        outcome = await self._fleet.map(learn_task, items, names=names, timeout_s=_PATIENCE_S)
        for name in names:
            self.failures.pop(name, None)
        self.failures |= {each.name: each.reason for each in outcome.failures}
        for each, answer in zip(points, outcome.answers, strict=True):
            if answer is not None and answer.standing is not None:
                await self._keep(each.unit, answer, float(end_s))
                await self.characteristics.keep(each.unit, answer.others, float(end_s))

    async def _next(self, unit: str) -> int:
        _, rows = await in_thread(self._records.models.versions, unit, BUILDING, limit=1)
        return rows[0].version + 1 if rows else 1

    async def _keep(self, unit: str, answer: LearnAnswer, at_s: float) -> None:
        after, before = answer.standing, self._standings.get(unit)
        assert after is not None
        made = answer.made
        version = None
        if made is not None:
            stage = Stage.CHAMPION if made is after.champion else Stage.CHALLENGER
            if made.number == after.champion.number:
                stage = Stage.CHAMPION
            version = VersionRow(
                unit=unit,
                kind=BUILDING,
                version=made.number,
                stage=str(stage),
                learned=made.learned,
                at=at_s,
                begin_s=made.begin_s,
                until_s=made.learned_until_s,
                parent=0 if before is None else before.champion.number,
                digest=answer.digest,
                model=made.model.to_dict(),
                card=answer.card or {},
            )
        events: list[EventRow] = []
        if answer.action != Action.NONE:
            events.append(
                EventRow(
                    at=at_s,
                    unit=unit,
                    kind=BUILDING,
                    version=_subject(answer, before, after),
                    action=answer.action,
                    reason=answer.reason,
                    by=BY,
                    detail=answer.detail or {},
                )
            )
        if answer.action in (Action.PROMOTE, Action.ROLL_BACK) and before is not None:
            await self._audit.add(
                SYSTEM,
                _CHANGES[Action(answer.action)],
                unit,
                before=before.champion.number,
                after=after.champion.number,
                reason=answer.reason,
            )
        row = self._row(
            unit, after, at_s, mae_k=answer.mae_k, drift=answer.drift, state=answer.reason
        )
        await in_thread(
            self._records.models.keep,
            row,
            version=version,
            stages={change.number: str(change.stage) for change in answer.changes},
            events=events,
            days=answer.days,
        )
        self._standings[unit], self.rows[unit] = after, row

    def _row(
        self,
        unit: str,
        standing: Standing,
        at_s: float,
        *,
        mae_k: float | None,
        drift: float,
        state: str,
    ) -> StandingRow:
        body: dict[str, Any] = {"standing": plain_of(standing)}
        return StandingRow(
            unit=unit, kind=BUILDING, at=at_s, mae_k=mae_k, drift=drift, state=state, body=body
        )


def _subject(answer: LearnAnswer, before: Standing | None, after: Standing) -> int:
    """Return the version an event is about."""
    if answer.made is not None:
        return answer.made.number
    if answer.action == Action.REJECT and before is not None and before.challenger is not None:
        return before.challenger.number
    return after.champion.number
