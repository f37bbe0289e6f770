"""Read models of platform instances: who works, who stands by, how far behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceView:
    """One platform instance."""

    name: str
    """Name."""
    url: str
    """Address people and gateways reach it at."""
    version: str
    """Version of the program."""
    role: str
    """`active`, `standby`, or `away` when it has not been heard for longer than a lease."""
    this: bool
    """Whether it is the one that answers."""
    started: datetime | None
    """When it started, database time; None for an instance that stands alone."""
    seen: datetime | None
    """Its last heartbeat, database time; None for an instance that stands alone."""
    silent_s: float
    """Seconds since that heartbeat."""
    lag_s: float | None
    """How far its view of the values is behind the shared historian, seconds; None: not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceList:
    """Every instance, and which one works."""

    redundant: bool
    """Whether several instances share the stores."""
    active: str
    """Name of the instance that works; empty while nobody does."""
    active_url: str
    """Its address."""
    since: datetime | None
    """Since when it works, database time; None for an instance that stands alone."""
    token: int
    """Fencing token: rises with every take-over."""
    lease_s: float
    """How long an instance may be silent before another one takes over, seconds."""
    now: datetime
    """Time the ages are counted from: the database's."""
    historian: str
    """Where values are read from: `main`, or `follower` while the main historian is away."""
    items: list[InstanceView]
    """The instances, by name."""
