"""The days of the savings ledger as a table to take away."""

from __future__ import annotations

import csv
import io
from typing import Any

from heatloop.app.audit import Audit
from heatloop.app.history import in_thread
from heatloop.app.savings import SEASON_DAYS, Savings
from heatloop.app.savings_days import date_of
from heatloop.app.world import World
from heatloop.kernel.scope import Scope
from heatloop.security.access import Principal
from heatloop.store.records import Records

_MEASURED = ("heat_kwh", "power_kwh", "cold_m2kh", "outdoor_c", "sun_kwh_m2", "wind_ms")
_JUDGED = ("expected_yuan", "saving_yuan", "low_yuan", "high_yuan")


class SavingsExport:
    """Writes the table.

    Args:
        world: The present.
        records: Where the ledger is kept.
        savings: The ledger.
        audit: Trail of exports.
    """

    def __init__(self, world: World, records: Records, savings: Savings, audit: Audit) -> None:
        self._world, self._records, self._savings = world, records, savings
        self._audit = audit

    async def export(self, principal: Principal) -> str:
        """Return all days in sight as CSV, with the entries that prove them."""
        text = await in_thread(self._csv, principal.scope)
        await self._audit.add(
            principal.user, "savings.export", "savings", rows=text.count("\n") - 1
        )
        return text

    def _csv(self, scope: Scope) -> str:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(
            ["unit", "day", "mode", *_MEASURED, "cost_yuan", *_JUDGED, "against", "curve",
             "tuning_yuan", "entry"]
        )  # fmt: skip
        codes = self._world.codes_in(scope)
        today = self._savings.days.of(self._world.now_s())
        for code in self._records.savings.subjects():
            if codes is None or code in codes:
                self._unit(writer, code, today)
        return out.getvalue()

    def _unit(self, writer: Any, code: str, today: int) -> None:
        days, found = self._savings.assessed(code, today)
        judged = {row.number: row for row in found.days}
        kept = self._records.savings.days(code, today - SEASON_DAYS)
        gains = {row["day"]: row for row in self._records.savings.gains(code, today - SEASON_DAYS)}
        for day, row in zip(days, kept, strict=True):
            one, gain = judged.get(day.number), gains.get(day.number)
            figures: list[Any] = [""] * (len(_JUDGED) + 1)
            if one is not None:
                figures = [round(getattr(one, name), 2) for name in _JUDGED]
                figures.append(str(found.against))
            tuning: list[Any] = ["", ""]
            if gain is not None:
                tuning = [gain["baseline"], round(gain["gain_yuan"], 2)]
            writer.writerow(
                [code, date_of(day.number), day.mode, *(row[name] for name in _MEASURED),
                 round(day.cost_yuan(self._savings.prices), 2), *figures, *tuning, row["entry"]]
            )  # fmt: skip
