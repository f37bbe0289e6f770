"""The report before the season: pumps and boosters that fail, who falls short, and its files."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import openpyxl
import pytest

from heatloop.app.dispatch_export import pdf_values, workbook
from heatloop.app.dispatch_season_worker import Case, SeasonWork, run_cases
from heatloop.app.setting_sections import CompanySettings
from heatloop.app.views.n_minus_one import SeasonBranch, SeasonCase, SeasonReport
from heatloop.report.n_minus_1 import n_minus_1_pdf
from tests.unit.test_topology_ledger import everything, ledger

BOTH = {"HS0001": 20000.0, "HS0002": 5000.0}
HEAD = {"HS0001": 400.0, "HS0002": 400.0}
NEED_KW = 8000.0


def test_what_fails_is_felt_where_it_must_be() -> None:
    cases = (
        Case(subject="nothing", left_kw=BOTH, head_kpa=HEAD),
        Case(subject="HS0001", left_kw=BOTH | {"HS0001": 0.0}, head_kpa=HEAD),
        Case(subject="PU0001", left_kw=BOTH, head_kpa=HEAD | {"HS0001": 60.0}),
        Case(subject="all", left_kw=dict.fromkeys(BOTH, 0.0), head_kpa=HEAD),
    )
    found = {
        each.subject: each
        for each in run_cases(SeasonWork(ledger=ledger(everything()), need_kw=NEED_KW, cases=cases))
    }
    assert all(not each.why for each in found.values())
    whole = found["nothing"]
    assert set(whole.share) == {"UN0010", "UN0011", "UN0020", "UN0030", "UN0040"}
    assert min(whole.share.values()) == pytest.approx(1.0)
    assert whole.missing_kpa == 0.0
    # What is left carries five eighths, and the heads are enough for that.
    lost = found["HS0001"]
    assert max(lost.share.values()) == pytest.approx(5.0 / 8.0)
    assert lost.share["UN0010"] == pytest.approx(5.0 / 8.0)
    # A pump with too little head: the nearest stations go short by what is missing.
    weak = found["PU0001"]
    assert weak.missing_kpa > 10.0
    assert weak.share["UN0010"] < 0.9
    assert weak.share["UN0010"] < weak.share["UN0030"] + 1e-9
    assert max(found["all"].share.values()) == 0.0


def test_a_booster_that_stands_leaves_those_behind_it_short() -> None:
    long = [
        type(each)(
            code=each.code, kind=each.kind, zh=each.zh, en=each.en, parent=each.parent,
            organisation=each.organisation,
            attributes=dict(each.attributes) | {"length_m": 9000.0},
        )
        if each.code == "PS00007"
        else each
        for each in everything()
    ]  # fmt: skip
    cases = (
        Case(subject="nothing", left_kw=BOTH, head_kpa=dict.fromkeys(BOTH, 150.0)),
        Case(subject="BS0001", shut=("BS0001",), left_kw=BOTH, head_kpa=dict.fromkeys(BOTH, 150.0)),
    )
    with_it, without = run_cases(SeasonWork(ledger=ledger(long), need_kw=NEED_KW, cases=cases))
    assert with_it.share["UN0020"] == pytest.approx(1.0)
    assert without.share["UN0020"] < 0.9 * with_it.share["UN0020"]


def _report() -> SeasonReport:
    branch = SeasonBranch(
        branch="BR01", zh="一分公司", en="first branch", stations=9, short=2, worst="SS0004",
        worst_pct=31.0,
    )  # fmt: skip
    case = SeasonCase(
        subject="HS0001", zh="一号热源", en="plant 1", kind="source", covered_pct=48.0,
        worst="UN0004", worst_pct=31.0, missing_kpa=12.0, storage_h=3.0, houses_h=None,
        holds=False, why="", branches=[branch],
    )  # fmt: skip
    return SeasonReport(
        network="HS0001", zh="一号热源", en="plant 1", at=datetime(2026, 11, 1, 8, tzinfo=UTC),
        ledger_version=3, outdoor_c=-20.0, need_kw=90e3, least_pct=55.0, holds=False,
        pumps_known=False, cases=[case],
    )  # fmt: skip


@pytest.mark.parametrize("zh", [True, False])
def test_the_workbook_has_a_head_failures_and_branches(zh: bool) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook(_report(), zh=zh)))
    assert book.sheetnames == (
        ["汇总", "故障校核", "分公司"] if zh else ["summary", "failures", "branches"]
    )
    told = [[cell.value for cell in row] for row in book.worksheets[2].iter_rows()]
    assert told[1][0] == "HS0001"
    assert told[1][-1] == 31
    assert ("不满足" if zh else "not covered") in [c.value for c in book.worksheets[1][2]]


def test_the_pdf_says_who_falls_short() -> None:
    values = pdf_values(_report(), CompanySettings())
    assert values["cases"][0]["cells"][-1] == "一分公司 first branch: 2/9, SS0004 31 %"
    assert values["notes"]
    made = n_minus_1_pdf(values)
    assert made.startswith(b"%PDF")
    assert len(made) > 5000
