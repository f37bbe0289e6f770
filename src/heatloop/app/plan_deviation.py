"""Operation against its plan: each minute every station and unit inside its planned band or not.

Leaving the band is an alarm in the same cycle; it clears when the value is well inside again. A
value nobody can trust is neither.
"""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.alarms import lifecycle
from heatloop.alarms.lifecycle import AlarmChange, Change
from heatloop.alarms.texts import name_rule
from heatloop.app.alarming import Alarming
from heatloop.app.dispatch_periods import DispatchPeriods, at
from heatloop.app.forecast_history import HEAT, SUPPLY, Subject, subjects_of
from heatloop.app.world import World
from heatloop.plant.ledger import Ledger

RULE = "plan_deviation"
PERIOD_S = 60.0
"""One cycle of supervision, plant time."""
_PRIORITY = 3
_INSIDE = 0.9
_LIVE_S = 300.0
name_rule(f"{RULE}.{HEAT}", "热负荷偏离计划", "heat load outside its planned band")
name_rule(f"{RULE}.{SUPPLY}", "二次供温偏离计划", "supply temperature outside its planned band")

INSIDE, ABOVE, BELOW, UNKNOWN = "inside", "above", "below", "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One value beside its plan."""

    subject: str
    """Asset code."""
    quantity: str
    """`heat_kw` or `supply_c`."""
    actual: float | None
    """Value now; None: nobody knows."""
    low: float
    """Low end of the band."""
    plan: float
    """What was planned."""
    high: float
    """High end of the band."""
    state: str
    """`inside`, `above`, `below` or `unknown`."""
    since_s: float
    """Plant time since which it is so."""


class PlanDeviation:
    """Compares and raises; the last comparison stands in memory for the screens."""

    def __init__(self, world: World, alarming: Alarming, periods: DispatchPeriods) -> None:
        self._world, self._alarming, self._periods = world, alarming, periods
        self._ledger: Ledger | None = None
        self._heat: dict[str, Subject] = {}
        self._supply: dict[str, int] = {}
        self.now: dict[tuple[str, str], Standing] = {}
        """By (subject, quantity)."""
        self.at_s = 0.0
        """Plant time of the last comparison."""

    async def run(self, due: float) -> None:
        """Compare everything that is planned with what is measured now."""
        self._install()
        open_ = self._alarming.active_of((RULE,))
        found: dict[tuple[str, str], Standing] = {}
        changes: list[AlarmChange] = []
        for key, row in self._periods.planned(due).items():
            band = at(row, due)
            if band is None:
                continue
            low, plan, high = band.tolist()
            alarm = open_.get((key[0], f"{RULE}.{key[1]}"))
            actual = self._actual(key)
            state = _state(actual, low, plan, high, raised=alarm is not None)
            before = self.now.get(key)
            since = before.since_s if before is not None and before.state == state else due
            found[key] = Standing(
                subject=key[0],
                quantity=key[1],
                actual=actual,
                low=low,
                plan=plan,
                high=high,
                state=state,
                since_s=since,
            )
            if state in (ABOVE, BELOW) and alarm is None:
                limit = high if state == ABOVE else low
                raised = lifecycle.raise_(
                    key[0],
                    f"{RULE}.{key[1]}",
                    due,
                    priority=_PRIORITY,
                    value=round(actual or 0.0, 2),
                    limit=round(limit, 2),
                    detail=f"planned {plan:.1f}, band {low:.1f} to {high:.1f}",
                )
                changes.append(AlarmChange(change=Change.RAISE, alarm=raised, at=due))
            elif state == INSIDE and alarm is not None:
                changes.append(AlarmChange(change=Change.CLEAR, alarm=alarm, at=due))
        # What is planned no more, or of an asset that is gone, is no deviation any more.
        for (subject, rule), alarm in open_.items():
            if (subject, rule.partition(".")[2]) not in found:
                changes.append(AlarmChange(change=Change.CLEAR, alarm=alarm, at=due))
        self.now, self.at_s = found, due
        for job in self._alarming.apply(changes):
            await job

    def _install(self) -> None:
        ledger = self._world.ledger
        if ledger is self._ledger:
            return
        self._ledger = ledger
        self._heat = {each.code: each for each in subjects_of(self._world, rooms=False)}
        kind = "secondary_supply_temperature"
        units = self._world.layout.units
        self._supply = {c: unit.keys[kind] for c, (unit, _) in units.items() if kind in unit.keys}

    def _actual(self, key: tuple[str, str]) -> float | None:
        subject, quantity = key
        if quantity == SUPPLY:
            own = self._supply.get(subject)
            keys: tuple[int, ...] = () if own is None else (own,)
        else:
            found = self._heat.get(subject)
            keys = () if found is None else found.keys
        total = 0.0
        latest = self._world.latest
        for each in keys:
            value, last = latest.value(each), latest.last(each)
            if value is None or last is None or self._world.settled_s() - last[2] > _LIVE_S:
                return None
            total += value
        return total if keys else None


def _state(actual: float | None, low: float, plan: float, high: float, *, raised: bool) -> str:
    """Return how a value lies; one that left must come back further than the band's edge."""
    if actual is None:
        return UNKNOWN
    share = _INSIDE if raised else 1.0
    if actual > plan + share * (high - plan):
        return ABOVE
    if actual < plan - share * (plan - low):
        return BELOW
    return INSIDE
