"""Who takes part in a unit's learning, and what a night can decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from heatloop.control.learning.daily import DayErrors
from heatloop.control.learning.drift import Drift, Usual
from heatloop.control.learning.sensors import Judged
from heatloop.control.learning.trial import Verdict
from heatloop.control.learning.unit import Learnt
from heatloop.control.unit_model import UnitModel


class Action(StrEnum):
    """What a night decided."""

    NONE = "none"
    CHALLENGE = "challenge"
    PROMOTE = "promote"
    REJECT = "reject"
    ROLL_BACK = "roll_back"


class Reason(StrEnum):
    """Why."""

    STEADY = "steady"
    FEW_DATA = "few_data"
    SENSORS = "sensors"
    SHADOW = "shadow"
    FIRST = "first"
    DRIFT = "drift"
    RENEWAL = "renewal"
    WON = "won"
    NOT_BETTER = "not_better"
    IMPLAUSIBLE = "implausible"
    UNSTABLE = "unstable"
    FORMER_BETTER = "former_better"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Held:
    """A version that takes part."""

    number: int
    """Its number."""
    model: UnitModel
    """Its model."""
    learned_until_s: float
    """It has learned from nothing later."""
    since_s: float
    """Since when it is what it is: champion, challenger, former champion."""
    learned: bool = True
    """False: from the design alone."""
    usual: Usual | None = None
    """Where its daily errors stood when it was accepted."""
    levels_k: Mapping[str, float] = field(default_factory=dict)
    """Where its sensors lay against the emitters."""
    sensors: tuple[str, ...] = ()
    """Sensors it learned from."""
    loss_sigma: float = 0.1
    """Relative uncertainty of its loss."""
    begin_s: float = 0.0
    """First moment it learned from."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Standing:
    """Who takes part for a unit."""

    champion: Held
    """In force."""
    challenger: Held | None = None
    """Foretelling beside it."""
    former: Held | None = None
    """The champion before, while it is still watched."""
    tried_s: float = 0.0
    """When the last challenger was learned."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Night:
    """What a night found and decided."""

    action: Action
    """What to do."""
    reason: Reason
    """Why."""
    judged: Judged
    """Room sensors."""
    errors: DayErrors
    """The champion's, all days of the history."""
    drift: Drift
    """The watch over the champion."""
    verdict: Verdict | None = None
    """Of the challenger, or of the former champion when it comes back."""
    learnt: Learnt | None = None
    """The new challenger, or the champion to be."""
    usual: Usual | None = None
    """Where the daily errors of the champion to be stand."""
