"""Records of tuned curves: how they come from a trial, and whether one says anything new."""

from __future__ import annotations

import hashlib

import numpy as np

from heatloop.app.savings_units import Candidate
from heatloop.control.curve_trial import Floats, TrialWeather
from heatloop.control.tuned_curve import AS_DELIVERED, NAMES
from heatloop.control.tuned_result import Baseline, Refusal, TunedResult
from heatloop.kernel.canonical import canonical
from heatloop.store.records.savings_baselines import BaselineRow

_FIGURES = (
    "evaluations", "days", "held_days", "standing_yuan_d", "tuned_yuan_d", "standing_room_c",
    "tuned_room_c", "warmest_c", "at_limit",
)  # fmt: skip


def new_row(
    candidate: Candidate,
    result: TunedResult | None,
    weather: TrialWeather | None,
    *,
    before: BaselineRow | None,
    few_days: bool,
    today: int,
    at: float,
) -> BaselineRow | None:
    """Return a unit's new record, None where nothing is new or nothing could be found out.

    Args:
        candidate: The unit.
        result: What tuning led to; None: it was not tuned.
        weather: What it was tuned on.
        before: The record in force.
        few_days: Whether the weather has too few heating days.
        today: First day the record judges.
        at: Plant time.
    """
    refusal = candidate.refusal
    if refusal is Refusal.NONE and result is None:
        if weather is not None and not few_days:
            return None
        refusal = Refusal.FEW_DAYS
    body = candidate.plain()
    baseline = Baseline.REFUSED
    if result is not None:
        baseline, refusal = result.baseline, result.reason
        settings = zip(NAMES, result.settings, strict=True)
        body["settings"] = {name: round(each, 3) for name, each in settings}
        body["figures"] = {name: round(getattr(result, name), 4) for name in _FIGURES}
    row = BaselineRow(
        subject=candidate.code,
        version=1 if before is None else before.version + 1,
        at=at,
        from_day=today,
        seen_from_day=today if weather is None else today - 1 - int(weather.day[-1]),
        seen_until_day=today - 1,
        model_version=candidate.model_version,
        baseline=str(baseline),
        reason=str(refusal),
        body=body,
        digest=_digest(candidate, weather),
    )
    return None if before is not None and _same(before, row) else row


def knobs_of(row: BaselineRow) -> Floats:
    """Return the knobs of a record in the order of `tuned_curve.NAMES`."""
    told = row.body.get("settings", {})
    return np.array(
        [float(told.get(name, each)) for name, each in zip(NAMES, AS_DELIVERED, strict=True)]
    )


def _same(before: BaselineRow, after: BaselineRow) -> bool:
    """Return whether a record says what the one in force says already."""
    if (before.baseline, before.reason) != (after.baseline, after.reason):
        return False
    if before.baseline != Baseline.TUNED:
        return True
    return bool(before.body["settings"] == after.body["settings"])


def _digest(candidate: Candidate, weather: TrialWeather | None) -> str:
    """Return the hash of what a record was made of."""
    made = hashlib.sha256(canonical([candidate.code, candidate.model_version, candidate.plain()]))
    if candidate.trial is not None:
        made.update(canonical(candidate.trial.model.to_dict()))
    if weather is not None:
        for column in (weather.outdoor_c, weather.sun_kw_m2):
            made.update(np.ascontiguousarray(np.round(column, 6), dtype="<f8").tobytes())
    return made.hexdigest()
