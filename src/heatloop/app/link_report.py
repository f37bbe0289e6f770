"""Link measures read for people: by gateway, device or channel, over any period.

A gateway's success rate is that of the messages its devices owe it (clause 5.1 c 1); a channel's
margin is that of its busiest minutes, the 95th percentile, against what the ledger says it
carries (clause 6.1.3 d).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from heatloop.app.views.links import ChannelCost, LinkReportView, LinkRowView, LinksNow
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.errors import InputError
from heatloop.kernel.scope import Scope
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Device, Gateway
from heatloop.protocols.link_counts import CHANNELS, LinkTotals, rtt_quantile_s
from heatloop.store.records import Records
from heatloop.store.records.links import LinkRow

SUCCESS_PCT = 99.0
MARGIN_PCT = 20.0
_JUDGED = 100
"""Messages a device must have owed before one that is missing says anything."""
DAY_S, WEEK_S = 86400, 7 * 86400
_RSSI_DBM = {"coap": -115.0, "lorawan": -120.0, "wmbus": -95.0, "http": -115.0}
_SNR_DB = {"coap": -3.0, "lorawan": -17.5, "http": -3.0}
Totals = dict[tuple[str, str], LinkTotals]


def sums(rows: Iterable[LinkRow]) -> Totals:
    """Return totals by (gateway, subject)."""
    found: Totals = defaultdict(LinkTotals)
    for row in rows:
        found[row.gateway, row.subject].add(row.totals)
    return dict(found)


class LinkReports:
    """Reads link measures inside a scope. Calls block: make them in a thread."""

    def __init__(self, world: World, records: Records) -> None:
        self._world, self._records = world, records

    def _own(self, scope: Scope) -> list[Gateway]:
        world = self._world
        return [g for code, g in world.ledger.gateways.items() if world.sees_gateway(scope, code)]

    def totals(
        self,
        start_s: float,
        end_s: float,
        gateways: Collection[str] | None,
        subjects: Collection[str] | None = None,
    ) -> Totals:
        """Return what was counted in hours that begin in a period, of all subjects or some."""
        links = self._records.links
        return sums(links.list(int(start_s), int(end_s), gateways=gateways, subjects=subjects))

    def report(self, scope: Scope, start_s: float, end_s: float, by: str) -> LinkReportView:
        """Return the links of a period.

        Raises:
            InputError: The period is empty.
        """
        if not start_s < end_s:
            raise InputError("period is empty", thing=f"{start_s:g}..{end_s:g}", fix="swap them")
        gateways = self._own(scope)
        # Reading every device's hours costs some 20 us each: only where they are shown.
        subjects = CHANNELS if by == "channel" else None
        totals = self.totals(start_s, end_s, [g.code for g in gateways], subjects)
        if by == "device":
            items = self.devices(scope, totals)
        elif by == "channel":
            items = self.channels(gateways, totals)
        else:
            items = self.gateways(gateways, totals)
        return LinkReportView(
            start=utc(start_s),
            end=utc(end_s),
            by=by,
            success_rule_pct=SUCCESS_PCT,
            margin_rule_pct=MARGIN_PCT,
            items=items,
            costs=self.costs(gateways, start_s, end_s),
        )

    def now(self, scope: Scope) -> LinksNow:
        """Return how links are now."""
        now_s = self._world.now_s()
        gateways = self._own(scope)
        codes = [g.code for g in gateways]
        today = self.totals(now_s - DAY_S, now_s, codes)
        week = self.devices(scope, self.totals(now_s - WEEK_S, now_s, codes))
        return LinksNow(
            at=utc(now_s),
            gateways=self.gateways(gateways, today),
            channels=self.channels(gateways, today),
            blind_spots=[row for row in week if row.blind],
            costs=self.costs(gateways, now_s - DAY_S, now_s),
        )

    def gateways(self, gateways: Iterable[Gateway], totals: Totals) -> list[LinkRowView]:
        """Return one row a gateway, worst first."""
        rows = []
        for gateway in gateways:
            mine = _devices_of(gateway.code, totals)
            rows.append(_row(gateway, gateway.code, gateway.channel, mine))
        return sorted(rows, key=_worst)

    def channels(self, gateways: Iterable[Gateway], totals: Totals) -> list[LinkRowView]:
        """Return one row a channel, least margin first."""
        rows = []
        for gateway in gateways:
            ways = (
                (gateway.channel, gateway.capacity_kbps),
                (gateway.spare_channel, gateway.spare_capacity_kbps),
            )
            for channel, (medium, capacity) in zip(CHANNELS, ways, strict=True):
                mine = totals.get((gateway.code, channel))
                if medium or mine is not None:
                    found = mine or LinkTotals()
                    rows.append(
                        _row(gateway, gateway.code, medium or found.medium, found,
                             channel=channel, capacity=capacity)
                    )  # fmt: skip
        return sorted(rows, key=lambda row: 101.0 if row.margin_pct is None else row.margin_pct)

    def devices(self, scope: Scope, totals: Totals) -> list[LinkRowView]:
        """Return one row a device inside the scope, worst first."""
        ledger = self._world.ledger
        codes = self._world.codes_in(scope)
        rows = [
            _row(ledger.assets[device.asset], device.gateway, device.protocol,
                 totals.get((device.gateway, device.code), LinkTotals()), device=device)
            for device in ledger.devices.values()
            if codes is None or device.asset in codes
        ]  # fmt: skip
        return sorted(rows, key=_worst)

    def costs(
        self, gateways: Collection[Gateway], start_s: float, end_s: float
    ) -> list[ChannelCost]:
        """Return what each channel type costs and how well it works in a period."""
        ledger = self._world.ledger
        counted: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        codes = [g.code for g in gateways]
        found_sums = self._records.links.subject_sums(int(start_s), int(end_s), gateways=codes)
        for (code, _), (asked, answered) in found_sums.items():
            counted[code][0] += asked
            counted[code][1] += answered
        by_medium: dict[str, list[Gateway]] = defaultdict(list)
        for gateway in gateways:
            by_medium[gateway.channel].append(gateway)
        found = []
        for medium, own in sorted(by_medium.items()):
            points = sum(_points_of(ledger, g.code) for g in own)
            cost = sum(g.monthly_cost_yuan + g.spare_monthly_cost_yuan for g in own)
            asked = sum(counted[g.code][0] for g in own)
            answered = sum(counted[g.code][1] for g in own)
            found.append(
                ChannelCost(
                    medium=medium,
                    gateways=len(own),
                    points=points,
                    monthly_cost_yuan=cost,
                    cost_per_point_yuan=round(cost / points, 4) if points else None,
                    success_pct=100.0 * answered / asked if asked else None,
                )
            )
        return found


def _points_of(ledger: Ledger, gateway: str) -> int:
    return sum(len(ledger.bindings_of_device(d.code)) for d in ledger.devices_of_gateway(gateway))


def _devices_of(gateway: str, totals: Totals) -> LinkTotals:
    mine = LinkTotals()
    for (owner, subject), each in totals.items():
        if owner == gateway and subject not in CHANNELS:
            mine.add(each)
    return mine


def _worst(row: LinkRowView) -> float:
    return 101.0 if row.success_pct is None else row.success_pct


def blind(device: Device, totals: LinkTotals) -> str | None:
    """Return why a radio device counts as a blind spot, None if it does not (clause 5.2 e)."""
    if device.protocol not in _RSSI_DBM:
        return None
    if totals.asked and not totals.answered:
        return "silent"
    weak = totals.rssi_dbm is not None and totals.rssi_dbm < _RSSI_DBM[device.protocol]
    noisy = totals.snr_db is not None and totals.snr_db < _SNR_DB.get(device.protocol, -99.0)
    if weak or noisy:
        return "signal"
    rate = totals.success_pct if totals.asked >= _JUDGED else None
    return "success" if rate is not None and rate < SUCCESS_PCT else None


def margin_pct(totals: LinkTotals, capacity_kbps: float) -> float | None:
    """Return a channel's capacity to spare; None where the capacity is not known."""
    return 100.0 * (1.0 - totals.used_kbps() / capacity_kbps) if capacity_kbps else None


