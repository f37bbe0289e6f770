"""Plant time that does not follow every leap of the clock it is taken from.

A clock leaps: a time server is wrong, a battery is empty, somebody sets it by hand. Slots taken
by a wrong clock would be invented ones, and those of the true time would be missing. So between
leaps time goes on by itself (by the machine's monotonic clock), and a leap is followed only when
the platform's time says the same. What was not yet confirmed by anybody follows the platform.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from heatloop.kernel.clock import LIVE, ClockState, SharedClock, machine_s

_LEAST_LEAP_S = 5.0
_LEAP_MACHINE_S = 3.0
_CALL_WRONG_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Leap:
    """A leap of the clock and what became of it."""

    by_s: float
    """How far, plant seconds; positive is forward."""
    followed: bool
    """Whether time followed; else it went on by itself."""


class GuardedClock(SharedClock):
    """A shared clock whose leaps need a second witness.

    Args:
        state: The clock to begin with.
        machine_s: The machine's clock.
        steady_s: A clock that never leaps.
    """

    def __init__(
        self,
        state: ClockState = LIVE,
        *,
        machine_s: Callable[[], float] = machine_s,
        steady_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._machine_s, self._steady_s = machine_s, steady_s
        self._confirmed = False
        self._waiting: float | None = None
        self.leaps: list[Leap] = []
        """What happened and was not yet told; whoever tells it empties the list."""
        self.wrong_by_s = 0.0
        """How far the clock is off the platform's, as last heard."""
        self._state = state
        self._own_s = state.plant_s(machine_s())
        self._steady_at = steady_s()

    # What was read through the plain attribute of the parent is kept here with its past.
    @property
    def state(self) -> ClockState:
        """Return the state of the clock that is followed."""
        return self._state

    @state.setter
    def state(self, state: ClockState) -> None:
        was, own_s = self._state, self.now_s()
        self._state = state
        if was is LIVE or was.lockstep or state.lockstep:
            # The first word of whoever publishes time, and ticks, are taken as they are.
            self._take(state.plant_s(self._machine_s()))
        else:
            self._own_s = own_s

    @property
    def confirmed(self) -> bool:
        """Whether the platform has told its time since this clock began."""
        return self._confirmed

    @property
    def doubtful(self) -> bool:
        """Whether the clock leapt and nobody said yet that it was right."""
        return self._waiting is not None

    @property
    def _tolerance_s(self) -> float:
        return max(_LEAST_LEAP_S, _LEAP_MACHINE_S * self._state.speed)

    def _take(self, plant_s: float) -> None:
        self._own_s, self._steady_at, self._waiting = plant_s, self._steady_s(), None

    def now_s(self) -> float:
        """Return plant time, seconds since 1970 UTC."""
        told_s = self._state.plant_s(self._machine_s())
        if self._state.lockstep:
            self._own_s = told_s
            return told_s
        steady = self._steady_s()
        own_s = self._own_s + (steady - self._steady_at) * self._state.speed
        self._own_s, self._steady_at = own_s, steady
        leap_s = told_s - own_s
        if abs(leap_s) <= self._tolerance_s:
            # Small differences (a time server at work) are followed.
            self._own_s = told_s
            self._waiting = None
        elif self._waiting is None or abs(leap_s - self._waiting) > self._tolerance_s:
            self._waiting = leap_s
            self.leaps.append(Leap(by_s=leap_s, followed=False))
        return self._own_s

    def heard(self, platform_s: float) -> None:
        """Take the platform's time as a witness."""
        if self._state.lockstep:
            self._confirmed = True
            return
        own_s = self.now_s()
        told_s = self._state.plant_s(self._machine_s())
        wrong_s = platform_s - own_s
        tolerance_s = max(_CALL_WRONG_S, 3 * self._tolerance_s)
        if self._waiting is not None and abs(platform_s - told_s) < abs(wrong_s):
            self.leaps.append(Leap(by_s=told_s - own_s, followed=True))
            self._take(told_s)
            wrong_s = platform_s - told_s
        elif not self._confirmed and abs(wrong_s) > tolerance_s:
            self.leaps.append(Leap(by_s=wrong_s, followed=True))
            self._take(platform_s)
            wrong_s = 0.0
        self._confirmed = True
        self.wrong_by_s = wrong_s if abs(wrong_s) > tolerance_s else 0.0
