"""The report of a functional test or a pre-season check, in Chinese and English."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from heatloop.report.typeset import typeset

_STATES = {
    "passed": ("合格", "passed"),
    "failed": ("不合格", "failed"),
    "aborted": ("已中止", "given up"),
    "skipped": ("未执行", "not done"),
    "waiting": ("未执行", "not done"),
    "running": ("未完成", "not ended"),
    "pass": ("合格", "passed"),
    "warn": ("注意", "note"),
    "fail": ("不合格", "failed"),
}
_NAMES = {
    "fault": "故障 fault", "subject": "对象 subject", "rule": "报警 alarm",
    "point": "测点 point", "value": "数值 value", "point_2": "测点 point",
    "value_2": "数值 value", "unit": "机组 unit", "action": "动作 action",
    "window_s": "窗口 window, s", "expected": "应收 expected", "received": "实收 received",
    "share_pct": "成功率 share, %",
    "asked_pct": "要求 asked, %", "feedback_pct": "反馈 feedback, %", "took_s": "用时 took, s",
    "within_s": "限时 limit, s", "shut_m3h": "关阀流量 shut, m³/h",
    "open_m3h": "全开流量 open, m³/h", "asked_hz": "要求 asked, Hz",
    "shown_hz": "反馈 shown, Hz", "before_c": "原设定 before, ℃", "goal_c": "新设定 goal, ℃",
    "reached_c": "达到 reached, ℃", "told_after_s": "报警用时 told after, s",
    "protected_after_s": "保护用时 protected after, s", "recovered": "已恢复 recovered",
}  # fmt: skip
_LEFT_OUT = ("passed", "why", "zh", "en", "order", "waited_for_technician_s")
_MOST_ROWS = 80


def device_test_pdf(report: Mapping[str, Any]) -> bytes:
    """Return the report as a PDF.

    Args:
        report: `title`, `company`, `facts` (rows of name and value), `state`, `steps`, `checks`,
            `waivers`, `signature` and `demo`, plain values with times already as text.

    Raises:
        ConfigError: There is no Chinese font.
        InputError: The values are not what a report needs.
    """
    steps = [
        {
            "zh": step["zh"],
            "en": step["en"],
            "state": step["state"],
            "state_text": list(_STATES[step["state"]]),
            "time": step["time"],
            "said_zh": step["said_zh"],
            "said_en": step["said_en"],
            "table": _table(_paired(step) if step["name"] == "points" else step["measured"]),
        }
        for step in report["steps"]
    ]
    checks = [
        {"state": c["state"], "state_text": list(_STATES[c["state"]]), "zh": c["zh"], "en": c["en"]}
        for c in report["checks"]
    ]
    values = {
        **report,
        "steps": steps,
        "checks": checks,
        "state_text": list(_STATES[report["state"]]),
    }
    return typeset("device_test", values)


def _table(rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return heading and cells of the measured values; empty without any."""
    shown = [row for row in rows if row][:_MOST_ROWS]
    have = dict.fromkeys(name for row in shown for name in row if name not in _LEFT_OUT)
    columns = [name for name in _NAMES if name in have]
    columns += [name for name in have if name not in _NAMES]
    return {
        "head": [_NAMES.get(name, name) for name in columns],
        "rows": [[_cell(row.get(name)) for name in columns] for row in shown],
        "more": max(len([row for row in rows if row]) - _MOST_ROWS, 0),
    }


def _paired(step: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the points read, two a row: there are many of them."""
    rows = [{"point": row["point"], "value": row["value"]} for row in step["measured"]]
    half = (len(rows) + 1) // 2
    right = [{f"{name}_2": cell for name, cell in row.items()} for row in rows[half:]]
    return [
        {**left, **(right[at] if at < len(right) else {})} for at, left in enumerate(rows[:half])
    ]


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    # Long codes may be broken where a person would break them.
    return re.sub(r"([._])", "\\1\u200b", str(value))
