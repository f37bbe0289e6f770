"""Read models of the command door: what is proposed, what it would do, what it has passed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from heatloop.app.views.work import CommandView, DoorStep


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposedPoint:
    """One write of a proposal."""

    point: str
    """Point code."""
    value: float
    """In the point's unit."""
    before: float | None
    """What it is now; None when not known."""
    effect_zh: str
    """What it does, in Chinese."""
    effect_en: str
    """What it does, in English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HurtStation:
    """A station that a write would starve or strain."""

    code: str
    """Asset code; empty when it lies outside the reader's scope."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    dp_kpa: float
    """Differential pressure now."""
    dp_after_kpa: float | None
    """Afterwards; None: not supplied at all."""
    supply_kpa: float
    """Supply pressure now."""
    supply_after_kpa: float | None
    """Afterwards."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PhysicsView:
    """What the twin says to a write that moves water."""

    state: str
    """`passed`, `refused`, `unknown` (no fresh twin or no answer), `not_needed`."""
    why: str
    """Why it is unknown: `twin_not_fresh`, `no_answer`, `not_in_network`, `unavailable`."""
    at: datetime | None
    """Plant time of the estimate it started from."""
    took_ms: float
    """How long the answer took."""
    least_dp_kpa: float
    """A station below this is starved."""
    most_supply_kpa: float
    """A station above this is strained."""
    starved: int
    """Stations that would fall below."""
    strained: int
    """Stations that would rise above."""
    hurt: list[HurtStation]
    """The worst of them, at most 20."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposalView:
    """A write that needs more than one step."""

    id: str
    """Id."""
    kind: str
    """`command`, `batch` or `mode`."""
    command_class: str
    """`normal`, `dangerous` or `network`."""
    state: str
    """`proposed`, `waiting_second`, `executed`, `refused`, `expired` or `withdrawn`."""
    reason: str
    """Why it was asked for."""
    requested_by: str
    """Who asked."""
    asked: datetime
    """When, by the machine's clock."""
    points: list[ProposedPoint]
    """What is to be written."""
    stations: int
    """Stations it touches."""
    physics: PhysicsView
    """What the twin says."""
    token: str
    """One-time confirmation token; given once, to whoever asked."""
    token_until: datetime
    """It holds until then."""
    second_until: datetime | None
    """A second person may answer until then."""
    second_by: str
    """Who confirmed as second person."""
    break_glass: str
    """Why nobody was waited for."""
    steps: list[DoorStep]
    """What it has passed."""
    commands: list[CommandView]
    """What it became."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposalPage:
    """A page of proposals."""

    total: int
    """Rows in all."""
    items: list[ProposalView]
    """This page."""
