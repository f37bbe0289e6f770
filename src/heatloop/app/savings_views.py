"""The savings ledger as people read it."""

from __future__ import annotations

import math
from typing import Any

from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.savings import LEVEL, Savings, told_of
from heatloop.app.savings_days import date_of
from heatloop.app.savings_ledger import ALL, ASSESSMENT, BASELINES, DAYS
from heatloop.app.views.savings import (
    SavingsCurve,
    SavingsDay,
    SavingsEntry,
    SavingsEntryPage,
    SavingsFigure,
    SavingsOverview,
    SavingsUnit,
)
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.scope import Scope
from heatloop.kpi.savings_day import Day, Prices
from heatloop.kpi.savings_result import Against, DaySaving, verdict_of
from heatloop.store.records import Records
from heatloop.store.records.savings import EntryRow
from heatloop.store.records.savings_baselines import BaselineRow

_CURVES = 10
_NO_CURVE: dict[str, Any] = {"baseline": "refused", "reason": "not_tuned", "curve": 0}


class SavingsViews:
    """Answers questions about savings.

    Args:
        world: The present.
        records: Where the ledger is kept.
        savings: The ledger.
    """

    def __init__(self, world: World, records: Records, savings: Savings) -> None:
        self._world, self._records, self._savings = world, records, savings

    async def overview(self, scope: Scope, *, page: int, size: int) -> SavingsOverview:
        """Return all units in sight as they were judged last."""
        _, rows = await in_thread(self._records.savings.entries, kind=ASSESSMENT, limit=1)
        if not rows:
            return SavingsOverview(
                at=None, entry=None, level_pct=100.0 * LEVEL, total=None, count=0, items=[]
            )
        seen = self._seen(scope, rows[0].content["units"])
        figures = [self._figure(code, told) for code, told in seen.items()]
        figures.sort(key=lambda figure: (-figure.saving_yuan, figure.subject))
        first = (page - 1) * size
        return SavingsOverview(
            at=utc(rows[0].at),
            entry=rows[0].number,
            level_pct=100.0 * float(rows[0].content["level"]),
            total=_together(figures),
            count=len(figures),
            items=figures[first : first + size],
        )

    def _seen(self, scope: Scope, units: dict[str, Any]) -> dict[str, Any]:
        codes = self._world.codes_in(scope)
        return {code: told for code, told in units.items() if codes is None or code in codes}

    def _figure(self, code: str, told: dict[str, Any]) -> SavingsFigure:
        asset = self._world.ledger.assets.get(code)
        return _figure(code, *(("", "") if asset is None else (asset.zh, asset.en)), told)

    async def unit(self, scope: Scope, code: str) -> SavingsUnit:
        """Return one unit day by day, with the curves it is measured against.

        Raises:
            Refused: There is no such unit inside the scope.
        """
        asset = self._world.asset(scope, code)
        if asset.kind != "unit":
            raise Refused("not_found", thing=code)
        savings, now_s = self._savings, self._world.now_s()
        days, found = await in_thread(savings.assessed, code, savings.days.of(now_s))
        _, rows = await in_thread(self._records.baselines.of, code, limit=_CURVES)
        judged = {row.number: row for row in found.days}
        back = savings.back_today(code, now_s)
        return SavingsUnit(
            figure=_figure(code, asset.zh, asset.en, told_of(found) | savings.standing_of(code)),
            cvrmse_pct=_finite(100.0 * found.cvrmse),
            base_c=_finite(found.base_c),
            switch_back=back,
            switch_back_curve="tuned" if savings.baselines.runs(code) else "standing",
            failure=savings.baselines.failures.get(code, ""),
            curves=[_curve(row) for row in rows],
            days=[_day(day, judged.get(day.number), savings.prices) for day in days],
        )

    async def entries(self, scope: Scope, *, page: int, size: int) -> SavingsEntryPage:
        """Return a page of entries, newest first, with the units in sight."""
        total, rows = await in_thread(
            self._records.savings.entries, offset=(page - 1) * size, limit=size
        )
        return SavingsEntryPage(total=total, items=[self._entry(scope, row) for row in rows])

    def _entry(self, scope: Scope, row: EntryRow) -> SavingsEntry:
        content, codes = dict(row.content), self._world.codes_in(scope)
        if row.kind == ASSESSMENT:
            content["units"] = self._seen(scope, content["units"])
        elif row.kind in (DAYS, BASELINES):
            for name in ("rows", "gains"):
                if name in content:
                    content[name] = [
                        r for r in content[name] if codes is None or r["subject"] in codes
                    ]
        elif codes is not None and row.subject not in codes:
            content = {}
        return SavingsEntry(
            number=row.number,
            at=utc(row.at),
            who=row.who,
            subject=row.subject,
            kind=row.kind,
            content=content,
            before=row.before,
            digest=row.digest,
        )


