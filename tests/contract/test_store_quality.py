"""Cases of abnormal data in the records: the same on SQLite and PostgreSQL."""

from dataclasses import replace

import pytest

from heatloop.store.records import Records
from heatloop.store.records.quality import CaseRow
from tests.contract.test_store_records import postgres, records, url

__all__ = ["postgres", "records", "url"]


def case(**changes) -> CaseRow:
    row = CaseRow(
        id="c1", asset="UN0001", point="UN0001.secondary_flow", rule="frozen", severity=3,
        start_s=1000.0, end_s=2000.0, samples=30, value=5.0, expected=None, text_zh="冻结",
        text_en="frozen", found_at=2100.0,
    )  # fmt: skip
    return replace(row, **changes)


HANDLING = {"cause": "sensor", "correction": "none", "method": "", "corrected": 0, "note": "",
            "reviewer": "eva", "at": 9300.0}  # fmt: skip


def test_a_case_is_kept_widened_and_handled_once(records: Records):
    assert records.quality.put([case()]) == 1
    assert records.quality.put([case(id="c2", start_s=1500.0, end_s=6000.0, samples=90)]) == 0
    kept = records.quality.get("c1")
    assert kept is not None
    assert (kept.start_s, kept.end_s, kept.samples) == (1000.0, 6000.0, 90)
    assert records.quality.handle("c1", **HANDLING)
    assert not records.quality.handle("c1", **HANDLING | {"reviewer": "tom"})
    assert records.quality.get("c1").reviewer == "eva"
    # Found again inside the time that was handled: nothing new. Later: a new case.
    assert records.quality.put([case(id="c3", start_s=3000.0, end_s=5000.0)]) == 0
    assert records.quality.put([case(id="c4", start_s=20_000.0, end_s=21_000.0)]) == 1
    assert records.quality.get("c1").end_s == 6000.0
    assert records.quality.get("nobody") is None


def test_cases_are_listed_by_weight_scope_rule_and_state(records: Records):
    rows = [
        case(id="a", point="p1", severity=2),
        case(id="b", point="p2", severity=4, rule="unit"),
        case(id="c", point="p3", asset="UN0002", severity=3),
    ]
    assert records.quality.put(rows) == 3
    ids = [row.id for row in records.quality.list()[1]]
    assert ids == ["b", "c", "a"]
    assert records.quality.list(assets=["UN0002"])[1][0].id == "c"
    assert records.quality.list(assets=[])[0] == 0
    assert [r.id for r in records.quality.list(rule="unit")[1]] == ["b"]
    assert records.quality.list(least_severity=3)[0] == 2
    assert records.quality.list(limit=1, offset=1)[1][0].id == "c"
    records.quality.handle("b", **HANDLING)
    assert records.quality.list(state="open")[0] == 2
    assert [r.id for r in records.quality.list(state="handled")[1]] == ["b"]


def test_figures_count_open_cases_and_time_to_handle(records: Records):
    records.quality.put([case(id=f"c{n}", point=f"p{n}", severity=1 + n % 4) for n in range(8)])
    for n, at in ((0, 2100.0 + 3600), (1, 2100.0 + 7200), (2, 2100.0 + 90_000)):
        records.quality.handle(f"c{n}", **HANDLING | {"at": at})
    figures = records.quality.figures(since=0.0)
    assert figures.open_by_rule == {"frozen": 5}
    assert sum(figures.open_by_severity.values()) == 5
    assert figures.handled == 3
    assert sorted(figures.handling_s) == pytest.approx([3600, 7200, 90_000])
    assert records.quality.figures(since=50_000.0).handled == 1
    assert records.quality.figures(assets=["UN0002"], since=0.0).open_by_rule == {}
