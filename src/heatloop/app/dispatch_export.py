"""The N-1 report before the season as a workbook or a PDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from heatloop.app.dispatch_season import DispatchSeason
from heatloop.app.setting_sections import CompanySettings
from heatloop.app.views.n_minus_one import SeasonCase, SeasonReport
from heatloop.app.workers import Workers
from heatloop.report.n_minus_1 import n_minus_1_pdf
from heatloop.store.tables import XLSX, write_tables

_PDF_S = 60.0
_KINDS = {
    "source": ("热源", "heat source"),
    "unit": ("机组", "unit"),
    "pump": ("主循环泵", "main pump"),
    "booster": ("中继泵站", "booster"),
}
_MEDIA = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}


class SeasonExport:
    """Exports.

    Args:
        season: Makes the report.
        workers: Who sets the PDF.
        company: Name and time zone.
    """

    def __init__(self, season: DispatchSeason, workers: Workers, company: CompanySettings) -> None:
        self._season, self._workers, self._company = season, workers, company

    async def make(
        self, code: str, kind: str, language: str, outdoor_c: float | None
    ) -> tuple[bytes, str, str]:
        """Return the file, its media type and its name.

        Args:
            code: Network; empty: the first.
            kind: `xlsx` or `pdf`; a PDF is in both languages.
            language: `zh` or `en`, of the workbook.
            outdoor_c: Outdoor temperature of the check; None: the design temperature.

        Raises:
            Refused: There is no such network.
            ConfigError: There is no Chinese font for the PDF.
        """
        report = await self._season.report(code, outdoor_c)
        name = f"n-1-{report.network}-{report.at:%Y%m%d}.{kind}"
        if kind == "pdf":
            values = pdf_values(report, self._company)
            data = await self._workers.call(n_minus_1_pdf, _PDF_S, values)
        else:
            data = workbook(report, zh=language == "zh")
        return data, _MEDIA[kind], name


def workbook(report: SeasonReport, *, zh: bool) -> bytes:
    """Return a report as a workbook: head, cases, branches."""

    def word(first: str, second: str) -> str:
        return first if zh else second

    def name(row: Any) -> str:
        return str(row.zh if zh else row.en)

    verdict = {True: word("满足", "covered"), False: word("不满足", "not covered")}
    head = {
        word("热网", "network"): f"{name(report)} {report.network}",
        word("校核时间", "checked at"): report.at.isoformat(timespec="minutes"),
        word("台账版本", "ledger version"): report.ledger_version,
        word("室外温度 °C", "outdoor °C"): report.outdoor_c,
        word("热负荷 kW", "demand kW"): round(report.need_kw, 1),
        word("最低保证率 %", "least share %"): report.least_pct,
        word("结论", "verdict"): verdict[report.holds],
    }
    cases = [
        {
            word("故障对象", "failure"): case.subject,
            word("名称", "name"): name(case),
            word("类别", "kind"): _KINDS[case.kind][0 if zh else 1],
            word("供热保证率 %", "heat given %"): case.covered_pct,
            word("最不利机组", "worst unit"): case.worst,
            word("其保证率 %", "its share %"): case.worst_pct,
            word("缺少扬程 kPa", "head missing kPa"): case.missing_kpa,
            word("蓄热可支撑 h", "carried by storage h"): case.storage_h,
            word("建筑可支撑 h", "carried by houses h"): case.houses_h,
            word("结论", "verdict"): verdict[case.holds],
            word("说明", "remark"): case.why,
        }
        for case in report.cases
    ]
    branches = [
        {
            word("故障对象", "failure"): case.subject,
            word("分公司", "branch"): branch.branch,
            word("名称", "name"): name(branch),
            word("热力站数", "stations"): branch.stations,
            word("不足站数", "stations short"): branch.short,
            word("最不利热力站", "worst station"): branch.worst,
            word("其保证率 %", "its share %"): branch.worst_pct,
        }
        for case in report.cases
        for branch in case.branches
    ]
    sheets: dict[str, Sequence[Mapping[str, Any]]] = {
        word("汇总", "summary"): [head],
        word("故障校核", "failures"): cases,
        word("分公司", "branches"): branches,
    }
    return write_tables(sheets, XLSX)


def pdf_values(report: SeasonReport, company: CompanySettings) -> dict[str, Any]:
    """Return what the PDF prints, as plain text."""
    at = report.at.astimezone(ZoneInfo(company.time_zone))
    verdict = "满足 covered" if report.holds else "不满足 not covered"
    return {
        "company": [company.zh, company.en],
        "holds": report.holds,
        "verdict": verdict,
        "facts": [
            ["热网 Network", f"{report.zh} {report.en} {report.network}"],
            ["校核时间 Checked at", at.strftime("%Y-%m-%d %H:%M")],
            ["台账版本 Ledger version", str(report.ledger_version)],
            ["室外温度 Outdoor", f"{report.outdoor_c:g} °C"],
            ["热负荷 Demand", f"{report.need_kw / 1000.0:.1f} MW"],
            ["最低保证率 Least share", f"{report.least_pct:g} %"],
        ],
        "notes": []
        if report.pumps_known
        else ["台账未登记主循环泵，未校核水泵故障 The ledger names no main pumps: not checked"],
        "cases": [_pdf_case(case) for case in report.cases],
    }


def _pdf_case(case: SeasonCase) -> dict[str, Any]:
    short = [b for b in case.branches if b.short]
    told = [f"{b.zh} {b.en}: {b.short}/{b.stations}, {b.worst} {b.worst_pct:.0f} %" for b in short]
    return {
        "holds": case.holds,
        "cells": [
            f"{case.subject}\n{case.zh} {case.en}",
            "\n".join(_KINDS[case.kind]),
            f"{case.covered_pct:.0f} %",
            f"{case.worst}\n{case.worst_pct:.0f} %",
            f"{case.missing_kpa:.0f} kPa",
            "满足 covered" if case.holds else "不满足 not covered",
            case.why or "\n".join(told) or "—",
        ],
    }
