"""Raises alarms for links that miss the rules: success below 99 %, margin below 20 %."""

from __future__ import annotations

from heatloop.alarms import lifecycle
from heatloop.alarms.lifecycle import AlarmChange, Change
from heatloop.app.alarming import Alarming
from heatloop.app.history import in_thread
from heatloop.app.link_report import (
    MARGIN_PCT,
    SUCCESS_PCT,
    LinkReports,
    Totals,
    margin_pct,
)
from heatloop.app.world import World
from heatloop.kernel.messages import Alarm
from heatloop.protocols.link_counts import CHANNELS, HOUR_S
from heatloop.store.records import Records

WINDOW_S = 24 * HOUR_S
SUCCESS, BANDWIDTH = "link_success", "bandwidth"
_KEPT_S = 35 * 86400
_PRIORITY = 3
_ENOUGH, _ENOUGH_OF_ONE = 500, 100


class LinkWatch:
    """Judges the last 24 hours of every link, and folds what is long past."""

    def __init__(self, world: World, records: Records, alarming: Alarming) -> None:
        self._world, self._records, self._alarming = world, records, alarming
        self._reports = LinkReports(world, records)

    async def run(self, due: float) -> None:
        """Raise and clear alarms by what was counted until now."""
        # Whole hours: of the one under way, some answers may still be on their way here.
        end = due // HOUR_S * HOUR_S
        totals = await in_thread(self._reports.totals, end - WINDOW_S, end, None)
        wrong = {(a.subject, a.rule): a for a in self._wrong(totals, due)}
        held = self._alarming.active_of((SUCCESS, BANDWIDTH))
        changes = [
            AlarmChange(change=Change.RAISE, alarm=alarm, at=due, value=alarm.value)
            for key, alarm in wrong.items()
            if key not in held
        ]
        changes += [
            AlarmChange(change=Change.CLEAR, alarm=alarm, at=due)
            for key, alarm in held.items()
            if key not in wrong
        ]
        for job in self._alarming.apply(changes):
            await job

    async def fold(self) -> None:
        """Add up the hours of long ago into days."""
        before = int(self._world.now_s()) - _KEPT_S
        while await in_thread(self._records.links.fold, before):
            pass

    def _wrong(self, totals: Totals, due: float) -> list[Alarm]:
        ledger = self._world.ledger
        found: list[Alarm] = []
        gateways = [g for g in ledger.gateways.values() if any(k[0] == g.code for k in totals)]
        for row, gateway in ((self._reports.gateways([g], totals)[0], g) for g in gateways):
            rate = row.success_pct
            if row.asked >= _ENOUGH and rate is not None and rate < SUCCESS_PCT:
                found.append(_alarm(gateway.code, SUCCESS, due, rate, SUCCESS_PCT))
            for channel, capacity in zip(
                CHANNELS, (gateway.capacity_kbps, gateway.spare_capacity_kbps), strict=True
            ):
                mine = totals.get((gateway.code, channel))
                margin = margin_pct(mine, capacity) if mine is not None else None
                if margin is not None and margin < MARGIN_PCT:
                    rule = f"{BANDWIDTH}.{channel}"
                    found.append(_alarm(gateway.code, rule, due, round(margin, 1), MARGIN_PCT))
        for (_, code), mine in totals.items():
            device = ledger.devices.get(code)
            rate = mine.success_pct
            few = mine.asked < _ENOUGH_OF_ONE
            if device is not None and not few and rate is not None and rate < SUCCESS_PCT:
                rule = f"{SUCCESS}.{code}"
                found.append(_alarm(device.asset, rule, due, round(rate, 2), SUCCESS_PCT))
        return found


def _alarm(subject: str, rule: str, due: float, value: float, limit: float) -> Alarm:
    return lifecycle.raise_(subject, rule, due, priority=_PRIORITY, value=value, limit=limit)
