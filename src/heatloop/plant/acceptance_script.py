"""The language functional tests are written in: a script asks, sees, and ends with an outcome.

A script is a generator: it yields what it wants done and is sent what is then seen. It does no
input or output and reads no clock, so it runs against a station as well as against a fake.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from heatloop.kernel.errors import UnsafeError
from heatloop.kernel.quality import Quality

_NO_COUNTS: Mapping[str, tuple[int, float]] = MappingProxyType({})
VERIFIED = "verified"
ENDED = (VERIFIED, "failed", "expired", "refused")
"""States after which an order does not move any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A value as last received."""

    value: float
    """In the point's unit."""
    quality: int
    """`Quality` code."""
    slot: int
    """Plant time it was taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenAlarm:
    """An alarm as the platform keeps it."""

    id: str
    """Id."""
    subject: str
    """Asset or point."""
    rule: str
    """Rule."""
    onset_s: float
    """Plant time it began."""
    active: bool
    """Whether its condition still holds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a script is shown."""

    now_s: float
    """Plant time."""
    read: Callable[[str], Reading | None]
    """Gives the latest reading of a point."""
    alarms: tuple[SeenAlarm, ...] = ()
    """Alarms of the station, newest first."""
    order: str = ""
    """State of the order last written."""
    why: tuple[str, str] = ("", "")
    """Why it failed, in Chinese and English."""
    counts: Mapping[str, tuple[int, float]] = field(default_factory=lambda: _NO_COUNTS)
    """Point: (samples received, middle distance of their slots in s), after `Count`."""
    confirmed: bool = False
    """Whether the technician said that he did what he was told."""

    def number(self, point: str, since_s: float = 0.0) -> float | None:
        """Return a value that may be worked with and was taken since then, else None."""
        found = self.read(point)
        if found is None or found.slot < since_s:
            return None
        return found.value if found.quality not in (Quality.BAD, Quality.STALE) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """Show me again in a moment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """Set a point through the one door for commands."""

    point: str
    """Point code."""
    value: float
    """In its unit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """Count what was received."""

    points: tuple[str, ...]
    """Point codes."""
    start_s: int
    """First slot."""
    end_s: int
    """Slot after the last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruct:
    """Tell the technician to simulate a fault, or that nothing is asked any more."""

    fault: str = ""
    """Fault to simulate; empty: put everything right again."""
    subject: str = ""
    """Point, device or asset it befalls."""
    zh: str = ""
    """What to do, in Chinese."""
    en: str = ""
    """What to do, in English."""
    repair: bool = False
    """Whether the fault is to be taken away."""

    def to_dict(self) -> dict[str, Any]:
        """Return the instruction as plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


Request: TypeAlias = Look | Write | Count | Instruct
LOOK = Look()


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a step ended."""

    passed: bool
    """Whether it passed."""
    zh: str
    """What was seen, in Chinese."""
    en: str
    """What was seen, in English."""
    measured: tuple[Mapping[str, Any], ...] = ()
    """Rows of measured values, plain."""


Script: TypeAlias = Generator[Request, Seen, Outcome]


class Stopped(UnsafeError):
    """A step was given up because going on might not be safe.

    Args:
        zh: Why, in Chinese.
        en: Why, in English.
    """

    def __init__(self, zh: str, en: str) -> None:
        self.zh, self.en = zh, en
        super().__init__(en, fix="find out why before the test is tried again")


def until(
    seen: Seen,
    done: Callable[[Seen], bool],
    within_s: float,
    guard: Callable[[Seen], None] | None = None,
) -> Generator[Request, Seen, tuple[Seen, bool]]:
    """Look until something holds; give what was seen last and whether it held in time.

    Raises:
        Stopped: The guard said so.
    """
    start_s = seen.now_s
    while not done(seen):
        if seen.now_s - start_s > within_s:
            return seen, False
        seen = yield LOOK
        if guard is not None:
            guard(seen)
    return seen, True


def ordered(
    seen: Seen,
    point: str,
    value: float,
    within_s: float,
    guard: Callable[[Seen], None] | None = None,
) -> Generator[Request, Seen, tuple[Seen, tuple[str, str] | None]]:
    """Set a point and wait for its read-back; give what was seen last, and why it failed.

    Raises:
        Stopped: The guard said so.
    """
    seen = yield Write(point=point, value=value)
    seen, ended = yield from until(seen, lambda s: s.order in ENDED, within_s, guard)
    if ended and seen.order == VERIFIED:
        return seen, None
    zh = f"{point} 写入 {value:g} 未得到回读确认：{seen.why[0] or seen.order}"
    en = f"{point}: {value:g} was not confirmed by read-back: {seen.why[1] or seen.order}"
    return seen, (zh, en)