def _day(day: Day, row: DaySaving | None, prices: Prices) -> SavingsDay:
    return SavingsDay(
        day=date_of(day.number),
        mode=str(day.mode),
        heat_kwh=day.heat_kwh,
        cost_yuan=day.cost_yuan(prices),
        cold_yuan=prices.cold_yuan_m2kh * day.cold_m2kh,
        outdoor_c=day.outdoor_c,
        tuning_yuan=day.gain_yuan if day.based else None,
        expected_yuan=None if row is None else row.expected_yuan,
        saving_yuan=None if row is None else row.saving_yuan,
        low_yuan=None if row is None else row.low_yuan,
        high_yuan=None if row is None else row.high_yuan,
        total_yuan=None if row is None else row.total_yuan,
        total_low_yuan=None if row is None else row.total_low_yuan,
        total_high_yuan=None if row is None else row.total_high_yuan,
    )


def _curve(row: BaselineRow) -> SavingsCurve:
    return SavingsCurve(
        version=row.version,
        at=utc(row.at),
        from_day=date_of(row.from_day),
        seen_from=date_of(row.seen_from_day),
        seen_until=date_of(row.seen_until_day),
        model_version=row.model_version,
        baseline=row.baseline,
        reason=row.reason,
        settings=row.body.get("settings", {}),
        figures=row.body.get("figures", {}),
        check=row.body.get("check", {}),
        trial=row.body.get("trial", {}),
        standing=row.body.get("standing", {}),
        digest=row.digest,
        entry=row.entry,
        approval=row.approval,
        decided_by=row.decided_by,
        decided_at=None if row.decided_at is None else utc(row.decided_at),
        note=row.note,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _figure(code: str, zh: str, en: str, told: dict[str, Any]) -> SavingsFigure:
    expected = float(told["expected_yuan"])

    def pct(what: str) -> float | None:
        return 100.0 * float(told[what]) / expected if expected else None

    # Entries of before curves were tuned say nothing of one: they were measured by the standing.
    known: dict[str, Any] = (
        {"against": str(Against.STANDING), "tuning_yuan": 0.0} | _NO_CURVE | told
    )
    return SavingsFigure(
        subject=code,
        zh=zh,
        en=en,
        **known,
        saving_pct=pct("saving_yuan"),
        low_pct=pct("low_yuan"),
        high_pct=pct("high_yuan"),
    )


def _together(figures: list[SavingsFigure]) -> SavingsFigure | None:
    """Return all units together; their errors are taken to go together, the cautious end.

    Only units measured against a tuned curve prove anything; where there are none, the others are
    summed without a proof.
    """
    judged = [figure for figure in figures if figure.strategy_days and figure.expected_yuan]
    tuned = [figure for figure in judged if figure.against == Against.TUNED]
    if not judged:
        return None
    of = tuned or judged
    told: dict[str, Any] = {
        name: sum(getattr(figure, name) for figure in of)
        for name in ("saving_yuan", "low_yuan", "high_yuan", "expected_yuan", "tuning_yuan",
                     "baseline_days", "strategy_days")
    }  # fmt: skip
    verdict = verdict_of(told["low_yuan"], told["high_yuan"])
    told["against"] = str(Against.TUNED if tuned else Against.STANDING)
    if not tuned and verdict == "saving":
        verdict = type(verdict).NOT_PROVEN
    told |= {"verdict": str(verdict), "baseline": "", "reason": "", "curve": 0}
    return _figure(ALL, "全部机组", "all units", told)
