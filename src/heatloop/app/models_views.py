"""Learnt models as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np

from heatloop.app.history import in_thread
from heatloop.app.layout import Node
from heatloop.app.models import BUILDING, Models
from heatloop.app.refusals import Refused
from heatloop.app.views.models import (
    ModelCharacteristic,
    ModelDay,
    ModelDetail,
    ModelEvent,
    ModelEventPage,
    ModelPage,
    ModelSummary,
    ModelVersionView,
)
from heatloop.app.world import World
from heatloop.control.characteristic_cycle import Version
from heatloop.control.characteristic_error import Kind
from heatloop.control.learning.drift import LIMIT
from heatloop.control.learning.unit_rooms import room_model
from heatloop.control.unit_model import UnitModel
from heatloop.kernel.clock import utc
from heatloop.security.access import Principal
from heatloop.store.records import Records
from heatloop.store.records.models import EventRow, VersionRow

_DAY_S = 86400.0
_SHOWN_DAYS = 60
_MOST_VERSIONS = _MOST_EVENTS = 50


class ModelViews:
    """Answers questions about models.

    Args:
        world: The present.
        records: Where models are kept.
        models: Those in force.
    """

    def __init__(self, world: World, records: Records, models: Models) -> None:
        self._world, self._records, self._models = world, records, models

    def page(self, by: Principal, *, search: str, state: str, page: int, size: int) -> ModelPage:
        """Return a page of units inside the user's scope, those that need a look first.

        Args:
            by: Who asks.
            search: Part of a code or name.
            state: `learned`, `unlearned` or `drifting`; empty: all.
            page: From 1.
            size: Rows a page.
        """
        world = self._world
        units = [
            self._summary(node)
            for code, (node, _) in world.layout.units.items()
            if world.sees(by.scope, code)
        ]
        learned = sum(each.learned for each in units)
        drifting = sum(each.drift > LIMIT for each in units)
        wanted = search.strip().lower()
        if wanted:
            units = [u for u in units if wanted in f"{u.unit} {u.zh} {u.en}".lower()]
        if state == "drifting":
            units = [u for u in units if u.drift > LIMIT]
        elif state:
            units = [u for u in units if u.learned == (state == "learned")]
        units.sort(key=lambda u: (-(u.drift > LIMIT), u.unit))
        begin = (page - 1) * size
        return ModelPage(
            total=len(units), learned=learned, drifting=drifting, items=units[begin : begin + size]
        )

    async def detail(self, by: Principal, unit: str) -> ModelDetail:
        """Return one unit with its versions, days and events.

        Raises:
            Refused: There is no such unit inside the scope.
        """
        self._world.asset(by.scope, unit)
        pair = self._world.layout.units.get(unit)
        if pair is None:
            raise Refused("not_found", thing=unit)
        records = self._records.models
        _, versions = await in_thread(records.versions, unit, BUILDING, limit=_MOST_VERSIONS)
        since = int(self._world.now_s() // _DAY_S) - _SHOWN_DAYS
        days = await in_thread(records.days, unit, BUILDING, since)
        _, events = await in_thread(records.events, unit=unit, limit=_MOST_EVENTS)
        return ModelDetail(
            summary=self._summary(pair[0]),
            versions=[_version(row) for row in versions],
            days=[_day(*each) for each in days],
            events=[_event(row) for row in events],
            characteristics=[await self._characteristic(unit, kind, since) for kind in Kind],
        )

    async def _characteristic(self, unit: str, kind: Kind, since: int) -> ModelCharacteristic:
        records, known = self._records.models, self._models.characteristics
        _, versions = await in_thread(records.versions, unit, str(kind), limit=_MOST_VERSIONS)
        days = await in_thread(records.days, unit, str(kind), since)
        contest, row = known.contest(unit, kind), known.rows.get((unit, str(kind)))

        def number(version: Version | None) -> int | None:
            return None if version is None else version.number

        return ModelCharacteristic(
            kind=str(kind),
            version=None if contest is None else number(contest.champion),
            error=None if row is None else row.mae_k,
            error_unit="K" if kind is Kind.CURVE else "%",
            challenger=None if contest is None else number(contest.challenger),
            former=None if contest is None else number(contest.former),
            state="none" if row is None else row.state,
            looked=None if row is None else utc(row.at),
            versions=[_version(each) for each in versions],
            days=[_day(*each) for each in days],
        )

    async def events(self, by: Principal, *, page: int, size: int) -> ModelEventPage:
        """Return what happened to all models inside the scope, newest first."""
        _, rows = await in_thread(self._records.models.events, limit=10_000)
        seen = [row for row in rows if self._world.sees(by.scope, row.unit)]
        begin = (page - 1) * size
        return ModelEventPage(
            total=len(seen), items=[_event(row) for row in seen[begin : begin + size]]
        )

    def _summary(self, node: Node) -> ModelSummary:
        code = node.asset.code
        standing, row = self._models.standing(code), self._models.rows.get(code)
        champion = None if standing is None else standing.champion
        model = None if champion is None else champion.model
        sigma = None if model is None else model.relative_sigma.get("loss_kw_k")
        former = None if standing is None or standing.former is None else standing.former.number
        challenger = (
            None if standing is None or standing.challenger is None else standing.challenger.number
        )
        return ModelSummary(
            unit=code,
            zh=node.asset.zh,
            en=node.asset.en,
            version=None if champion is None else champion.number,
            learned=champion is not None and champion.learned,
            learned_until=None if champion is None else utc(champion.learned_until_s),
            loss_kw_k=None if model is None else round(model.loss_kw_k(), 3),
            loss_sigma_pct=None if sigma is None else round(100.0 * sigma, 2),
            capacity_kwh_k=None if model is None else round(sum(model.capacity_kj_k) / 3600.0, 2),
            time_constant_h=None if model is None else time_constant_h(model),
            mae_k=None if row is None else row.mae_k,
            drift=0.0 if row is None else row.drift,
            drift_limit=LIMIT,
            challenger=challenger,
            former=former,
            state="none" if row is None else row.state,
            looked=None if row is None else utc(row.at),
            failure=self._models.failures.get(code, ""),
        )


def time_constant_h(model: UnitModel) -> float:
    """Return the slowest time constant of a unit's rooms, h."""
    decay = float(np.max(room_model(model).modes(3600.0).decay))
    return round(-1.0 / math.log(min(max(decay, 1e-9), 1.0 - 1e-9)), 1)


def _version(row: VersionRow) -> ModelVersionView:
    return ModelVersionView(
        version=row.version,
        stage=row.stage,
        learned=row.learned,
        at=utc(row.at),
        data_from=utc(row.begin_s) if row.begin_s > 0.0 else None,
        data_until=utc(row.until_s),
        parent=row.parent,
        digest=row.digest,
        model=row.model,
        card=row.card,
    )


def _day(version: int, day: int, mae: float, bias: float) -> ModelDay:
    at = datetime.fromtimestamp(day * _DAY_S, UTC).date()
    return ModelDay(version=version, day=at, mae_k=mae, bias_k=bias)


def _event(row: EventRow) -> ModelEvent:
    return ModelEvent(
        at=utc(row.at),
        unit=row.unit,
        kind=row.kind,
        version=row.version,
        action=row.action,
        reason=row.reason,
        by=row.by,
        detail=row.detail,
    )
