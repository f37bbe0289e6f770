"""Security events: rules, one row and one alarm for many attempts, alarms that return."""

from __future__ import annotations

from pathlib import Path

import pytest

from heatloop.app.security_events import SecurityEvents
from heatloop.app.watch_rules import RuleBook, security_kinds, watch_rules
from tests.unit.app_town import Town, town

NOW_S = 1_800_000_000.0


class Watch:
    """Machine time that moves when told."""

    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


def _events(made: Town, watch: Watch) -> SecurityEvents:
    platform = made.platform
    return SecurityEvents(platform.world, platform.records, platform.alarming, watch)


def _alarms(made: Town) -> dict[str, str]:
    active = made.platform.alarming.active_of(("security",))
    return {rule.removeprefix("security."): subject for subject, rule in active}


def test_every_rule_makes_a_kind_and_counts_signals_that_exist() -> None:
    kinds = security_kinds()
    for rule in watch_rules():
        assert kinds[rule.kind].kept
        assert all(not kinds[signal].kept for signal in rule.signals)
        assert rule.by in ("subject", "address")
    for kind in kinds.values():
        assert kind.zh
        assert kind.en
        assert 1 <= kind.severity <= 4
        assert not kind.kept or (kind.advice_zh and kind.advice_en)
        assert not kind.alarm or kind.kept


@pytest.mark.parametrize("rule", watch_rules(), ids=lambda r: f"{r.kind}-{r.by}")
def test_each_rule_is_met_at_its_count_and_not_before(rule) -> None:
    book = RuleBook((rule,))
    signal = min(rule.signals)

    def see(n: int, at_s: float) -> bool:
        subject = "who" if rule.by == "subject" else f"who{n}"
        address = "198.51.100.7" if rule.by == "address" else f"198.51.100.{n % 250}"
        return bool(list(book.see(signal, subject, address, at_s)))

    # One less than the count stays below it, however it is spread.
    found = [see(n, 10.0 + n * 0.01) for n in range(rule.count)]
    assert found == [False] * (rule.count - 1) + [True]
    slow = RuleBook((rule,))
    assert rule.count == 1 or not any(
        list(slow.see(signal, "who", "198.51.100.7", 10.0 + n * (rule.window_s + 1.0)))
        for n in range(3 * rule.count)
    )


async def test_many_attempts_are_one_row_and_one_alarm(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        watch = Watch()
        events = _events(made, watch)
        for _ in range(40):
            events.note("sign_in_failed", "dispatcher", "203.0.113.9")
            watch.now_s += 1.0
        await events.settle()
        total, rows = made.platform.records.watch.events(kinds=["brute_force"])
        by_user = [row for row in rows if row.subject == "dispatcher"]
        assert total == 2
        assert len(by_user) == 1
        assert by_user[0].count == 36
        assert by_user[0].address == "203.0.113.9"
        assert _alarms(made) == {"brute_force": "CO01"}
        # Signals themselves are only counted.
        assert made.platform.records.watch.events(kinds=["sign_in_failed"])[0] == 0


async def test_the_alarm_returns_when_it_has_been_quiet(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        watch = Watch()
        events = _events(made, watch)
        hold_s = security_kinds()["forged_frame"].hold_s
        events.note("forged_frame", "GW0001")
        await events.settle()
        assert _alarms(made) == {"forged_frame": "GW0001"}
        watch.now_s += hold_s - 1.0
        await events.settle()
        assert _alarms(made) == {"forged_frame": "GW0001"}
        watch.now_s += 2.0
        await events.settle()
        assert _alarms(made) == {}
        # What has no time of its own stays until its cause is known to be gone.
        events.note("open_port", "10.0.0.1", ports="23")
        watch.now_s += 1e6
        await events.settle()
        assert _alarms(made) == {"open_port": "CO01"}
        events.over("open_port", "10.0.0.1")
        await events.settle()
        assert _alarms(made) == {}


async def test_an_alarm_raised_before_a_restart_returns_as_well(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        watch = Watch()
        first = _events(made, watch)
        first.note("replayed_frame", "DV0004")
        await first.settle()
        assert _alarms(made) == {"replayed_frame": "RC0001"}
        again = _events(made, watch)
        await again.settle()
        assert _alarms(made) == {"replayed_frame": "RC0001"}
        watch.now_s += security_kinds()["replayed_frame"].hold_s + 1.0
        await again.settle()
        assert _alarms(made) == {}


async def test_names_without_end_are_bounded(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        watch = Watch()
        events = _events(made, watch)
        for n in range(2500):
            events.note("forged_frame", f"GW{n}", f"192.0.2.{n % 250}")
        await events.settle()
        total, rows = made.platform.records.watch.events(kinds=["forged_frame"], limit=2100)
        assert total == 2001
        assert sum(row.count for row in rows) == 2500
        assert max(row.count for row in rows) == 500


async def test_records_that_are_away_lose_no_event(tmp_path: Path, monkeypatch) -> None:
    async with town(tmp_path) as made:
        from heatloop.kernel.errors import LinkError

        events = _events(made, Watch())
        records = made.platform.records.watch

        def broken(rows: object) -> list[int]:
            raise LinkError("the disk is away")

        events.note("forged_frame", "GW0001")
        with monkeypatch.context() as patch:
            patch.setattr(records, "keep", broken)
            with pytest.raises(LinkError):
                await events.settle()
            # The alarm does not wait for the disk.
            assert _alarms(made) == {"forged_frame": "GW0001"}
        events.note("forged_frame", "GW0001")
        await events.settle()
        _, rows = records.events(kinds=["forged_frame"])
        assert [row.count for row in rows] == [2]


def test_an_unknown_kind_is_left(tmp_path: Path) -> None:
    found = RuleBook(watch_rules()).see("no_such_kind", "a", "b", 1.0)
    assert list(found) == []
