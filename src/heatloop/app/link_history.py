"""How links did over time, for the trend and the head of the links page.

Sums are made in the database from counts kept beside each hour, so a month of a large company
costs one pass over its hours and no histogram is unpacked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from heatloop.app.link_report import SUCCESS_PCT, LinkReports
from heatloop.app.refusals import Refused
from heatloop.app.views.link_history import LinkHistory, LinkStep, SpareSpan
from heatloop.app.views.links import LinkRowView
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.errors import InputError
from heatloop.kernel.scope import Scope
from heatloop.plant.asset_kinds import ORGANISATION, asset_kinds
from heatloop.protocols.link_counts import HOUR_S
from heatloop.store.records import Records
from heatloop.store.records.alarms import AlarmRow

SPARE_RULE = "channel.main"
_MOST_SPANS = 500
_MOST_HOURS = 31 * 24
_PAGE = 500


class LinkHistories:
    """Reads links over time inside a scope. Calls block: make them in a thread."""

    def __init__(self, world: World, records: Records, time_zone: str) -> None:
        self._world, self._records = world, records
        self._zone = ZoneInfo(time_zone)

    def history(
        self, scope: Scope, start_s: float, end_s: float, by: str, gateway: str = ""
    ) -> LinkHistory:
        """Return success by hour or day, and the times on the spare channel.

        Raises:
            InputError: The period is empty, or too long for hours.
            Refused: There is no such gateway inside the scope.
        """
        if not start_s < end_s:
            raise InputError("period is empty", thing=f"{start_s:g}..{end_s:g}", fix="swap them")
        if by == "hour" and end_s - start_s > _MOST_HOURS * HOUR_S:
            raise InputError("too many hours", fix="ask for days")
        gateways = self._own(scope, gateway)
        links, span = self._records.links, (int(start_s), int(end_s))
        sums = links.subject_sums(*span, gateways=gateways)
        steps: dict[float, tuple[int, int]] = {}
        for hour, asked, answered in links.hour_sums(*span, gateways=gateways):
            at = float(hour) if by == "hour" else self._midnight_s(hour)
            before = steps.get(at, (0, 0))
            steps[at] = (before[0] + asked, before[1] + answered)
        asked, answered = (sum(one[n] for one in steps.values()) for n in (0, 1))
        rates = [rate for a, b in sums.values() if (rate := _rate(a, b)) is not None]
        return LinkHistory(
            start=utc(start_s),
            end=utc(end_s),
            by=by,
            success_rule_pct=SUCCESS_PCT,
            steps=[
                LinkStep(at=utc(at), asked=a, answered=b, success_pct=_rate(a, b))
                for at, (a, b) in sorted(steps.items())
            ],
            asked=asked,
            answered=answered,
            success_pct=_rate(asked, answered),
            devices=len(rates),
            devices_below=sum(rate < SUCCESS_PCT for rate in rates),
            spare_spans=self._spare_spans(gateways, start_s, end_s),
        )

    def devices(
        self, scope: Scope, gateway: str, start_s: float, end_s: float
    ) -> list[LinkRowView]:
        """Return one gateway's devices, worst first.

        Raises:
            Refused: There is no such gateway inside the scope.
        """
        gateways = self._own(scope, gateway)
        reports = LinkReports(self._world, self._records)
        rows = reports.devices(scope, reports.totals(start_s, end_s, gateways))
        return [row for row in rows if row.gateway == gateway]

    def _own(self, scope: Scope, gateway: str) -> list[str]:
        world = self._world
        if not gateway:
            return [code for code in world.ledger.gateways if world.sees_gateway(scope, code)]
        if not world.sees_gateway(scope, gateway):
            raise Refused("not_found", thing=gateway)
        return [gateway]

    def _midnight_s(self, hour: int) -> float:
        # A folded day stands at its midnight in UTC, which lies in one day of any zone.
        day = dt.datetime.fromtimestamp(hour, self._zone).date()
        return dt.datetime(day.year, day.month, day.day, tzinfo=self._zone).timestamp()

    def _spare_spans(
        self, gateways: Sequence[str], start_s: float, end_s: float
    ) -> list[SpareSpan]:
        """Return the times on a spare channel; the alarm that stands meanwhile tells them."""
        found: list[SpareSpan] = []
        offset, total = 0, 1
        while offset < total and len(found) < _MOST_SPANS:
            # One that began before the period may last into it: onset has no lower bound.
            total, rows = self._records.alarms.list(
                subjects=gateways, priority=3, end=end_s, offset=offset, limit=_PAGE
            )
            offset += _PAGE
            found += [_span(row) for row in rows if _on_spare(row, start_s)]
        return found[:_MOST_SPANS]


def part_of(world: World, scope: Scope, organisation: str) -> Scope:
    """Return an organisation's part of a scope; the scope itself when none is named.

    Only organisations: below a heat source there may be stations of others.

    Raises:
        Refused: There is no such organisation inside the scope.
    """
    if not organisation:
        return scope
    asset = world.ledger.assets.get(organisation)
    if asset is None or asset_kinds()[asset.kind].tree != ORGANISATION:
        raise Refused("not_found", thing=organisation)
    path = world.ledger.org_path(organisation)
    if not scope.holds(path):
        raise Refused("not_found", thing=organisation)
    return Scope.of({path})


def _on_spare(row: AlarmRow, since_s: float) -> bool:
    return row.alarm.rule == SPARE_RULE and (row.cleared is None or row.cleared > since_s)


def _span(row: AlarmRow) -> SpareSpan:
    return SpareSpan(
        gateway=row.alarm.subject,
        since=utc(row.alarm.onset),
        until=None if row.cleared is None else utc(row.cleared),
    )


def _rate(asked: int, answered: int) -> float | None:
    return 100.0 * min(answered / asked, 1.0) if asked else None
