"""Weather and exchange in the records, on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

from heatloop.bridge.weather.model import QUANTITIES
from heatloop.store.records import Records
from heatloop.store.records.sync_model import ConflictRow, HeldRecord, RunRow
from tests.contract.test_store_records import postgres, records, url

__all__ = ["postgres", "records", "url"]
NAMES = {"contract": {"area_m2": "area_m2", "user_name": "user_name", "stopped": "heat_off"}}


def hour(at_s: float, temperature_c: float) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(QUANTITIES)
    return row | {"at_s": at_s, "temperature_c": temperature_c, "condition": 3, "quality": 0}


def test_the_newest_forecast_known_at_a_time(records: Records) -> None:
    weather = records.weather
    for known, source, warmer in ((100.0, "a", 0.0), (200.0, "b", 1.0), (200.0, "a", 2.0)):
        weather.add_forecast(
            source=source,
            known_at=known,
            issued_at=None,
            hours=[hour(3600.0 * n, n + warmer) for n in range(1, 80)],
        )
    assert weather.issue_at(99.9) is None
    first = weather.issue_at(199.9)
    assert first is not None
    assert (first.source, first.known_at, first.hours, first.first_s) == ("a", 100.0, 79, 3600.0)
    newest, other = weather.issue_at(1e9), weather.issue_at(1e9, "b")
    assert newest is not None
    assert other is not None
    assert (newest.source, other.source) == ("a", "b")
    rows = weather.hours_of(newest.number, 7200.0, 14400.0)
    found = [(row.at_s, row.values["temperature_c"]) for row in rows]
    assert found == [(7200.0, 4.0), (10800.0, 5.0)]
    told = weather.forecasts_of(3600.0, 7200.0, 10)
    assert [(by, known, row.values["temperature_c"]) for by, known, row in told] == [
        ("b", 200.0, 2.0), ("a", 200.0, 3.0), ("a", 100.0, 1.0)]  # fmt: skip


def test_observations_are_replaced_and_forgotten(records: Records) -> None:
    weather = records.weather
    assert weather.observe("s", 50.0, [hour(10.0, 1.0), hour(20.0, 2.0)]) == 2
    weather.observe("s", 60.0, [hour(20.0, 3.0)])
    total, rows = weather.observations(start_s=0.0, end_s=100.0, source="s")
    assert total == 2
    assert [(row.at_s, row.values["temperature_c"], row.known_at) for row in rows] == [
        (20.0, 3.0, 60.0), (10.0, 1.0, 50.0)]  # fmt: skip
    weather.add_forecast(source="a", known_at=5.0, issued_at=1.0, hours=[hour(30.0, 0.0)])
    assert weather.counts() == (1, 2)
    assert weather.forget(15.0) == 2
    assert weather.counts() == (0, 1)


def held(source_id: str, code: str = "CT00001") -> HeldRecord:
    return HeldRecord(
        system="billing",
        entity="contract",
        source_id=source_id,
        code=code,
        revision=2**52,
        changed_at=1.0,
        checksum="x",
        deleted=False,
        fields={"area_m2": 5.0, "user_name": "secret"},
        agreed={"user_name": "secret"},
        secret=frozenset({"user_name"}),
        received_at=2.0,
        run="r",
    )


def clash(number: int, state: str = "open", secret: bool = False) -> ConflictRow:
    return ConflictRow(
        id=f"c{number}",
        system="billing",
        entity="contract",
        source_id="1",
        code="CT00001",
        field="area_m2",
        kind="not_owner",
        state=state,
        winner="",
        values={"theirs": 1, "ours": 2, "agreed": None},
        secret=secret,
        found_at=float(number),
    )


def run(id_: str, **counts: Any) -> RunRow:
    return RunRow(id=id_, system="billing", way="push", started_at=1.0, ended_at=2.0, by="u",
                  dry_run=False, **counts)  # fmt: skip


def test_register_conflicts_and_runs(records: Records) -> None:
    sync = records.sync
    sync.save(run("r1", received=2), [held("1"), held("2", "")], [clash(1, secret=True)], [])
    assert sync.held("billing", {("contract", "1")}) == {("contract", "1"): held("1")}
    assert sync.held("customer", {("contract", "1")}) == {}
    found = sync.conflict("c1")
    assert found is not None
    assert found.values == {"theirs": 1, "ours": 2, "agreed": None}
    # A newer disagreement about the field takes the place of the open one.
    sync.save(run("r2"), [], [clash(2), clash(2)], [])
    assert [(c.id, c.state) for c in sync.conflicts(codes=None)[1]] == [("c2", "open"),
                                                                        ("c1", "gone")]  # fmt: skip
    assert sync.decide("c2", winner="ours", by="wu", at=9.0, note="so")
    assert not sync.decide("c2", winner="theirs", by="wu", at=9.0, note="")
    assert sync.kept_apart("billing", {("contract", "1")}) == {"c2"}
    sync.save(run("r3"), [], [clash(3)], [("billing", "contract", "1", "area_m2")])
    sync.save(run("r4"), [], [], [("billing", "contract", "1", "area_m2")])
    assert sync.conflicts(codes={"CT00001"}, state="open")[0] == 0
    assert sync.conflicts(codes=frozenset(), state="")[0] == 0
    figures = sync.figures()["billing"]
    assert (figures["records"], figures["linked"], figures.get("open", 0)) == (2, 1, 0)
    assert sync.runs(system="billing")[0] == 4
    assert sync.forget_runs(1e9) == 4


def test_the_feed_reads_the_ledgers_versions(records: Records) -> None:
    def save(version: int, note: str, **row: Any) -> None:
        rows = [{"code": "CT00001", "contract_no": "7", **row}] if row else []
        records.ledger.save({"contract": rows}, version=version, keys={}, at=10.0 * version,
                            by="u", note=note)  # fmt: skip

    feed = records.sync_feed
    save(1, "installed", area_m2=1.0, user_name="a")
    feed.catch_up(NAMES, "sync.apply")
    assert feed.newest() == 0
    save(2, "sync.apply billing", area_m2=2.0, user_name="a", stopped=False)
    save(3, "ledger.edit CT00001", area_m2=2.0, user_name="b", stopped=False)
    save(4, "ledger.edit CT00001", area_m2=2.0, user_name="b", stopped=False, tariff="area")
    save(5, "ledger.edit CT00001")
    feed.catch_up(NAMES, "sync.apply")
    feed.catch_up(NAMES, "sync.apply")
    last, more, rows = feed.since(0, without="", limit=10)
    assert (more, [(r.version, r.origin, r.gone) for r in rows]) == (
        False, [(2, "billing", False), (3, "", False), (5, "", True)])  # fmt: skip
    assert rows[0].fields == {"area_m2": 2.0, "heat_off": False}
    assert rows[1].fields == {"user_name": "***"}
    assert [row.version for row in feed.since(0, without="billing", limit=10)[2]] == [3, 5]
    assert feed.since(last, without="", limit=10) == (last, False, [])
    assert feed.since(0, without="", limit=1)[1] is True
    began = feed.began("contract", "CT00001")
    assert [at for at, _ in began] == [40.0, 30.0, 20.0, 10.0]
