"""Links over time: sums by hour and day, times on the spare channel, completeness, parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from heatloop.app.link_history import LinkHistories, part_of
from heatloop.app.refusals import Refused
from heatloop.kernel.errors import InputError
from heatloop.kernel.ids import alarm_id
from heatloop.kernel.messages import Alarm, AlarmState
from heatloop.kernel.scope import Scope
from heatloop.kernel.series import Columns
from heatloop.protocols.link_counts import LinkTotals
from heatloop.security.access import Role
from heatloop.store.records.links import LinkReport
from tests.unit.app_town import START_S, Town, town

HOUR = int(START_S) // 3600 * 3600
DAY = 86400
ALL = Scope.everything()


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        yield made


def histories(here: Town) -> LinkHistories:
    return LinkHistories(here.platform.world, here.platform.records, "Asia/Shanghai")


def put(here: Town, gateway: str, hour: int, **subjects: tuple[int, int]) -> None:
    here.platform.records.links.put(
        LinkReport(
            gateway=gateway,
            hour=hour,
            run=1,
            number=1,
            subjects={
                code: LinkTotals(asked=asked, answered=answered, hours=1)
                for code, (asked, answered) in subjects.items()
            },
        )
    )


async def test_hours_and_days_add_up_devices_and_leave_channels_out(here: Town) -> None:
    put(here, "GW0001", HOUR, DV0001=(100, 90), DV0003=(100, 100), main=(50, 1))
    put(here, "GW0002", HOUR, DV0002=(100, 100))
    put(here, "GW0001", HOUR + 3600, DV0001=(100, 100))
    put(here, "GW0001", HOUR - DAY, DV0001=(10, 10))
    found = histories(here).history(ALL, HOUR, HOUR + 7200, "hour")
    assert [(s.asked, s.answered) for s in found.steps] == [(300, 290), (100, 100)]
    assert [int(s.at.timestamp()) for s in found.steps] == [HOUR, HOUR + 3600]
    assert (found.asked, found.answered, found.success_pct) == (400, 390, 97.5)
    assert (found.devices, found.devices_below) == (3, 1)
    days = histories(here).history(ALL, HOUR - 2 * DAY, HOUR + DAY, "day").steps
    assert [(s.asked, s.answered) for s in days] == [(10, 10), (400, 390)]
    # Days begin at midnight in Shanghai.
    assert {int(s.at.timestamp()) % DAY for s in days} == {16 * 3600}
    mine = histories(here).history(ALL, HOUR, HOUR + 3600, "hour", "GW0002")
    assert (mine.asked, mine.success_pct, mine.devices_below) == (100, 100.0, 0)


async def test_nothing_counted_is_no_rate_and_bad_questions_are_refused(here: Town) -> None:
    empty = histories(here).history(ALL, HOUR, HOUR + 3600, "hour")
    assert (empty.steps, empty.success_pct, empty.devices) == ([], None, 0)
    with pytest.raises(InputError):
        histories(here).history(ALL, HOUR, HOUR, "hour")
    with pytest.raises(InputError):
        histories(here).history(ALL, HOUR - 60 * DAY, HOUR, "hour")
    with pytest.raises(Refused):
        histories(here).history(Scope.of({"CO01/BR02"}), HOUR, HOUR + 60, "hour", "GW0001")


def spare(here: Town, gateway: str, onset: float, cleared: float | None, rule: str) -> None:
    alarm = Alarm(
        id=alarm_id(gateway, rule, int(onset)),
        subject=gateway,
        rule=rule,
        priority=3,
        onset=onset,
        state=AlarmState.ACTIVE if cleared is None else AlarmState.RETURNED,
        value=None,
        limit=None,
        detail="",
    )
    here.platform.records.alarms.upsert(alarm, at=onset if cleared is None else cleared)


async def test_times_on_the_spare_channel_that_touch_the_period(here: Town) -> None:
    spare(here, "GW0001", HOUR - 7200, HOUR - 3600, "channel.main")  # over before
    spare(here, "GW0001", HOUR - 600, HOUR + 600, "channel.main")
    spare(here, "GW0002", HOUR + 1200, None, "channel.main")
    spare(here, "GW0001", HOUR + 1800, None, "link_success")  # something else
    spare(here, "GW0002", HOUR + 9000, None, "channel.main")  # after
    spans = histories(here).history(ALL, HOUR, HOUR + 7200, "hour").spare_spans
    assert [(s.gateway, s.since.timestamp(), s.until and s.until.timestamp()) for s in spans] == [
        ("GW0002", HOUR + 1200.0, None),
        ("GW0001", HOUR - 600.0, HOUR + 600.0),
    ]


async def test_a_part_of_a_scope_never_reaches_beyond_it(here: Town) -> None:
    world = here.platform.world
    assert part_of(world, ALL, "") == ALL
    assert part_of(world, ALL, "BR02") == Scope.of({"CO01/BR02"})
    assert part_of(world, Scope.of({"CO01"}), "BR01").paths == {"CO01/BR01"}
    # A heat source feeds stations of every branch; a branch does not see its neighbour.
    for scope, code in ((ALL, "HS0001"), (ALL, "XX9999"), (Scope.of({"CO01/BR02"}), "BR01")):
        with pytest.raises(Refused):
            part_of(world, scope, code)


async def test_completeness_counts_as_the_audit_does(here: Town) -> None:
    here.clock.advance(7200)
    here.platform.links.connected = lambda: ["GW0001", "GW0002"]  # type: ignore[method-assign]
    start, end = int(START_S), int(START_S) + 3600
    ledger = here.platform.world.ledger
    keys = [b.key for b in ledger.bindings_of_device("DV0001") for _ in range(30)]
    slots = [start + 30 * n for _ in ledger.bindings_of_device("DV0001") for n in range(30)]
    count = len(keys)
    here.platform.historian.engine.append(  # type: ignore[attr-defined]
        Columns(np.array(keys, "u4"), np.array(slots, "u4"), np.ones(count), np.zeros(count, "u1"))
    )
    counted = await here.platform.gap_audit.counted(ALL, start, end)
    audited = await here.platform.gap_audit.run(ALL, start, end)
    for name in ("expected", "stored", "share_pct", "passed"):
        assert counted[name] == audited[name]
    assert 0 < counted["stored"] < counted["expected"]


async def test_the_routes_answer_inside_the_scope(here: Town) -> None:
    here.clock.advance(7200)
    put(here, "GW0001", HOUR, DV0001=(100, 90), DV0004=(10, 10))
    put(here, "GW0002", HOUR, DV0002=(100, 100))
    times = "from=2027-01-01T00:00:00Z&to=2027-12-31T00:00:00Z"
    own = "/api/v1/links"
    async with here.client("wang", Role.DISPATCHER) as client:
        found = (await client.get(f"{own}/history?{times}&by=day")).json()
        assert (found["asked"], found["answered"]) == (210, 200)
        devices = (await client.get(f"{own}/gateways/GW0001/devices?{times}")).json()
        assert devices[0]["code"] == "DV0001"
        assert {row["gateway"] for row in devices} == {"GW0001"}
        hour = "from=2027-01-15T08:00:00Z&to=2027-01-15T09:00:00Z"
        whole = (await client.get(f"{own}/completeness?{hour}")).json()
        assert (whole["stored"], whole["passed"], whole["rule_pct"]) == (0, False, 98.0)
        audit = await client.get(f"{own}/audit?{hour}&organisation=BR02")
        assert '"scope":["CO01/BR02"]' in audit.json()["body"]
    async with here.client("west", Role.DISPATCHER, scope="CO01/BR02") as client:
        found = (await client.get(f"{own}/history?{times}&by=day")).json()
        assert found["asked"] == 100
        for wrong in (
            f"{own}/gateways/GW0001/devices?{times}",
            f"{own}/history?{times}&by=day&gateway=GW0001",
            f"{own}/audit?{hour}&organisation=BR01",
        ):
            assert (await client.get(wrong)).status_code == 404
    async with here.client() as client:
        assert (await client.get(f"{own}/history?{times}")).status_code == 401
