"""Plant time: the only clock samples, alarms, plans and work orders know.

Live, scaled and stepped (lockstep, replay) clocks share one state, which can be sent to other
processes: plant time = origin_plant_s + (machine - origin_machine_s) * speed, or a fixed tick.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Protocol

from heatloop.kernel.errors import InputError


def machine_s() -> float:
    """Return machine seconds since 1970 UTC; only for sockets, sign-in, logs, certificates."""
    return time.time()  # noqa: TID251 - the one place that reads the machine's clock


class Clock(Protocol):
    """Anything that tells plant time."""

    def now_s(self) -> float:
        """Return plant time, seconds since 1970 UTC."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockState:
    """What a process needs to know to tell the same plant time as the others."""

    epoch: int
    """Raised by one at every change of speed or mode."""
    origin_machine_s: float
    """Machine time at which `origin_plant_s` held."""
    origin_plant_s: float
    """Plant time at the origin; in lockstep, the current tick."""
    speed: float
    """Plant seconds a machine second; 0 in lockstep, where only ticks move time."""
    lockstep: bool = False
    """Whether time moves by ticks that wait for every edge."""

    def plant_s(self, machine: float) -> float:
        """Return plant time at this machine time."""
        if self.lockstep:
            return self.origin_plant_s
        return self.origin_plant_s + (machine - self.origin_machine_s) * self.speed

    def machine_at(self, plant_s: float) -> float:
        """Return the machine time at which this plant time is reached.

        Raises:
            InputError: Time moves by ticks, so no machine time belongs to it.
        """
        if self.lockstep or self.speed <= 0:
            raise InputError("lockstep time has no machine time", fix="wait for the tick")
        return self.origin_machine_s + (plant_s - self.origin_plant_s) / self.speed

    def to_dict(self) -> dict[str, float | int | bool]:
        """Return the state as plain values for the wire."""
        return asdict(self)


LIVE = ClockState(epoch=0, origin_machine_s=0.0, origin_plant_s=0.0, speed=1.0)


class SharedClock:
    """A clock that follows the last state it was given; live until told otherwise."""

    def __init__(self, state: ClockState = LIVE) -> None:
        self.state = state

    def now_s(self) -> float:
        """Return plant time, seconds since 1970 UTC."""
        return self.state.plant_s(machine_s())

    def set(self, state: ClockState) -> None:
        """Follow this state from now on; a state of an older epoch is ignored."""
        if state.epoch >= self.state.epoch:
            self.state = state


class SimulatedClock:
    """A clock that moves only when told, for tests, replays and headless runs."""

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s

    def now_s(self) -> float:
        """Return plant time, seconds since 1970 UTC."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Move plant time forward.

        Raises:
            InputError: `seconds` is negative.
        """
        if seconds < 0:
            raise InputError("plant time cannot go back", thing=f"{seconds} s", fix="give >= 0")
        self._now_s += seconds


def utc(at_s: float) -> datetime:
    """Return seconds since 1970 as an aware UTC time."""
    return datetime.fromtimestamp(at_s, UTC)
