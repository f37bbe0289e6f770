"""The self-assessment as a document: one HTML file, or PDF."""

from __future__ import annotations

from html import escape

from heatloop.app.views.security import AssessedItem, Assessment
from heatloop.report.self_assessment import self_assessment_pdf

WORDS = {
    "pass": ("符合", "met"),
    "fail": ("不符合", "not met"),
    "compensated": ("有补偿措施", "compensated"),
    "not_software": ("须现场核查", "to be inspected"),
}
"""Results in Chinese and English."""
_STYLE = (
    "body{font:14px/1.5 sans-serif;margin:2em;color:#1d2129}table{border-collapse:collapse;"
    "width:100%}td,th{border:1px solid #c9cdd4;padding:6px 8px;text-align:left;vertical-align:top}"
    ".fail{color:#c0282d;font-weight:bold}.compensated{color:#9a6700}.not_software{color:#57606a}"
    "small{color:#57606a}@media(prefers-color-scheme:dark){body{background:#17181a;color:#e5e6eb}}"
)


def headline(found: Assessment) -> tuple[str, str]:
    """Return the result in one line, Chinese and English."""
    zh = "，".join(f"{WORDS[name][0]} {found.counts.get(name, 0)}" for name in WORDS)
    en = ", ".join(f"{found.counts.get(name, 0)} {WORDS[name][1]}" for name in WORDS)
    return zh, en


def _row(item: AssessedItem) -> str:
    zh, en = WORDS[item.result]
    measure = escape(item.compensating)
    if measure:
        measure = f"<br><small>补偿 measure: {measure}</small>"
    return (
        f"<tr><td>{escape(item.code)}<br><small>{escape(item.chapter)}</small></td>"
        f"<td>{escape(item.zh)}<br><small>{escape(item.en)}</small></td>"
        f'<td class="{item.result}">{zh}<br><small>{en}</small></td>'
        f"<td>{escape(item.found_zh)}<br><small>{escape(item.found_en)}</small>{measure}</td></tr>"
    )


def as_html(found: Assessment) -> str:
    """Return one HTML file that needs nothing else."""
    zh, en = headline(found)
    demo = "<p class=fail>演示系统 DEMO</p>" if found.demo else ""
    rows = "".join(_row(item) for item in found.items)
    return (
        '<!doctype html><html lang="zh"><meta charset="utf-8"><title>等保三级自评估</title>'
        f"<style>{_STYLE}</style><h1>GB/T 22239-2019 三级自评估 "
        f"<small>level 3 self-assessment</small></h1>{demo}"
        f"<p>{escape(found.company_zh)} {escape(found.company_en)} · heatloop {found.version} · "
        f"{found.at:%Y-%m-%d %H:%M} UTC</p><p><b>{zh}</b><br>{en}</p>"
        "<table><tr><th>条款 item<th>要求 asked<th>结果 result<th>证据 found</tr>"
        f"{rows}</table></html>"
    )


def as_pdf(found: Assessment) -> bytes:
    """Return a PDF; takes some tenths of a second.

    Raises:
        ConfigError: There is no Chinese font on this machine.
    """
    return self_assessment_pdf(
        {
            "company": [found.company_zh, found.company_en],
            "at": f"{found.at:%Y-%m-%d %H:%M} UTC",
            "version": found.version,
            "demo": found.demo,
            "headline": list(headline(found)),
            "items": [
                {
                    "code": item.code,
                    "chapter": item.chapter,
                    "asked": [item.zh, item.en],
                    "result": item.result,
                    "result_text": list(WORDS[item.result]),
                    "found": [item.found_zh, item.found_en],
                    "measure": item.compensating,
                }
                for item in found.items
            ],
        }
    )
