"""Devices, their tests, links and edge rules in the records: the same on SQLite and PostgreSQL.

And what every repository leans on: of several that change the same thing at once, one does it
after the other, on both engines.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from heatloop.kernel.errors import InputError
from heatloop.protocols.link_counts import LinkTotals
from heatloop.store.records import Records
from heatloop.store.records.device_life import FileRow, ItemRow
from heatloop.store.records.device_life_runs import RunRow
from heatloop.store.records.links import LinkReport
from tests.contract.test_store_records import postgres, records, url

__all__ = ["postgres", "records", "url"]


def at_once(count: int, call: Callable[[int], object]) -> list[object]:
    """Return what `count` threads get that start in one moment."""
    start = threading.Barrier(count)

    def wait(n: int) -> object:
        start.wait()
        return call(n)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(wait, range(count)))


def item(serial: str, **changes: object) -> ItemRow:
    row = ItemRow(
        serial=serial, model="HM-1", asset="SS0001", device="", point_kind="", purchase="PO1",
        state="stock", auto_ready=False, body={"duty": {"dn": 50}}, changed_at=1.0,
    )  # fmt: skip
    return replace(row, **changes)


def run(number: int, **changes: object) -> RunRow:
    row = RunRow(
        id=f"r{number}", kind="acceptance", subject="S1", station="SS0001", state="running",
        user="wang", started_at=float(number), ended_at=None, body={"steps": [1]}, document={},
        pdf="", pdf_signature="", key_id="",
    )  # fmt: skip
    return replace(row, **changes)


def test_devices_are_kept_changed_and_moved_once(records: Records) -> None:
    life = records.devices
    life.add(item("S1"))
    life.add(item("S2", asset="SS0002", state="installed"))
    with pytest.raises(InputError, match="device exists"):
        life.add(item("S1"))
    assert life.get("S1") == item("S1")
    changed = life.change("S1", at=2.0, body={"duty": {"dn": 80}}, auto_ready=True)
    assert (
        life.get("S1")
        == changed
        == item("S1", body={"duty": {"dn": 80}}, auto_ready=True, changed_at=2.0)
    )
    moved = at_once(6, lambda n: life.move("S1", "stock", "installed", at=3.0 + n))
    assert sorted(map(bool, moved)) == [False] * 5 + [True]
    assert [row.serial for row in life.list(state="installed")[1]] == ["S1", "S2"]
    assert life.list(assets={"SS0002"}, limit=1)[0] == 1
    assert life.list(purchase="PO2") == (0, [])
    with pytest.raises(InputError, match="no such device"):
        life.change("S9", at=1.0, state="stock")


def test_models_purchases_notes_and_files(records: Records) -> None:
    life = records.devices
    assert life.put_models({"HM-1": {"dn": 50}, "HM-2": {}}, by="wang", at=1.0) == 2
    assert life.put_models({"HM-1": {"dn": 50}}, by="wang", at=2.0) == 0
    assert life.put_models({"HM-1": {"dn": 9}}, by="li", at=2.0, only_new=True) == 0
    assert life.put_models({"HM-1": {"dn": 65}}, by="li", at=3.0) == 1
    assert life.models() == {"HM-1": {"dn": 65}, "HM-2": {}}
    life.put_purchase("PO1", {"rows": 1}, by="wang", at=1.0)
    life.put_purchase("PO1", {"rows": 2}, by="wang", at=2.0)
    assert life.purchases() == {"PO1": {"rows": 2}}
    for n in range(3):
        life.note("S1", "receipt" if n else "document", {"n": n}, by="li", at=float(n))
    life.note("S2", "receipt", {"n": 9}, by="li", at=9.0)
    assert [row.body["n"] for row in life.notes("S1", "receipt")] == [1, 2]
    assert [row.body["n"] for row in life.notes_of({"S1", "S2"})] == [0, 1, 2, 9]
    file = FileRow(
        sha256="ab", name="图.pdf", media="application/pdf", size_bytes=3, user="w", at=1
    )
    life.add_file(file)
    life.add_file(replace(file, name="again.pdf"))
    assert life.file("ab") == file
    assert life.file("cd") is None


def test_runs_are_kept_as_they_go(records: Records) -> None:
    runs = records.device_runs
    runs.put(run(1))
    runs.put(run(2, kind="season", subject="CO01"))
    assert [row.id for row in runs.list_open()] == ["r1", "r2"]
    runs.put(run(1, state="passed", ended_at=5.0, body={"steps": []}))
    runs.sign("r1", document={"kind": "x"}, pdf="ab", signature="cd", key_id="k")
    done = runs.last("S1")
    assert done is not None
    assert (done.state, done.document, done.pdf_signature) == ("passed", {"kind": "x"}, "cd")
    assert [row.id for row in runs.list()[1]] == ["r2", "r1"]
    assert runs.list(kind="season", subjects={"S1"}) == (0, [])
    assert runs.get("r9") is None
    assert runs.last("CO01") is None


def report(number: int, answered: int, hour: int = 3600, run: int = 7) -> LinkReport:
    totals = LinkTotals(asked=120, answered=answered)
    subjects = {"DV1": totals, "main": LinkTotals(asked=5, answered=5)}
    return LinkReport(gateway="GW1", hour=hour, run=run, number=number, subjects=subjects)


def test_link_reports_count_once_and_fold_into_days(records: Records) -> None:
    links = records.links
    for number, answered in ((1, 60), (2, 119), (1, 60)):
        links.put(report(number, answered))
    links.put(report(1, 40, run=8))
    links.put(report(1, 100, hour=7200))
    rows = links.list(0, 7200, gateways=["GW1"], subjects={"DV1"})
    assert sorted(row.totals.answered for row in rows) == [40, 119]
    assert links.hour_sums(0, 9000, gateways=["GW1"]) == [(3600, 240, 159), (7200, 120, 100)]
    assert links.subject_sums(0, 9000, gateways=["GW1"]) == {("GW1", "DV1"): (360, 259)}
    assert links.fold(2 * 86400) == 6
    assert links.fold(2 * 86400) == 0
    assert links.hour_sums(0, 86400, gateways=["GW1"]) == [(0, 360, 259)]
    links.put(report(1, 1, hour=10800))
    assert links.fold(2 * 86400) == 2
    assert links.subject_sums(0, 86400, gateways=["GW1"]) == {("GW1", "DV1"): (480, 260)}
    assert links.list(0, 86400, gateways=["GW2"]) == []


def test_edge_rules_get_their_versions_one_after_the_other(records: Records) -> None:
    def add(n: int) -> int:
        return records.edge_rules.add(
            "GW1", at=float(n), user="wang", note="", body=f'{{"n": {n}}}', back_to=None
        )

    assert sorted(at_once(8, add)) == list(range(1, 9))  # type: ignore[type-var]
    records.edge_rules.report("GW1", 8, state="active", reason="", at=50.0)
    records.edge_rules.report("GW1", 8, state="refused", reason="old news", at=40.0)
    newest = records.edge_rules.newest("GW1")
    assert newest is not None
    assert (newest.version, newest.state, newest.reported_at) == (8, "active", 50.0)
    assert [row.version for row in records.edge_rules.list("GW1")] == list(range(8, 0, -1))
    assert records.edge_rules.newest("GW2") is None


def test_of_values_set_at_once_exactly_one_holds(records: Records) -> None:
    at_once(8, lambda n: records.settings.set("limit", n, source="operator", by="w", at=float(n)))
    at_once(8, lambda n: records.stages.set("UN1", "advise", by=f"u{n}", at=float(n)))
    held = records.settings.get("limit")
    assert held is not None
    assert len(records.settings.history("limit")) == 8
    assert [row.current for row in records.settings.history("limit")].count(True) == 1
    assert records.stages.get("UN1") is not None
    at_once(
        8, lambda n: records.devices.put_models({"HM": {"n": 1}}, by="w", at=1.0, only_new=True)
    )
    assert records.devices.models() == {"HM": {"n": 1}}


def test_a_flood_from_many_threads_is_one_line_in_quarantine(records: Records) -> None:
    def add(n: int) -> None:
        records.quarantine.add(gateway="GW1", at=10.0 + n, reason="key", detail="d", rows=2)

    at_once(8, add)
    total, rows = records.quarantine.list()
    assert (total, rows[0].times, rows[0].rows) == (1, 8, 16)
