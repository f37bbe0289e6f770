"""Failures of heat sources as events: opened at once, closed when the heat is dispatched anew.

An event is an alarm of its source. It ends when no unit of the source has failed any more; or when
a plan made after the failure covers the least share in every step and every station gets at least
that share of what it got before (clause 8.3 e).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from heatloop.alarms import lifecycle
from heatloop.alarms.lifecycle import AlarmChange, Change
from heatloop.alarms.texts import name_rule
from heatloop.app.alarming import Alarming
from heatloop.app.dispatch_networks import DispatchNetwork
from heatloop.app.dispatch_views import named
from heatloop.app.history import in_thread
from heatloop.app.views.dispatch_now import DispatchEvent
from heatloop.app.world import World
from heatloop.control.n_minus_1 import least_share_pct
from heatloop.kernel.clock import utc
from heatloop.kernel.messages import Alarm
from heatloop.store.records import Records
from heatloop.store.records.alarms import AlarmRow
from heatloop.store.records.dispatch import PlanRow

RULE = "source_failure"
_PRIORITY = 2
_LEAST_KW = 1.0
_SHOWN_S = 60 * 86400.0
name_rule(RULE, "热源故障", "heat source failure")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovery:
    """How far a network is from what its consumers must get."""

    planned_pct: float | None
    """Least share a plan made since covers; None: there is none yet."""
    worst_pct: float | None
    """Least share of its heat of before that a station gets; None: nobody knows."""
    worst: str
    """That station's unit."""


class DispatchEvents:
    """Opens and closes events.

    Args:
        world: Latest values.
        records: Alarms and plans.
    """

    def __init__(self, world: World, records: Records) -> None:
        self._world, self._records = world, records
        self.alarming: Alarming | None = None
        """Where events are alarms; None until the platform is built."""
        self._before: dict[str, dict[str, float]] = {}
        self._calm: dict[str, float] = {}
        self._settled: set[str] = set()

    async def look(self, networks: Sequence[DispatchNetwork], failed: frozenset[str]) -> None:
        """Open and close the events of all sources."""
        if self.alarming is None:
            return
        open_ = self.alarming.active_of((RULE,))
        ledger, now_s = self._world.ledger, self._world.now_s()
        changes: list[AlarmChange] = []
        for network in networks:
            calm = True
            for source in network.sources:
                gone = sorted(c for c in failed if ledger.asset(c).parent == source)
                alarm = open_.get((source, RULE))
                calm = calm and not gone
                if not gone:
                    self._settled.discard(source)
                if gone and alarm is None and source not in self._settled:
                    self._before[source] = dict(self._calm)
                    changes.append(AlarmChange(change=Change.RAISE, alarm=_raised(
                        source, gone, now_s, least_share_pct(network.design_outdoor_c)
                    ), at=now_s))  # fmt: skip
                elif alarm is not None and await self._over(network, source, gone, alarm):
                    if gone:
                        self._settled.add(source)
                    changes.append(AlarmChange(change=Change.CLEAR, alarm=alarm, at=now_s))
            if calm:
                self._calm |= self._heat_kw(network)
        for job in self.alarming.apply(changes):
            await job

    def _heat_kw(self, network: DispatchNetwork) -> dict[str, float]:
        world, found = self._world, {}
        for code in network.units:
            unit = world.layout.units.get(code)
            key = None if unit is None else unit[0].keys.get("secondary_heat_power")
            kw = None if key is None else world.latest.value(key)
            if kw is not None:
                found[code] = kw
        return found

    async def _over(
        self, network: DispatchNetwork, source: str, gone: list[str], alarm: Alarm
    ) -> bool:
        if not gone:
            return True
        now = await self.recovery(network, source, alarm.onset)
        least = least_share_pct(network.design_outdoor_c)
        if now.planned_pct is None or now.planned_pct < least:
            return False
        # After a restart nobody knows what stations got before: then a plan must cover all.
        return now.planned_pct >= 100.0 if now.worst_pct is None else now.worst_pct >= least

    async def recovery(self, network: DispatchNetwork, source: str, onset: float) -> Recovery:
        """Return how far a network has recovered since a failure."""
        row = await in_thread(self._records.dispatch.newest, network.code, ("approved", "proposed"))
        planned = None
        if row is not None and row.made_at >= onset:
            planned = float(json.loads(row.body)["least_covered_pct"])
        before, now = self._before.get(source, {}), self._heat_kw(network)
        shares = {
            code: 100.0 * now.get(code, 0.0) / kw for code, kw in before.items() if kw > _LEAST_KW
        }
        worst = min(shares, key=lambda code: shares[code], default="")
        return Recovery(planned_pct=planned, worst_pct=shares.get(worst), worst=worst)

    async def view(self, networks: Sequence[DispatchNetwork]) -> list[DispatchEvent]:
        """Return the events of the last two months, the newest first."""
        of = {source: network for network in networks for source in network.sources}
        since = self._world.now_s() - _SHOWN_S
        _, rows = await in_thread(
            self._records.alarms.list, subjects=[*of], priority=_PRIORITY, start=since, limit=200
        )
        found = []
        for row in rows:
            if row.alarm.rule == RULE:
                network = of[row.alarm.subject]
                plan = await in_thread(
                    self._records.dispatch.first_after, network.code, row.alarm.onset
                )
                found.append(self._view(row, network, plan))
        return found

    def _view(self, row: AlarmRow, network: DispatchNetwork, plan: PlanRow | None) -> DispatchEvent:
        alarm = row.alarm
        return DispatchEvent(
            source=alarm.subject,
            **named(self._world, alarm.subject),
            network=network.code,
            units=alarm.detail.split(",") if alarm.detail else [],
            onset=utc(alarm.onset),
            plan=None if plan is None else plan.number,
            plan_after_s=None if plan is None else plan.made_at - alarm.onset,
            covered_pct=None if plan is None else float(json.loads(plan.body)["least_covered_pct"]),
            least_pct=least_share_pct(network.design_outdoor_c),
            closed=None if row.cleared is None else utc(row.cleared),
            open=row.cleared is None,
        )


def _raised(source: str, gone: list[str], now_s: float, least_pct: float) -> Alarm:
    return lifecycle.raise_(
        source, RULE, now_s, priority=_PRIORITY, limit=least_pct, detail=",".join(gone)
    )
