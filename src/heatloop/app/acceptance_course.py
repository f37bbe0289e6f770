"""The course of a run as plain values: what is kept while it goes, and read after a restart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.plant.acceptance_run import FunctionalTest
from heatloop.plant.acceptance_target import TrialTarget, target_of
from heatloop.plant.ledger import Ledger
from heatloop.plant.models import DeviceModel

RESTARTED = ("平台重启，测试中止", "the platform was restarted, the test was given up")
"""Why a run ends that a stopped process left, in Chinese and English."""


def target_from(ledger: Ledger, body: Mapping[str, Any]) -> TrialTarget | None:
    """Return what a stopped run worked on, None when the ledger no longer has it."""
    told = body["target"]
    model = DeviceModel(code="-", maker="-", zh="-", en="-", device_class=told["device_class"])
    try:
        return target_of(
            ledger,
            told["subject"],
            model,
            told["asset"],
            told["device"],
            told["point_kind"],
        )
    except InputError:
        return None


def course_of(test: FunctionalTest, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's course; a test that only puts back keeps the steps there were."""
    target = test.target
    steps = [record.to_dict() for record in test.records]
    told = test.instruction
    return {
        "target": {
            "subject": target.subject,
            "device_class": target.device_class,
            "station": target.station,
            "asset": target.asset,
            "device": target.device,
            "point_kind": target.point_kind,
            "points": len(target.points),
            "units": [unit.code for unit in target.units],
        },
        "steps": steps or list(before.get("steps", ())),
        "originals": dict(test.originals),
        "stages": dict(before.get("stages", {})),
        "instruction": None if told is None else told.to_dict(),
        "problems": [list(each) for each in test.problems]
        + ([list(test.aborted)] if test.aborted else []),
        "auto_ready": test.auto_ready,
        "checks": list(before.get("checks", ())),
    }


def given_up(step: Mapping[str, Any], now_s: float) -> dict[str, Any]:
    """Return a step of a run whose process ended: what had not ended will not."""
    if step["state"] not in ("waiting", "running"):
        return dict(step)
    running = step["state"] == "running"
    return {
        **step,
        "state": "failed" if running else "skipped",
        "ended_s": now_s if running else None,
        "said_zh": RESTARTED[0],
        "said_en": RESTARTED[1],
    }
