"""Entries of the audit trail as a signed PDF, in Chinese and English."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from heatloop.report.typeset import typeset

_RESULTS = {
    "done": "完成 done",
    "refused": "拒绝 refused",
    "failed": "失败 failed",
}
_MOST_TEXT = 600


def audit_trail_pdf(report: Mapping[str, Any], time_zone: str) -> bytes:
    """Return the entries as a PDF; call it in a worker.

    Args:
        report: `company`, `entries`, `signed` and `asked`, as `app.audit_room` gives them.
        time_zone: IANA zone of the times shown.

    Raises:
        ConfigError: There is no Chinese font.
    """
    zone = ZoneInfo(time_zone)
    signed = report["signed"]
    rows = [
        [
            str(entry["seq"]),
            dt.datetime.fromtimestamp(entry["at"], zone).strftime("%Y-%m-%d\n%H:%M:%S"),
            f"{entry['user']}\n{entry['address']}".strip(),
            f"{entry['action']}\n{_RESULTS.get(entry['result'], '')}".strip(),
            _short(entry["subject"]),
            _short(json.dumps(entry["detail"], ensure_ascii=False, sort_keys=True)),
            entry["hash"][:16],
        ]
        for entry in report["entries"]
    ]
    asked = ", ".join(f"{name} = {value}" for name, value in report["asked"].items())
    return typeset(
        "audit_trail",
        {
            "company": list(report["company"]),
            "facts": [
                ["筛选 Asked for", asked or "全部 everything"],
                ["条数 Entries", str(len(rows))],
                ["时区 Time zone", time_zone],
            ],
            "rows": rows,
            "signature": [
                ["算法 Algorithm", signed["alg"]],
                ["密钥 Key id", signed["key_id"]],
                ["SHA-256", hashlib.sha256(signed["body"].encode()).hexdigest()],
                ["签名内容 Signed", signed["body"]],
                ["签名 Signature", signed["signature"]],
            ],
        },
    )


def _short(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"
