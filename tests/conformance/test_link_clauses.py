"""Clauses about transmission: success rate, channels, margin, completeness, integrity, alarms."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from heatloop.app.link_report import LinkReports
from heatloop.edge.link_stats import LinkStats
from heatloop.kernel.scope import Scope
from heatloop.plant.bad_rows import LedgerErrors
from heatloop.plant.rows import from_rows, to_rows
from heatloop.protocols.link_counts import LinkTotals
from heatloop.security.access import Role
from heatloop.store.records.links import LinkReport
from tests.unit.app_town import START_S, Town, town

HOUR = int(START_S) // 3600 * 3600


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        yield made


async def tell(here: Town, stats: LinkStats, gateway: str = "GW0001") -> None:
    """Send what was counted as the gateway does."""
    note = stats.report(HOUR - 1, final=True)
    assert note is not None
    sender = await here.enrol(gateway)
    await sender.connect()
    await sender.acknowledged(await sender.notes(note))


async def test_5_1_c_1_2_two_percent_loss_is_reported_as_98_percent_and_raises_an_alarm(
    here: Town,
) -> None:
    rng = Random(7)
    stats = LinkStats()
    stats.report(HOUR - 3600)
    lost = 0
    for n in range(40_000):
        device = ("DV0001", "DV0003")[n % 2]
        stats.asked(device)
        if rng.random() < 0.02:
            lost += 1
            stats.failed(device, "timeout")
        else:
            stats.answered(device, 0.05, 60, 12)
    await tell(here, stats)
    found = LinkReports(here.platform.world, here.platform.records).report(
        Scope.everything(), START_S - 86400, START_S, "gateway"
    )
    row = next(r for r in found.items if r.code == "GW0001")
    assert row.success_pct == pytest.approx(98.0, abs=0.2)
    assert row.passed is False
    assert row.failed == {"timeout": lost}
    assert row.rtt_median_ms == pytest.approx(50.0, rel=0.06)
    await here.platform.link_watch.run(START_S)
    raised = here.platform.alarming.active_of(("link_success",))
    assert ("GW0001", "link_success") in raised
    good = LinkStats()
    good.report(HOUR - 3600)
    for _ in range(40_000):
        good.asked("DV0002")
        good.answered("DV0002", 0.05, 60, 12)
    await tell(here, good, "GW0002")
    await here.platform.link_watch.run(START_S)
    assert not any(k[0] == "GW0002" for k in here.platform.alarming.active_of(("link_success",)))


async def test_5_2_e_1_terminals_that_are_not_heard_well_enough_are_listed(here: Town) -> None:
    week = [HOUR - 3600 * n for n in range(1, 7 * 24)]
    for hour in week:
        heard = LinkTotals(asked=2, answered=2, hours=1, rssi_dbm=-90.0, snr_db=5.0)
        weak = LinkTotals(asked=2, answered=2, hours=1, rssi_dbm=-118.0, snr_db=5.0)
        for gateway, device, totals in (
            ("GW0001", "DV0004", heard),
            ("GW0002", "DV0005", weak if hour == week[3] else heard),
        ):
            report = LinkReport(
                gateway=gateway, hour=hour, run=1, number=1, subjects={device: totals}
            )
            here.platform.records.links.put(report)
    async with here.client("wang", Role.DISPATCHER) as client:
        spots = (await client.get("/api/v1/links")).json()["blind_spots"]
        assert [(s["code"], s["blind"], s["rssi_dbm"]) for s in spots] == [
            ("DV0005", "signal", -118.0)
        ]
        deaf = LinkTotals(asked=48, hours=1)
        here.platform.records.links.put(
            LinkReport(
                gateway="GW0001", hour=HOUR - 3600, run=2, number=1, subjects={"DV0004": deaf}
            )
        )
        spots = (await client.get("/api/v1/links")).json()["blind_spots"]
        assert {s["code"]: s["blind"] for s in spots} == {"DV0004": "success", "DV0005": "signal"}


async def test_4_2_2__2_cost_per_point_and_success_by_channel_type(here: Town) -> None:
    ledger = here.platform.world.ledger
    for code, cost, medium in (("GW0001", 120.0, "fibre"), ("GW0002", 45.0, "4g")):
        object.__setattr__(ledger.gateways[code], "monthly_cost_yuan", cost)
        object.__setattr__(ledger.gateways[code], "channel", medium)
    totals = LinkTotals(asked=1000, answered=990, hours=1)
    here.platform.records.links.put(
        LinkReport(gateway="GW0002", hour=HOUR, run=1, number=1, subjects={"DV0002": totals})
    )
    found = LinkReports(here.platform.world, here.platform.records).report(
        Scope.everything(), HOUR, HOUR + 3600, "gateway"
    )
    costs = {c.medium: c for c in found.costs}
    points = sum(len(ledger.bindings_of_device(d)) for d in ("DV0002", "DV0005"))
    assert costs["4g"].points == points
    assert costs["4g"].cost_per_point_yuan == pytest.approx(45.0 / points, abs=1e-4)
    assert costs["4g"].success_pct == 99.0
    assert costs["fibre"].monthly_cost_yuan == 120.0


async def test_6_1_3_c_main_and_spare_channel_of_one_nature_are_a_finding(here: Town) -> None:
    ledger = here.platform.world.ledger
    keys = {code: point.key for code, point in ledger.points.items()}
    sheets = to_rows(ledger)
    sheets["gateway"][0] |= {"channel": "4g", "spare_channel": "4g", "spare_capacity_kbps": -1}
    sheets["gateway"][1] |= {"channel": "fibre", "spare_channel": "4g", "capacity_kbps": 2000}
    with pytest.raises(LedgerErrors) as refused:
        from_rows(sheets, version=2, keys=keys)
    assert [(bad.row, bad.column) for bad in refused.value.rows] == [
        (2, "spare_capacity_kbps"),
        (2, "spare_channel"),
    ]
    sheets["gateway"][0] |= {"spare_channel": "nb_iot", "spare_capacity_kbps": 60}
    read = from_rows(sheets, version=2, keys=keys)
    assert read.gateways["GW0001"].spare_channel == "nb_iot"
    assert from_rows(to_rows(read), version=2, keys=keys).gateways == read.gateways


@pytest.mark.parametrize(("load_pct", "passes"), [(85, False), (79, True)])
async def test_6_1_3_d_1_less_than_a_fifth_to_spare_fails_and_alarms(
    here: Town, load_pct: int, passes: bool
) -> None:
    world = here.platform.world
    object.__setattr__(world.ledger.gateways["GW0001"], "capacity_kbps", 512.0)
    minute = int(512_000 * 60 / 8 * load_pct / 100)
    stats = LinkStats()
    stats.report(HOUR - 3600)
    for n in range(60):
        stats.carried("main", "4g", HOUR - 3600 + 60 * n, bytes_up=minute)
    await tell(here, stats)
    found = LinkReports(world, here.platform.records).report(
        Scope.everything(), START_S - 30 * 86400, START_S, "channel"
    )
    row = next(r for r in found.items if (r.code, r.channel) == ("GW0001", "main"))
    assert row.margin_passed is passes
    await here.platform.link_watch.run(START_S)
    assert bool(here.platform.alarming.active_of(("bandwidth",))) is not passes


async def test_6_1_2_a_completeness_per_point_day_and_company_with_gaps_listed(here: Town) -> None:
    here.clock.advance(7200)
    gateway = await here.enrol("GW0001")
    await gateway.connect()
    ledger = here.platform.world.ledger
    point = next(b for b in ledger.bindings_of_device("DV0001") if b.period_s == 30)
    start = int(START_S)
    rows = [(point.key, start + 30 * n, 50.0) for n in range(120) if not 40 <= n < 43]
    await gateway.acknowledged(await gateway.samples(*rows))
    gap = {"type": "gap", "device": "DV0001", "slots_from": start + 1200,
           "slots_to": start + 1260, "cause": "device_unreachable"}  # fmt: skip
    await gateway.acknowledged(await gateway.notes(gap))
    found = await here.platform.gap_audit.run(Scope.everything(), start, start + 3600)
    assert found["rule_pct"] == 98.0
    assert found["passed"] is False  # the other points gave nothing
    (day,) = found["days"]
    assert day["stored"] == 117
    mine = [p for p in found["points"] if p["point"] == ledger.by_key[point.key].code]
    assert mine == [] or mine[0]["stored"] == 117
    assert [(g["device"], g["cause"]) for g in found["gaps"]] == [("DV0001", "device_unreachable")]
    json.dumps(found)
