"""What a worker does for a unit in a night of learning; no input or output here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from heatloop.app.characteristics_work import (
    TARGET_C,
    CharacteristicAnswer,
    characteristic_nights,
)
from heatloop.control.characteristic_cycle import Contest
from heatloop.control.learning.characteristics import characteristics
from heatloop.control.learning.cycle import learn_night
from heatloop.control.learning.daily import DayErrors, daily_errors
from heatloop.control.learning.history import UnitHistory
from heatloop.control.learning.night import Action, Held, Night, Standing
from heatloop.control.learning.registry import StageChange, advance, first_standing
from heatloop.control.learning.unit import LEAST_DAYS, Learnt, first_model
from heatloop.kernel.errors import InputError
from heatloop.station.curve import CurveDesign

_SHOWN_DAYS = 28


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LearnItem:
    """One unit's night."""

    history: UnitHistory
    """Some weeks of it, up to last midnight."""
    standing: Standing | None
    """Who takes part; None at the first night."""
    next_number: int
    """Number of the next version."""
    design: CurveDesign
    """Design state of its curve."""
    design_heat_kw: float | None
    """Design load of the books."""
    area_m2: float | None
    """Heated floor of the books."""
    others: Mapping[str, tuple[Contest, int]] = field(default_factory=dict)
    """Who takes part for curve, valve and exchanger, and the next number, by kind."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LearnAnswer:
    """What became of it."""

    standing: Standing | None
    """Who takes part now; None: there is too little to begin with."""
    made: Held | None = None
    """A version that was made."""
    card: dict[str, Any] | None = None
    """Its card."""
    digest: str = ""
    """Hash of what it learned from."""
    changes: tuple[StageChange, ...] = ()
    """Versions that became something else."""
    action: str = "none"
    """What was decided."""
    reason: str = "few_data"
    """Why."""
    detail: dict[str, Any] | None = None
    """Figures of the decision."""
    days: tuple[tuple[int, int, float, float], ...] = ()
    """(version, day, mae, bias) of all who take part."""
    mae_k: float | None = None
    """Mean error of the champion over the last days."""
    drift: float = 0.0
    """Its drift score."""
    others: Mapping[str, CharacteristicAnswer] = field(default_factory=dict)
    """What became of curve, valve and exchanger, by kind."""


def learn_task(item: LearnItem) -> LearnAnswer:
    """Return what a unit's night decides, and its figures; nothing is kept here."""
    history, standing = item.history, item.standing
    if history.days() < LEAST_DAYS:
        return LearnAnswer(standing=standing)
    if standing is None:
        try:
            model = first_model(history, item.design, item.design_heat_kw, item.area_m2)
        except InputError:
            return LearnAnswer(standing=None)
        end_s = history.start_s + history.step_s * len(history)
        begun = first_standing(model, end_s)
        card = {"rooms": "unseen", "days": history.days()} | _characteristics(item, begun.champion)
        return LearnAnswer(
            standing=begun,
            made=begun.champion,
            card=card,
            digest=history.digest(),
            action="start",
            reason="design",
        )
    night = learn_night(
        history,
        standing,
        design=item.design,
        design_heat_kw=item.design_heat_kw,
        area_m2=item.area_m2,
    )
    after, made, changes = advance(standing, night, history, item.next_number)
    errors = _errors(after, night, history)
    own = errors.get(after.champion.number)
    recent = None if own is None or not len(own.day) else own.mae_k[-7:]
    known: dict[str, object] | None = None
    if made is not None and night.learnt is not None:
        known = _card(night.learnt, night) | _characteristics(item, made)
    return LearnAnswer(
        standing=after,
        made=made,
        card=known,
        digest="" if night.learnt is None else night.learnt.digest,
        changes=changes,
        action=str(night.action),
        reason=str(night.reason),
        detail=_detail(night),
        days=tuple(
            (number, int(day), round(float(mae), 4), round(float(bias), 4))
            for number, each in errors.items()
            for day, mae, bias in zip(each.day, each.mae_k, each.bias_k, strict=True)
        ),
        mae_k=None if recent is None else round(float(recent.mean()), 4),
        drift=round(night.drift.score, 3),
        others=characteristic_nights(history, after.champion, item.design.outdoor_c, item.others),
    )


def _errors(standing: Standing, night: Night, history: UnitHistory) -> dict[int, DayErrors]:
    """Return the daily errors of all who take part, of days they have not learned from."""
    last = (history.start_s + history.step_s * len(history) + history.local_offset_s) // 86400.0
    found: dict[int, DayErrors] = {}
    for held in (standing.champion, standing.challenger, standing.former):
        if held is None:
            continue
        since = max(
            (held.learned_until_s + history.local_offset_s) // 86400.0 if held.learned else 0.0,
            last - _SHOWN_DAYS,
        )
        whole = daily_errors(held.model, history, night.judged.room_c)
        found[held.number] = whole.between(since, np.inf)
    return found


def _card(learnt: Learnt, night: Night) -> dict[str, Any]:
    judged = learnt.judged
    return {
        "rooms": "measured",
        "days": learnt.days,
        "sensors_used": list(judged.used),
        "sensors_rejected": {**night.judged.rejected, **judged.rejected},
        "fit_rmse_k": round(learnt.rmse_k, 4),
        "loss_sigma": round(learnt.loss_sigma, 5),
        "loss_interval_kw_k": [round(x, 4) for x in learnt.loss_interval()],
        "reason": str(night.reason),
        "verdict": _verdict(night),
    }


def _characteristics(item: LearnItem, held: Held) -> dict[str, Any]:
    found = characteristics(item.history, held.model, TARGET_C, item.design.outdoor_c)
    return {"characteristics": _rounded(found)}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _verdict(night: Night) -> dict[str, Any] | None:
    verdict = night.verdict
    if verdict is None:
        return None
    return {
        "days": verdict.days,
        "old_mae_k": round(verdict.old_mae_k, 4),
        "new_mae_k": round(verdict.new_mae_k, 4),
        "p_value": round(verdict.p_value, 5),
        "better": verdict.better,
    }


def _detail(night: Night) -> dict[str, Any]:
    detail: dict[str, Any] = {"drift": round(night.drift.score, 2)}
    if night.judged.rejected:
        detail["rejected"] = dict(night.judged.rejected)
    if night.judged.doubt:
        detail["doubt"] = night.judged.doubt
    if (verdict := _verdict(night)) is not None:
        detail["verdict"] = verdict
    if night.action is Action.PROMOTE and night.learnt is not None:
        detail["loss_kw_k"] = round(night.learnt.model.loss_kw_k(), 4)
    return detail
