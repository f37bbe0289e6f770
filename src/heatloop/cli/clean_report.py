"""What `heatloop clean` says: per column and rule, for people and for machines."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from heatloop.cli.clean_times import Times
from heatloop.ingest.batch.clocks import completeness
from heatloop.ingest.batch.lost_heat import LostHeat
from heatloop.ingest.batch.model import Finding, Marks, Rule, Verdict
from heatloop.ingest.batch.repair import Method
from heatloop.ingest.batch.texts import NAMES
from heatloop.kernel.errors import InputError

_SHOWN = 12
_MOST_FINDINGS = 2_000
_HARMLESS = (Rule.NONE, Rule.ROLL_OVER, Rule.COUNTER_RESET)


def as_json(
    options: argparse.Namespace,
    verdict: Verdict,
    methods: Marks,
    times: Times,
    rows: int,
    took_s: float,
    *,
    heat: Sequence[LostHeat],
    unmade: Sequence[str],
) -> dict[str, Any]:
    """Return the report as plain values."""
    table = verdict.table
    expected, stored = completeness(table)
    doubtful = ~np.isin(verdict.rules, _HARMLESS)
    values = sum(stored)
    columns = []
    for at, series in enumerate(table.series):
        codes, counts = np.unique(verdict.rules[:, at], return_counts=True)
        columns.append(
            {
                "column": series.name,
                "kind": series.kind,
                "values": stored[at],
                "completeness_pct": round(100.0 * stored[at] / max(expected, 1), 3),
                "doubtful": int(doubtful[:, at].sum()),
                "estimated": int((methods[:, at] != Method.NONE).sum()),
                "rules": {
                    Rule(int(code)).name.lower(): int(count)
                    for code, count in zip(codes, counts, strict=True)
                    if code
                },
            }
        )
    return {
        "data": str(options.data),
        "out": str(options.out),
        "profile": options.profile,
        "rows": rows,
        "rows_checked": int(table.times_s.size),
        "start": _iso(float(table.times_s[0])),
        "end": _iso(float(table.times_s[-1])),
        "times": {
            "column": times.heading,
            "zone": options.tz,
            "unreadable": times.unreadable,
            "ambiguous": times.ambiguous,
            "nonexistent": times.nonexistent,
        },
        "doubtful_pct": round(100.0 * float(doubtful.sum()) / max(values, 1), 4),
        "columns": columns,
        "findings_total": len(verdict.findings),
        "findings": [_finding(each) for each in verdict.findings[:_MOST_FINDINGS]],
        "lost_heat": [
            {
                "column": each.point,
                "start": _iso(each.start_s),
                "end": _iso(each.end_s),
                "heat_kwh": round(each.heat_kwh, 1),
                "reference": each.reference,
                "reference_days": each.reference_days,
            }
            for each in heat
        ],
        "lost_heat_not_estimated": list(unmade),
        "seconds": round(took_s, 3),
        "rows_per_s": round(table.times_s.size / max(took_s, 1e-9)),
    }


def _iso(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "point": finding.point,
        "rule": finding.rule.name.lower(),
        "severity": finding.severity.name.lower(),
        "start": _iso(finding.start_s),
        "end": _iso(finding.end_s),
        "samples": finding.samples,
        "value": finding.value,
        "expected": finding.expected,
        "zh": finding.zh,
        "en": finding.en,
    }


def write_findings(path: Path, findings: Sequence[Finding]) -> None:
    """Write every finding as a row of a CSV file.

    Raises:
        InputError: The file cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            rows = [_finding(each) for each in findings]
            names = list(rows[0]) if rows else ["point", "rule"]
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise InputError(f"无法写入 cannot be written: {error}", thing=str(path)) from error


def print_report(report: dict[str, Any]) -> None:
    """Print the report for people, Chinese and English."""
    print(
        f"{report['data']}: {report['rows']} 行 rows, {report['start']} — {report['end']}, "
        f"{report['rows_per_s']} 行/秒 rows/s"
    )
    odd = report["times"]
    for name, zh in (
        ("unreadable", "时间不可读"), ("ambiguous", "夏令时重复小时"),
        ("nonexistent", "夏令时不存在"),
    ):  # fmt: skip
        if odd[name]:
            print(f"  {zh} times {name}: {odd[name]} ({odd['zone']})")
    print(f"存疑 doubtful: {report['doubtful_pct']} %")
    for column in report["columns"]:
        print(
            f"  {column['column']} ({column['kind']}): {column['completeness_pct']:.1f} % 完整 "
            f"complete, {column['doubtful']} 存疑 doubtful, {column['estimated']} 估计 estimated"
        )
        for rule, count in sorted(column["rules"].items(), key=lambda pair: -pair[1]):
            zh, en = NAMES[Rule[rule.upper()]]
            print(f"      {count:>7}  {zh} {en}")
    spans = [each for each in report["findings"] if each["severity"] in ("high", "medium")]
    if spans:
        print(f"较重要的发现 findings of weight ({len(spans)}):")
    for each in sorted(spans, key=lambda span: -span["samples"])[:_SHOWN]:
        place = each["point"] or "*"
        print(
            f"  {each['start']} — {each['end']} {place} [{each['rule']}] {each['zh']} {each['en']}"
        )
    for heat in report["lost_heat"]:
        print(
            f"  漏计热量 heat not counted: {heat['column']} {heat['start']} — {heat['end']}: "
            f"{heat['heat_kwh']} kWh (CJJ/T 223, {heat['reference']}, {heat['reference_days']} d)"
        )
    print(f"已写入 written: {report['out']}")
