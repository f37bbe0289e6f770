"""What a pre-season check found, in the form work orders are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heatloop.kernel.ids import derived_id
from heatloop.kernel.messages import Finding
from heatloop.plant.model_checks import FAIL

VALVE, SENSOR = "preseason.valve_stroke", "preseason.sensor"
"""Cause codes."""
_REPAIR = {VALVE: "repair.valve_actuator", SENSOR: "repair.sensor"}
_STROKE_CLAUSE = "9.1.1 e"


def findings_of(station: str, body: Mapping[str, Any], now_s: float) -> list[dict[str, Any]]:
    """Return a finding for every valve that did not stroke and every sensor that failed.

    Each is a `Finding` as plain values, with words, clause and point beside it. The same fault
    found again the same day has the same id, so it makes one work order.
    """
    found = []
    for step in body.get("steps", ()):
        if step["name"] != "valve_stroke":
            continue
        bad = [row for row in step["measured"] if not row.get("passed", True)]
        if step["state"] != "passed" and not bad:
            bad = [{"unit": station}]
        for row in bad:
            words = {
                "zh": row.get("zh") or step["said_zh"],
                "en": row.get("en") or step["said_en"],
                "clause": _STROKE_CLAUSE,
            }
            found.append(_finding(VALVE, row["unit"], "", now_s) | words)
    for check in body.get("checks", ()):
        if check["state"] == FAIL:
            asset = check["subject"].partition(".")[0]
            words = {"zh": check["zh"], "en": check["en"], "clause": check["clause"]}
            found.append(_finding(SENSOR, asset, check["subject"], now_s) | words)
    return found


def _finding(cause: str, asset: str, point: str, now_s: float) -> dict[str, Any]:
    day = int(now_s // 86400)
    return Finding(
        id=derived_id("finding", cause, point or asset, day),
        subject=asset,
        cause=cause,
        confidence=1.0,
        first_action=_REPAIR[cause],
        since=now_s,
    ).to_dict() | {"point": point}
