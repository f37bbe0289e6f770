"""What a plug-in is written against: the versioned interface of extension modules.

A plug-in is an installed distribution with entry points in the groups of `GROUPS`. Each entry
point gives a class (or, for point kinds, a function) with a `manifest`. The version is
`major.minor`: within a major version a plug-in written for an earlier minor one goes on working.

1.0: detectors get readings alone, reports no language. 1.1: both get what they lacked.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

EXTENSION_API = "1.1"
"""Version of this interface."""
ACCEPTED = ("1", "1.0", "1.1")
"""Versions of plug-ins that are let in."""
GROUPS: Mapping[str, str] = {
    "driver": "heatloop.drivers",
    "point_kind": "heatloop.point_kinds",
    "decoder": "heatloop.decoders",
    "detector": "heatloop.detectors",
    "warning": "heatloop.warnings",
    "strategy": "heatloop.strategies",
    "report": "heatloop.reports",
    "bridge": "heatloop.bridges",
}
"""Kind of module -> entry-point group."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a module says of itself."""

    name: str
    """Unique: `x_` and small letters, digits, underscores; ours have no `x_`."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    kind: str
    """One of `GROUPS`, or `application`."""
    version: str
    """Its own version."""
    author: str
    """Who made it."""
    inputs: tuple[str, ...] = ()
    """Point kinds it works on; empty for all."""
    outputs: tuple[str, ...] = ()
    """What it gives, in words."""
    api: str = EXTENSION_API
    """Version of the interface it was written for."""
    rules: Mapping[str, tuple[str, str]] | None = None
    """Rule of its alarms -> (zh, en)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One stored value."""

    point: str
    """Point code."""
    kind: str
    """Point kind."""
    asset: str
    """Asset code."""
    at_s: int
    """Plant time of the slot."""
    value: float
    """In the unit of the kind; not a number when missing."""
    quality: str
    """`good`, `uncertain`, `bad`, `stale` or `estimated`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Raise:
    """An alarm begins, unless the same one (subject and rule) is active."""

    subject: str
    """Point or asset code."""
    rule: str
    """Small letters, digits and underscores; the module's name is put before it."""
    priority: int = 3
    """1 critical, 2 high, 3 medium, 4 low."""
    value: float | None = None
    """Value that shows it."""
    limit: float | None = None
    """Limit that was crossed."""
    detail: str = ""
    """Further facts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clear:
    """The cause of an alarm is gone."""

    subject: str
    """Point or asset code."""
    rule: str
    """As it was raised."""


Verdict = Raise | Clear


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a strategy would like a set-point to be; the arbiter decides."""

    point: str
    """Point code of a set-point."""
    value: float | None
    """Preferred value; None: only the bounds matter."""
    reason: str
    """Why."""
    low: float = float("-inf")
    """Lowest acceptable value."""
    high: float = float("inf")
    """Highest acceptable value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportFile:
    """A report as a file."""

    name: str
    """File name: letters, digits, `.`, `-` and `_`."""
    media: str
    """Media type."""
    data: bytes
    """The file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PointInfo:
    """A point."""

    code: str
    """Point code."""
    kind: str
    """Point kind."""
    asset: str
    """Asset code."""
    unit: str
    """Unit."""


class PlantView(Protocol):
    """What a module may look at; it cannot change anything."""

    @property
    def now_s(self) -> float:
        """Plant time."""

    def points(self, kind: str = "", asset: str = "") -> list[PointInfo]:
        """Return points, of one kind or one asset if given."""

    def latest(self, point: str) -> Reading | None:
        """Return the latest value of a point, None when nothing is known."""

    def history(self, point: str, start_s: float, end_s: float) -> list[Reading]:
        """Return stored values, oldest first, at most 100,000."""


class Module(ABC):
    """Base of all modules; one instance lives as long as the platform."""

    manifest: ClassVar[Manifest]


class Detector(Module):
    """Looks at every new value of its kinds and says where an alarm begins or ends."""

    @abstractmethod
    def examine(self, readings: Sequence[Reading], view: PlantView) -> Iterable[Verdict]:
        """Return verdicts on new values, in the order they were stored."""


class Watcher(Module):
    """Looks at the plant from time to time and says where an alarm begins or ends."""

    period_s: ClassVar[float] = 600.0

    @abstractmethod
    def check(self, view: PlantView) -> Iterable[Verdict]:
        """Return verdicts; called every `period_s` plant seconds."""


class Strategy(Module):
    """Proposes set-points, below people, capacity and emergency."""

    @abstractmethod
    def propose(self, view: PlantView) -> Iterable[Wanted]:
        """Return what it would like; called before every pass of control."""


class Report(Module):
    """Makes a file for people."""

    @abstractmethod
    def build(self, view: PlantView, start_s: float, end_s: float, language: str) -> ReportFile:
        """Return a report over a period; `language` is `zh` or `en`."""


class Decoder(Module):
    """Reads the bytes of a device nobody else knows."""

    @abstractmethod
    def decode(self, payload: bytes, port: int) -> Mapping[str, float]:
        """Return name -> number; raise `ValueError` for bytes that are none of its."""


class Bridge(Module):
    """Hands values and events on to another system."""

    @abstractmethod
    def send(self, readings: Sequence[Reading], events: Sequence[Mapping[str, Any]]) -> None:
        """Take what is new; what it raises is counted, and the same is not sent again."""
