"""The savings ledger in operation: every night the day before is told, judged and chained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from heatloop.app.audit import Audit
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.savings_baselines import Baselines
from heatloop.app.savings_days import LocalDays, date_of
from heatloop.app.savings_gains import Gains
from heatloop.app.savings_gather import day_rows
from heatloop.app.savings_ledger import ALL, ASSESSMENT, DAYS, SavingsLedger
from heatloop.app.views.savings import SavingsCheck
from heatloop.app.world import World
from heatloop.control.tuned_result import Baseline
from heatloop.kpi.savings import assess
from heatloop.kpi.savings_day import Day, Mode, Prices
from heatloop.kpi.savings_plan import switches_back
from heatloop.kpi.savings_result import Assessment
from heatloop.security.access import Principal
from heatloop.store.records import Records

_log = structlog.get_logger("heatloop.savings")
LEVEL = 0.90
SEASON_DAYS = 400
_MOST_BEHIND = 14


class Savings:
    """Keeps the ledger.

    Args:
        world: The present.
        records: Where it is kept.
        historian: What was measured.
        audit: Trail of checks.
        ledger: The chain.
        baselines: Curves savings are measured against.
        gains: What they would have saved.
        days: Local days.
        prices: What things cost.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        historian: AsyncHistorian,
        *,
        audit: Audit,
        ledger: SavingsLedger,
        baselines: Baselines,
        gains: Gains,
        days: LocalDays,
        prices: Prices,
    ) -> None:
        self._world, self._records, self._historian = world, records, historian
        self._audit, self._ledger, self._gains = audit, ledger, gains
        self.baselines, self.days, self.prices = baselines, days, prices
        self.failure = ""
        """Why the last night told nothing; empty when it did."""

    def back_today(self, unit: str, at_s: float) -> bool:
        """Return whether a unit is back on a curve, so that savings stay provable."""
        return switches_back(unit, self.days.of(at_s))

    async def run(self, due: float) -> None:
        """Tell all days that ended and were not told, and judge all units anew."""
        yesterday = self.days.of(due) - 1
        told = await in_thread(self._records.savings.last_day)
        first = yesterday if told is None else max(told + 1, yesterday - _MOST_BEHIND + 1)
        new = 0
        for day in range(first, yesterday + 1):
            new += await self._tell(day, due)
        self.failure = "" if new else "no unit had a whole day of heat and weather"
        if new:
            await self.judge(due)

    async def _tell(self, day: int, at: float) -> int:
        """Write a day down; return how many units it tells of."""
        start_s = self.days.start_s(day)
        rows, digest = await day_rows(self._world, self._records, self._historian, day, start_s)
        if not rows:
            return 0
        gains = await self._gains.of_day(day, [row["subject"] for row in rows])
        content = {
            "day": day,
            "data": digest,
            "rows": [_plain(row) for row in rows],
            "gains": [_plain(gain) for gain in gains],
        }
        await in_thread(self._ledger.add, at, ALL, DAYS, content, days=rows, gains=gains)
        _log.info("day told", day=str(date_of(day)), units=len(rows))
        return len(rows)

    async def judge(self, at: float) -> None:
        """Judge all units by the days told and write that down."""
        content = await in_thread(self._judged, self.days.of(at))
        await in_thread(self._ledger.add, at, ALL, ASSESSMENT, content)

    def _judged(self, today: int) -> dict[str, Any]:
        """Return the assessment of every unit as an entry holds it."""
        units = {}
        for code in self._records.savings.subjects():
            _, found = self.assessed(code, today)
            units[code] = told_of(found) | self.standing_of(code)
        prices = [self.prices.heat_yuan_kwh, self.prices.power_yuan_kwh]
        return {
            "level": LEVEL,
            "prices": [*prices, self.prices.cold_yuan_m2kh],
            "units": units,
        }

    def standing_of(self, code: str) -> dict[str, Any]:
        """Return what a unit is measured against now, and why not if it is not."""
        row = self.baselines.newest.get(code)
        if row is None:
            reason = self.baselines.waiting.get(code, "not_tuned")
            return {"baseline": str(Baseline.REFUSED), "reason": reason, "curve": 0}
        return {"baseline": row.baseline, "reason": row.reason, "curve": row.version}

    def assessed(self, code: str, today: int) -> tuple[list[Day], Assessment]:
        """Return the days of a unit's season and what they prove; blocking."""
        days = self._days_of(code, today)
        return days, assess(days, self.prices, level=LEVEL)

    def _days_of(self, unit: str, today: int) -> list[Day]:
        since = today - SEASON_DAYS
        gains: dict[int, Mapping[str, Any]] = {
            int(row["day"]): row for row in self._records.savings.gains(unit, since)
        }
        found = []
        for row in self._records.savings.days(unit, since):
            gain = gains.get(int(row["day"]))
            found.append(
                Day(
                    number=int(row["day"]),
                    mode=Mode(row["mode"]),
                    heat_kwh=row["heat_kwh"],
                    power_kwh=row["power_kwh"],
                    cold_m2kh=row["cold_m2kh"],
                    outdoor_c=row["outdoor_c"],
                    sun_kwh_m2=row["sun_kwh_m2"],
                    wind_ms=row["wind_ms"],
                    gain_yuan=0.0 if gain is None else gain["gain_yuan"],
                    gain_kwh=0.0 if gain is None else gain["gain_kwh"],
                    gain_sigma_yuan=0.0 if gain is None else gain["sigma_yuan"],
                    based=gain is not None,
                )
            )
        return found

    async def verify(self, principal: Principal) -> SavingsCheck:
        """Check the whole chain, and that days and curves stand as their entries told them."""
        found = await in_thread(self._ledger.verified)
        await self._audit.add(
            principal.user, "savings.verify", "savings", whole=found.whole, entries=found.entries
        )
        return found


def told_of(found: Assessment) -> dict[str, Any]:
    """Return an assessment as an entry holds it."""
    return {
        "verdict": str(found.verdict),
        "against": str(found.against),
        "saving_yuan": round(found.saving_yuan, 2),
        "low_yuan": round(found.low_yuan, 2),
        "high_yuan": round(found.high_yuan, 2),
        "expected_yuan": round(found.expected_yuan, 2),
        "tuning_yuan": round(found.tuning_yuan, 2),
        "baseline_days": found.baseline_days,
        "strategy_days": found.strategy_days,
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in sorted(row)}