def _row(
    named: object,
    gateway: str,
    medium: str,
    totals: LinkTotals,
    *,
    channel: str | None = None,
    capacity: float | None = None,
    device: Device | None = None,
) -> LinkRowView:
    rate = totals.success_pct
    margin = margin_pct(totals, capacity) if capacity is not None else None
    median, p95 = (rtt_quantile_s(totals.rtt, share) for share in (0.5, 0.95))
    return LinkRowView(
        code=device.code if device is not None else gateway,
        zh=str(getattr(named, "zh", "")),
        en=str(getattr(named, "en", "")),
        gateway=gateway,
        channel=channel,
        medium=medium,
        asked=totals.asked,
        answered=totals.answered,
        success_pct=None if rate is None else round(rate, 3),
        passed=None if rate is None else rate >= SUCCESS_PCT,
        failed=dict(totals.failed),
        rtt_median_ms=None if median is None else round(1e3 * median, 3),
        rtt_p95_ms=None if p95 is None else round(1e3 * p95, 3),
        bytes_up=totals.up,
        bytes_down=totals.down,
        capacity_kbps=capacity or None,
        used_p95_kbps=round(totals.used_kbps(), 3) if channel is not None else None,
        margin_pct=None if margin is None else round(margin, 2),
        margin_passed=None if margin is None else margin >= MARGIN_PCT,
        rssi_dbm=totals.rssi_dbm,
        snr_db=totals.snr_db,
        blind=None if device is None else blind(device, totals),
    )
