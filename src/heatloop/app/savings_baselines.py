"""The curves savings are measured against: tuned every week, kept with what they were made of.

A curve judges only days after those it was tuned on. One that is refused is kept too, with the
reason: from then on no saving of the unit is proven.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import structlog

from heatloop.app.audit import Audit
from heatloop.app.fleet import Fleet
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.learning_history import UnitPoints, histories_of, points_of
from heatloop.app.refusals import Refused
from heatloop.app.savings_days import LocalDays
from heatloop.app.savings_ledger import ALL, APPROVAL, BASELINES, SavingsLedger
from heatloop.app.savings_rows import knobs_of, new_row
from heatloop.app.savings_trials import TuneItem, trial_weather, tune_task
from heatloop.app.savings_units import Candidate, TrialUnits
from heatloop.app.world import World
from heatloop.control.curve_trial import Floats, TrialWeather
from heatloop.control.tuned_curve import AS_DELIVERED
from heatloop.control.tuned_result import Baseline, Refusal, TrialPrices, TunedResult
from heatloop.security.access import Principal
from heatloop.store.historian.port import DAY_S
from heatloop.store.records import Records
from heatloop.store.records.savings_baselines import Approval, BaselineRow

_log = structlog.get_logger("heatloop.savings")
HISTORY_DAYS = 42
_UNITS_AT_ONCE = 16
_NOT_YET = (Refusal.NO_MODEL, Refusal.FEW_DAYS)
_PATIENCE_S = 300.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Case:
    """Units that are tried under one weather."""

    candidates: list[Candidate]
    weather: TrialWeather | None


class Baselines:
    """Tunes curves, keeps them, and tells what they would have saved.

    Args:
        world: The present.
        records: Where they are kept.
        historian: The past.
        fleet: Who works.
        audit: Trail of decisions.
        ledger: The chain.
        units: Units as they are tried.
        days: Local days.
        prices: What is paid.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        historian: AsyncHistorian,
        *,
        fleet: Fleet,
        audit: Audit,
        ledger: SavingsLedger,
        units: TrialUnits,
        days: LocalDays,
        prices: TrialPrices,
    ) -> None:
        self._world, self._records, self._historian = world, records, historian
        self._fleet, self._audit, self._ledger = fleet, audit, ledger
        self._units, self._days, self._prices = units, days, prices
        self.newest: dict[str, BaselineRow] = {}
        """Newest of each unit."""
        self.waiting: dict[str, str] = {}
        """Units that have no curve yet for want of a model or of days: why."""
        self.failures: dict[str, str] = {}
        """Units whose last tuning failed, and why."""

    async def load(self) -> None:
        """Take up what stood before a restart."""
        rows = await in_thread(self._records.baselines.newest)
        self.newest = {row.subject: row for row in rows}

    def runs(self, unit: str) -> bool:
        """Return whether a unit's tuned curve is approved for its switch-back days."""
        row = self.newest.get(unit)
        return row is not None and row.baseline == Baseline.TUNED and row.approval == "approved"

    async def run(self, due: float) -> None:
        """Tune the curves of all units anew; those in force stay unless clearly beaten."""
        layout = self._world.layout.units
        found = [points_of(self._world, unit, station) for unit, station in layout.values()]
        await self.tune([each for each in found if each is not None], due)

    async def tune_now(self, by: Principal, unit: str) -> None:
        """Tune a unit's curve at once.

        Raises:
            Refused: There is no such unit inside the scope, or its tuning failed.
        """
        self._world.asset(by.scope, unit)
        pair = self._world.layout.units.get(unit)
        points = None if pair is None else points_of(self._world, *pair)
        if points is None:
            raise Refused("not_found", thing=unit, detail="no unit with heat and weather")
        await self._audit.add(by.user, "savings.tune", unit)
        await self.tune([points], self._world.now_s())
        if unit in self.failures:
            raise Refused("unavailable", thing=unit, detail=self.failures[unit])

    async def tune(self, points: Sequence[UnitPoints], due: float) -> None:
        """Tune the curves of some units on the days before today."""
        today = self._days.of(due)
        power = await in_thread(self._records.savings.mean_power_kwh, today - HISTORY_DAYS)
        cases = [
            await self._case(points[at : at + _UNITS_AT_ONCE], today, power)
            for at in range(0, len(points), _UNITS_AT_ONCE)
        ]
        tried = [case for case in cases if case.weather is not None and _tried(case)]
        outcome = await self._fleet.map(
            tune_task,
            [self._item(case) for case in tried],
            names=[case.candidates[0].code for case in tried],
            timeout_s=_PATIENCE_S,
        )
        failed = {each.name: each.reason for each in outcome.failures}
        results: dict[str, TunedResult] = {}
        few: set[str] = set()
        for case, answer in zip(tried, outcome.answers, strict=True):
            codes = [each.code for each in _tried(case)]
            for code in codes:
                self.failures.pop(code, None)
            if answer is None:
                reason = failed.get(case.candidates[0].code, "")
                self.failures |= dict.fromkeys(codes, reason)
            elif not answer:
                few.update(codes)
            else:
                results |= dict(zip(codes, answer, strict=True))
        rows = []
        for case in cases:
            for candidate in case.candidates:
                row = new_row(
                    candidate,
                    results.get(candidate.code),
                    case.weather,
                    before=self.newest.get(candidate.code),
                    few_days=candidate.code in few,
                    today=today,
                    at=due,
                )
                if row is None:
                    continue
                if row.version == 1 and row.reason in _NOT_YET:
                    # That nothing is known of a unit yet is no event.
                    self.waiting[candidate.code] = row.reason
                else:
                    self.waiting.pop(candidate.code, None)
                    rows.append(row)
        if rows:
            content = {"rows": [row.told() for row in rows]}
            await in_thread(self._ledger.add, due, ALL, BASELINES, content, baselines=rows)
            self.newest |= {row.subject: row for row in rows}
            _log.info("curves tuned", units=len(points), new=len(rows))

    async def _case(self, points: Sequence[UnitPoints], today: int, power: Any) -> _Case:
        start_s = self._days.start_s(today - HISTORY_DAYS)
        end_s = start_s + HISTORY_DAYS * DAY_S
        histories = await histories_of(self._historian, points, start_s, end_s, 0.0)
        weather = None
        if histories:
            weather = trial_weather(histories[0].outdoor_c, histories[0].sun_kw_m2)
        candidates = [
            await in_thread(self._units.candidate, each, power.get(each.unit, 0.0))
            for each in histories
        ]
        return _Case(candidates=candidates, weather=weather)

    def _item(self, case: _Case) -> TuneItem:
        assert case.weather is not None
        tried = _tried(case)
        rows = [self._knobs(each.code) for each in tried]
        return TuneItem(
            units=tuple(each.trial for each in tried if each.trial is not None),
            incumbent=np.array([AS_DELIVERED if row is None else row for row in rows]),
            known=tuple(row is not None for row in rows),
            weather=case.weather,
            prices=self._prices,
        )

    def _knobs(self, unit: str) -> Floats | None:
        row = self.newest.get(unit)
        if row is None or row.baseline != Baseline.TUNED:
            return None
        return knobs_of(row)

    async def decide(
        self, by: Principal, unit: str, version: int, *, approve: bool, note: str
    ) -> None:
        """Approve a tuned curve for switch-back days, or withdraw that.

        Raises:
            Refused: There is no such unit inside the scope, no such curve, or it is not in force.
        """
        self._world.asset(by.scope, unit)
        row = self.newest.get(unit)
        if row is None or row.version != version:
            raise Refused("not_found", thing=f"{unit} {version}", detail="not the curve in force")
        if approve and row.baseline != Baseline.TUNED:
            raise Refused("invalid", thing=f"{unit} {version}", detail="there is no tuned curve")
        at, approval = self._world.now_s(), "approved" if approve else "withdrawn"
        decided = Approval(
            subject=unit, version=version, approval=approval, by=by.user, at=at, note=note
        )
        content = {"version": version, "approval": approval, "note": note}
        await self._audit.add(
            by.user, "savings.approve", unit, version=version, state=approval, note=note
        )
        await in_thread(
            self._ledger.add, at, unit, APPROVAL, content, who=by.user, approval=decided
        )
        await self.load()


def _tried(case: _Case) -> list[Candidate]:
    return [each for each in case.candidates if not each.refusal and each.trial is not None]
