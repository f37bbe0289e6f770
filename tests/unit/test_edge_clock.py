"""Time that does not follow every leap, and slots that are polled once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from heatloop.edge.channel_choice import clock_notes
from heatloop.edge.clock_guard import GuardedClock
from heatloop.edge.gaps import CLOCK_STEP
from heatloop.edge.kept import Kept
from heatloop.edge.pacing import due_slot
from heatloop.edge.spool import Spool
from heatloop.kernel.clock import LIVE, ClockState

NOON = 1_800_000_000.0


class Times:
    """The machine's clock, which leaps, and a steady one, which does not."""

    def __init__(self) -> None:
        self.machine, self.steady = NOON, 100.0

    def pass_(self, seconds: float) -> None:
        self.machine += seconds
        self.steady += seconds

    def clock(self, state: ClockState = LIVE) -> GuardedClock:
        return GuardedClock(state, machine_s=lambda: self.machine, steady_s=lambda: self.steady)


@pytest.mark.parametrize("leap", [3600.0, -3600.0])
def test_a_leap_nobody_confirms_is_not_followed(leap: float) -> None:
    times = Times()
    clock = times.clock()
    times.pass_(60)
    clock.heard(NOON + 60)
    times.machine += leap
    for n in range(1, 100):
        times.pass_(30)
        assert clock.now_s() == pytest.approx(NOON + 60 + 30 * n)
        clock.heard(NOON + 60 + 30 * n)
    assert clock.doubtful
    assert [(round(each.by_s / 3600), each.followed) for each in clock.leaps] == [
        (round(leap / 3600), False)
    ]
    times.machine -= leap  # put right again
    assert clock.now_s() == pytest.approx(times.machine)
    assert not clock.doubtful


@pytest.mark.parametrize("leap", [3600.0, -3600.0])
def test_a_leap_the_platform_makes_too_is_followed(leap: float) -> None:
    times = Times()
    clock = times.clock()
    clock.heard(NOON)
    times.machine += leap
    assert clock.now_s() == pytest.approx(NOON)
    clock.heard(NOON + leap + 1)
    assert clock.now_s() == pytest.approx(NOON + leap)
    assert [each.followed for each in clock.leaps] == [False, True]
    assert clock.wrong_by_s == 0.0


def test_a_gateway_that_begins_with_an_empty_battery_takes_the_platforms_time() -> None:
    times = Times()
    times.machine = 0.0  # 1970
    clock = times.clock()
    clock.heard(NOON)
    times.pass_(90)
    assert clock.now_s() == pytest.approx(NOON + 90)
    times.machine = NOON + 91  # the time server is reached at last
    assert clock.now_s() == pytest.approx(NOON + 91)
    assert not clock.doubtful


def test_a_time_server_at_work_and_a_change_of_speed_are_no_leaps() -> None:
    times = Times()
    clock = times.clock()
    for n in range(200):
        times.pass_(1)
        times.machine += 0.5 if n % 2 else -0.3
        assert clock.now_s() == pytest.approx(times.machine)
    state = ClockState(epoch=1, origin_machine_s=times.machine, origin_plant_s=5e8, speed=1.0)
    clock.set(state)  # the first word of a publisher is taken as it is
    assert clock.now_s() == pytest.approx(5e8)
    times.pass_(100)
    faster = replace(state, epoch=2, origin_machine_s=times.machine, origin_plant_s=5e8 + 100)
    clock.set(replace(faster, speed=60.0))
    times.pass_(10)
    assert clock.now_s() == pytest.approx(5e8 + 700)
    clock.set(replace(state, epoch=3, origin_plant_s=6e8, speed=0.0, lockstep=True))
    assert clock.now_s() == 6e8
    clock.set(replace(state, epoch=4, origin_machine_s=times.machine, origin_plant_s=6e8))
    times.pass_(10)
    assert clock.now_s() == pytest.approx(6e8 + 10)
    assert clock.leaps == []


async def test_what_the_clock_did_is_said_once_and_the_alarm_clears(tmp_path: Path) -> None:
    kept = Kept("GW0001", tmp_path, Spool(tmp_path / "s"), lambda: None)
    times = Times()
    clock = times.clock()
    clock.heard(NOON)
    times.machine += 3600
    clock.now_s()
    notes = clock_notes(clock, kept, "GW0001", NOON)
    assert [note["type"] for note in notes] == ["event", "alarm"]
    assert "+3600 s: not followed" in notes[0]["text"]
    assert kept.skip_cause("poll_overrun") == "poll_overrun"
    assert clock_notes(clock, kept, "GW0001", NOON) == []
    clock.heard(NOON + 3600)
    notes = clock_notes(clock, kept, "GW0001", NOON + 3600)
    assert [note["type"] for note in notes] == ["event", "alarm_clear"]
    assert kept.skip_cause("poll_overrun") == CLOCK_STEP
    assert kept.skip_cause("poll_overrun") == "poll_overrun"
    kept.spool.close()


def test_a_slot_is_polled_once_unless_the_clock_was_put_back_by_minutes() -> None:
    assert due_slot(992.0, 30, 960, 1.0) == 990
    assert due_slot(992.0, 30, 990, 1.0) == 1020
    assert due_slot(985.0, 30, 990, 1.0) == 1020  # put back by seconds: the slot is done
    assert due_slot(1001.0, 30, 4600, 1.0) == 1020  # by an hour: on with the present
    assert due_slot(4600.0, 30, 1000, 1.0) == 4620  # forward: what was skipped is a gap
