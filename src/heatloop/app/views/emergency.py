"""Read models of emergency stops."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class StopStepView:
    """One write of a stop."""

    point: str
    """Point code."""
    value: float
    """Its safe value, in the point's unit."""
    before: float | None
    """What it was."""
    read: float | None
    """What it reads back."""
    state: str
    """`planned`, `todo`, `done`, `failed`, or `local`: the cabinet was taken over."""
    reason: str
    """Why it failed."""
    zh: str
    """What it does, in Chinese."""
    en: str
    """What it does, in English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StopAssetView:
    """One piece of equipment that is stopped."""

    asset: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    gateway: str
    """Gateway that does it."""
    connected: bool
    """Whether the gateway is connected now."""
    state: str
    """`planned`, `ordered`, `stopping`, `holding`, `releasing`, `released` or `no_plan`."""
    steps: list[StopStepView]
    """Its writes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StopOrderView:
    """An emergency order: proposed, in force, or over."""

    id: str
    """Id."""
    action: str
    """`stop` or `release`."""
    subject: str
    """Asset at the top of what it is for."""
    subject_zh: str
    """Chinese name."""
    subject_en: str
    """English name."""
    cause: str
    """`general`, `burst` or `leak`."""
    reason: str
    """Why."""
    network: bool
    """Whether it is for the whole network, which takes two people."""
    state: str
    """`proposed`, `waiting_second`, `ordered`, `holding`, `releasing`, `released`, `withdrawn`."""
    ordered_by: str
    """Who ordered it."""
    second_by: str
    """Second person."""
    break_glass: str
    """Why nobody was waited for."""
    at: datetime
    """Plant time."""
    ordered: datetime
    """The machine's time."""
    ended: datetime | None
    """Plant time it ended."""
    token: str
    """One-time confirmation token; given once, to whoever asked."""
    token_until: datetime | None
    """It holds until then."""
    second_until: datetime | None
    """A second person may answer until then."""
    gateways: int
    """Gateways it takes."""
    connected: int
    """Of these, connected now."""
    assets: list[StopAssetView]
    """What is stopped."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EmergencyView:
    """Stops in force, and what happened before."""

    held: list[str]
    """Codes of the assets that are stopped now, inside the reader's scope."""
    waiting: list[StopOrderView]
    """What waits for this user as second person."""
    orders: list[StopOrderView]
    """Orders, newest first, at most 50."""
