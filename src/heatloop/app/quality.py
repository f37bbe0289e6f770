"""The queue of abnormal data: read, handled by people, with cause, correction and reviewer."""

from __future__ import annotations

from statistics import median

from heatloop.app.audit import Audit
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.platform import Platform
from heatloop.app.quality_causes import CAUSES, Correction
from heatloop.app.quality_repair import Reviser, correct
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.views.quality import (
    CountOf,
    QualityCasePage,
    QualityCaseView,
    QualitySummary,
)
from heatloop.app.world import World
from heatloop.ingest.batch.model import Rule, Severity
from heatloop.ingest.batch.texts import NAMES
from heatloop.kernel.clock import utc
from heatloop.kernel.scope import Scope
from heatloop.plant.kinds import point_kinds
from heatloop.security.access import Permission, Principal, may
from heatloop.store.records import Records
from heatloop.store.records.quality import HANDLED, OPEN, CaseRow

_PERIOD_S = 30 * 86400.0
_MOST_NOTE = 1000


class Quality:
    """Reads and handles cases.

    Args:
        world: The present.
        records: Where cases are kept.
        historian: Time series; corrections are laid over them.
        audit: Trail of what people do.
    """

    def __init__(
        self, world: World, records: Records, historian: AsyncHistorian, audit: Audit
    ) -> None:
        self._world, self._records, self._audit = world, records, audit
        self._historian = historian

    @classmethod
    def of(cls, platform: Platform) -> Quality:
        """Return the queue of a platform."""
        return cls(platform.world, platform.records, platform.historian, platform.audit)

    async def page(
        self,
        scope: Scope,
        *,
        state: str,
        rule: str,
        point: str,
        least_severity: int,
        page: int,
        size: int,
    ) -> QualityCasePage:
        """Return a page of cases inside a scope, the weightiest and newest first."""
        total, rows = await in_thread(
            self._records.quality.list,
            assets=self._world.codes_in(scope),
            state=state if state in (OPEN, HANDLED) else "",
            rule=rule,
            point=point,
            least_severity=least_severity,
            offset=(page - 1) * size,
            limit=size,
        )
        return QualityCasePage(total=total, items=[self._view(row) for row in rows])

    async def one(self, scope: Scope, id: str) -> QualityCaseView:  # noqa: A002
        """Return one case inside a scope.

        Raises:
            Refused: There is none; one outside the scope is not told apart.
        """
        return self._view(await self._row(scope, id))

    async def summary(self, scope: Scope) -> QualitySummary:
        """Return how the queue stands and how long handling takes."""
        figures = await in_thread(
            self._records.quality.figures,
            assets=self._world.codes_in(scope),
            since=self._world.now_s() - _PERIOD_S,
        )
        rules = sorted(figures.open_by_rule.items(), key=lambda pair: -pair[1])
        took = figures.handling_s
        return QualitySummary(
            open=sum(figures.open_by_rule.values()),
            open_by_rule=[
                CountOf(name=name, zh=_rule_names(name)[0], en=_rule_names(name)[1], count=count)
                for name, count in rules
            ],
            open_high=figures.open_by_severity.get(Severity.HIGH, 0),
            handled=figures.handled,
            median_handling_h=round(median(took) / 3600.0, 3) if took else None,
            causes=[CountOf(name=name, zh=zh, en=en, count=0) for name, (zh, en) in CAUSES.items()],
        )

    async def handle(
        self,
        by: Principal,
        id: str,  # noqa: A002 - the name the interface has
        *,
        cause: str,
        correction: Correction,
        note: str,
    ) -> QualityCaseView:
        """Close a case; with a correction, lay estimates or a bad mark over what was measured.

        Raises:
            Refused: There is no such case, it was handled already, or nothing can be estimated.
            Forbidden: The user may not correct data.
        """
        row = await self._row(by.scope, id)
        if row.state != OPEN:
            raise Refused("case_handled", thing=id, detail=row.reviewer)
        if cause not in CAUSES:
            raise Refused("invalid", thing=cause, place="cause")
        method, corrected = "", 0
        if correction is not Correction.NONE:
            if not may(by, Permission.MANAGE_LEDGER):
                raise Forbidden("forbidden", thing=by.user, place="correction")
            historian = self._historian
            if not isinstance(historian, Reviser):
                raise Refused("no_estimate", thing=row.point, detail="no revisions in this store")
            method, corrected = await correct(self._world, historian, row, correction, by.user)
        done = await in_thread(
            self._records.quality.handle,
            id,
            cause=cause,
            correction=correction.value,
            method=method,
            corrected=corrected,
            note=note[:_MOST_NOTE],
            reviewer=by.user,
            at=self._world.now_s(),
        )
        if not done:
            raise Refused("case_handled", thing=id)
        await self._audit.add(
            by.user,
            "quality.handled",
            row.point or row.asset,
            case=id,
            rule=row.rule,
            cause=cause,
            correction=correction.value,
            method=method,
            samples=corrected,
            start=row.start_s,
            end=row.end_s,
        )
        return self._view(await self._row(by.scope, id))

    async def _row(self, scope: Scope, id: str) -> CaseRow:  # noqa: A002
        row = await in_thread(self._records.quality.get, id)
        if row is None or not self._world.sees(scope, row.asset):
            raise Refused("not_found", thing=id)
        return row

    def _view(self, row: CaseRow) -> QualityCaseView:
        ledger = self._world.ledger
        asset = ledger.assets.get(row.asset)
        point = ledger.points.get(row.point)
        kind = None if point is None else point_kinds()[point.kind]
        zh, en = _rule_names(row.rule)
        return QualityCaseView(
            id=row.id,
            asset=row.asset,
            asset_zh=row.asset if asset is None else asset.zh,
            asset_en=row.asset if asset is None else asset.en,
            point=row.point or None,
            kind_zh="" if kind is None else kind.zh,
            kind_en="" if kind is None else kind.en,
            unit="" if kind is None else kind.unit,
            rule=row.rule,
            rule_zh=zh,
            rule_en=en,
            severity=row.severity,
            start=utc(row.start_s),
            end=utc(row.end_s),
            samples=row.samples,
            value=row.value,
            expected=row.expected,
            text_zh=row.text_zh,
            text_en=row.text_en,
            found=utc(row.found_at),
            state=row.state,
            cause=row.cause or None,
            correction=row.correction or None,
            method=row.method or None,
            corrected=row.corrected,
            note=row.note,
            reviewer=row.reviewer or None,
            handled=None if row.handled_at is None else utc(row.handled_at),
        )


def _rule_names(name: str) -> tuple[str, str]:
    try:
        return NAMES[Rule[name.upper()]]
    except KeyError:
        return name, name
