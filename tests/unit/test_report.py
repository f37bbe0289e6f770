"""Reports: what is printed is data, never markup, and Chinese is never left out silently."""

from __future__ import annotations

from typing import Any

import pytest

from heatloop.kernel.errors import ConfigError
from heatloop.report import typeset
from heatloop.report.device_test import device_test_pdf

NASTY = '#panic("x") *bold* $ { [ ] } \\ "quote" <label> @ref // note 阀门'


def report(**changes: Any) -> dict[str, Any]:
    step = {"name": "valve_stroke", "zh": NASTY, "en": NASTY, "state": "failed", "time": "–",
            "said_zh": NASTY, "said_en": NASTY,
            "measured": [{"unit": NASTY, "asked_pct": 50.0, "feedback_pct": None},
                         {NASTY: True}]}  # fmt: skip
    points = [{"point": f"UN0001.p{n}", "value": 1.5e6 + n, "quality": 0} for n in range(201)]
    read = step | {"name": "points", "state": "passed", "measured": points}
    return {
        "title": [NASTY, NASTY], "company": ["公司", "company"], "demo": NASTY, "number": NASTY,
        "state": "failed", "facts": [[NASTY, NASTY]], "steps": [step, read],
        "checks": [{"state": "warn", "zh": NASTY, "en": NASTY}], "problems": [[NASTY, NASTY]],
        "waivers": [[NASTY] * 4], "signature": [["a", "f" * 128]],
    } | changes  # fmt: skip


@pytest.mark.needs("chinese-font")
def test_markup_in_values_changes_nothing() -> None:
    pdf = device_test_pdf(report())
    assert pdf.startswith(b"%PDF-")
    # The same values make the same bytes of content: nothing in them was run.
    assert len(pdf) > 20_000


@pytest.mark.needs("chinese-font")
@pytest.mark.parametrize("state", ["passed", "failed", "aborted"])
def test_empty_report_is_a_report(state: str) -> None:
    empty = {"steps": [], "checks": [], "problems": [], "waivers": [], "state": state}
    assert device_test_pdf(report(**empty)).startswith(b"%PDF-")


def test_machine_without_a_chinese_font_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typeset, "FONTS", ("No Such Font",))
    with pytest.raises(ConfigError, match="no Chinese font"):
        device_test_pdf(report())
