"""Link measures: what the edge counts, how it adds up, when it raises an alarm."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from heatloop.app.link_notes import read_report
from heatloop.app.link_report import LinkReports
from heatloop.edge.link_stats import LinkStats
from heatloop.kernel.errors import InputError
from heatloop.kernel.scope import Scope
from heatloop.protocols.link_counts import LinkTotals, rtt_bucket, rtt_quantile_s
from heatloop.security.access import Role
from heatloop.store.records.links import LinkReport
from tests.unit.app_town import START_S, Town, town

HOUR = int(START_S) // 3600 * 3600


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        yield made


def test_a_report_is_due_every_ten_minutes_and_says_the_whole_hour_again() -> None:
    stats = LinkStats()
    assert stats.report(HOUR) is None
    stats.asked("DV0001")
    stats.answered("DV0001", 0.02, 40, 12)
    assert stats.report(HOUR + 570) is None
    first = stats.report(HOUR + 600)
    stats.asked("DV0001")
    stats.failed("DV0001", "checksum")
    stats.failed("DV0001", "no such kind")
    second = stats.report(HOUR + 1200)
    assert first is not None
    assert second is not None
    assert (first["hour"], first["run"]) == (second["hour"], second["run"])
    assert (first["n"], second["n"]) == (1, 2)
    said = second["devices"]["DV0001"]
    assert (said["asked"], said["answered"], said["up"], said["down"]) == (2, 1, 40, 12)
    assert said["failed"] == {"checksum": 1, "malformed": 1}
    over = stats.report(HOUR + 3600)
    assert over is not None
    assert over["hour"] == HOUR  # what was counted before the hour was over
    stats.asked("DV0001")
    last = stats.report(HOUR + 3630, final=True)
    assert last is not None
    assert last["hour"] == HOUR + 3600
    assert last["devices"]["DV0001"]["asked"] == 1


def test_the_weakest_signal_of_the_hour_is_kept() -> None:
    stats = LinkStats()
    stats.report(HOUR)
    for rssi, snr in ((-80.0, 4.0), (-121.0, -6.0), (0.0, 9.0)):
        stats.signal("DV0004", rssi_dbm=rssi, snr_db=snr)
    said = stats.report(HOUR + 5, final=True)
    assert said is not None
    assert (said["devices"]["DV0004"]["rssi_dbm"], said["devices"]["DV0004"]["snr_db"]) == (
        -121.0,
        -6.0,
    )


def test_quantiles_of_round_trips_are_within_five_percent() -> None:
    rng = Random(1)
    trips = sorted(rng.lognormvariate(-3, 1) for _ in range(5000))
    buckets = Counter(rtt_bucket(t) for t in trips)
    for share in (0.5, 0.95):
        found = rtt_quantile_s(buckets, share)
        assert found == pytest.approx(trips[int(share * len(trips))], rel=0.06)
    assert rtt_quantile_s({}, 0.5) is None


def channel(bytes_a_minute: list[int]) -> dict[str, object]:
    return {
        "medium": "4g",
        "messages": len(bytes_a_minute),
        "lost": 1,
        "up": {str(HOUR + 60 * n): size for n, size in enumerate(bytes_a_minute)},
        "down": {},
        "rtt": {},
    }


def test_throughput_is_the_95th_percentile_of_minutes_idle_ones_included() -> None:
    busy = LinkTotals.of_channel(channel([75_000] * 60))
    assert busy.used_kbps() == pytest.approx(10.0, rel=0.01)
    # Two busy minutes an hour do not make a busy channel; four do.
    assert LinkTotals.of_channel(channel([75_000] * 2)).used_kbps() == 0.0
    assert LinkTotals.of_channel(channel([75_000] * 4)).used_kbps() == pytest.approx(10, rel=0.01)
    together = LinkTotals()
    for _ in range(24):
        together.add(LinkTotals.of_channel(channel([75_000] * 30 + [7_500] * 30)))
    assert together.used_kbps() == pytest.approx(10.0, rel=0.01)
    assert together.used_kbps(0.4) == pytest.approx(1.0, rel=0.01)


def report(n: int, asked: int, answered: int, run: int = 7, hour: int = HOUR) -> LinkReport:
    return LinkReport(
        gateway="GW0001",
        hour=hour,
        run=run,
        number=n,
        subjects={"DV0001": LinkTotals(asked=asked, answered=answered, hours=1)},
    )


async def test_a_report_that_comes_twice_or_late_counts_once(here: Town) -> None:
    links = here.platform.records.links
    links.put(report(2, 200, 198))
    links.put(report(1, 100, 99))
    links.put(report(2, 200, 198))
    links.put(report(1, 50, 50, run=8))  # the gateway was started anew
    rows = links.list(HOUR, HOUR + 1)
    assert sorted(row.totals.asked for row in rows) == [50, 200]


async def test_hours_of_long_ago_are_folded_into_days_without_changing_the_sum(here: Town) -> None:
    links = here.platform.records.links
    day = HOUR // 86400 * 86400
    for hour in range(30):
        links.put(report(1, 10, 9, hour=day + 3600 * hour))
    assert links.fold(day + 86400 + 60) == 24
    assert links.fold(day + 86400 + 60) == 0
    rows = links.list(day, day + 2 * 86400)
    assert len(rows) == 7
    assert sum(row.totals.asked for row in rows) == 300
    links.put(report(1, 10, 9, run=9, hour=day))  # a straggler
    assert links.fold(day + 86400) == 1
    assert sum(row.totals.asked for row in links.list(day, day + 86400)) == 250


async def test_devices_of_others_and_broken_notes_are_refused(here: Town) -> None:
    ledger = here.platform.world.ledger
    said = {"asked": 1, "answered": 1, "up": 0, "down": 0, "failed": {}, "rtt": {}}
    note = {"hour": HOUR, "run": 1, "n": 1, "devices": {"DV0002": said, "DV0001": said},
            "channels": {"main": channel([1]), "third": channel([1])}}  # fmt: skip
    assert set(read_report("GW0001", note, ledger).subjects) == {"DV0001", "main"}
    with pytest.raises(InputError):
        read_report("GW0001", {**note, "hour": HOUR + 1}, ledger)
    for wrong in ({**said, "asked": -1}, {**said, "rtt": {"a": 1}}, {}, {**said, "up": "x"}):
        with pytest.raises((KeyError, TypeError, ValueError)):
            read_report("GW0001", {**note, "devices": {"DV0001": wrong}}, ledger)
    gateway = await here.enrol()
    await gateway.connect()
    await gateway.acknowledged(await gateway.notes({"type": "link_stats", **note, "hour": "x"}))
    assert here.platform.records.quarantine.list()[1][0].reason == "bad_note"
    await gateway.acknowledged(await gateway.notes({"type": "link_stats", **note}))
    assert len(here.platform.records.links.list(HOUR, HOUR + 1)) == 2


async def test_routes_give_reports_inside_the_scope_and_as_a_workbook(here: Town) -> None:
    here.platform.records.links.put(report(1, 1000, 985))
    times = "from=2027-01-01T00:00:00Z&to=2027-12-31T00:00:00Z"
    async with here.client("wang", Role.DISPATCHER) as client:
        now = (await client.get("/api/v1/links")).json()
        assert {row["code"] for row in now["gateways"]} == {"GW0001", "GW0002"}
        for by in ("gateway", "device", "channel"):
            answer = await client.get(f"/api/v1/links/report?{times}&by={by}")
            assert answer.status_code == 200, answer.text
            found = answer.json()
            assert found["by"] == by
        rows = (await client.get(f"/api/v1/links/report?{times}&by=device")).json()["items"]
        first = rows[0]
        assert (first["code"], first["success_pct"], first["passed"]) == ("DV0001", 98.5, False)
        book = await client.get(f"/api/v1/links/report?{times}&by=device&format=xlsx")
        assert book.content[:2] == b"PK"
        assert (await client.get("/api/v1/links/report?from=x&to=y")).status_code == 422
        wrong = "/api/v1/links/report?from=2027-12-31T00:00:00Z&to=2027-01-01T00:00:00Z"
        assert (await client.get(wrong)).status_code == 422
    async with here.client("west", Role.DISPATCHER, scope="CO01/BR02") as client:
        rows = (await client.get(f"/api/v1/links/report?{times}&by=device")).json()["items"]
        assert {row["gateway"] for row in rows} == {"GW0002"}
        assert (await client.get("/api/v1/links")).json()["gateways"][0]["code"] == "GW0002"
    async with here.client() as client:
        assert (await client.get("/api/v1/links")).status_code == 401


async def test_a_channel_that_is_85_percent_full_raises_an_alarm_that_clears(here: Town) -> None:
    world = here.platform.world
    ledger = world.ledger
    object.__setattr__(ledger.gateways["GW0001"], "capacity_kbps", 100.0)
    minute = int(85.0 * 1000 * 60 / 8)
    full = LinkTotals.of_channel(channel([minute] * 60))
    for n in range(25):
        here.platform.records.links.put(
            LinkReport(
                gateway="GW0001", hour=HOUR - 3600 * n, run=1, number=1, subjects={"main": full}
            )
        )
    await here.platform.link_watch.run(START_S)
    (alarm,) = here.platform.alarming.active_of(("bandwidth",)).values()
    assert (alarm.subject, alarm.rule) == ("GW0001", "bandwidth.main")
    assert alarm.value == pytest.approx(15.0, abs=0.6)
    found = LinkReports(world, here.platform.records).report(
        Scope.everything(), START_S - 86400, START_S, "channel"
    )
    row = next(r for r in found.items if r.channel == "main" and r.code == "GW0001")
    assert row.margin_passed is False
    assert row.margin_pct == pytest.approx(15.0, abs=1.0)
    object.__setattr__(ledger.gateways["GW0001"], "capacity_kbps", 200.0)
    await here.platform.link_watch.run(START_S + 600)
    assert here.platform.alarming.active_of(("bandwidth",)) == {}
