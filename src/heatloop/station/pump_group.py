"""A unit's circulation pumps: protection of each, and which of duty and standby runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from heatloop.station.interlocks import Interlock
from heatloop.station.pumps import PumpSettings, choose_pump

_TURNING_HZ = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PumpsSeen:
    """What is measured at the pumps in one step."""

    faults: tuple[int, ...]
    """Fault word of each pump."""
    hours: tuple[float | None, ...]
    """Run-hours of each pump; wear is shared only where all are known."""
    current_a: float | None = None
    """Motor current of the running pump."""
    flow_m3h: float | None = None
    """Flow of the loop."""
    hz: float = 0.0
    """Speed of the running pump now; 0 is off."""


class PumpGroup:
    """Chooses the running pump; a pump tripped by its protection is locked until `reset`.

    Args:
        running: Pump that runs at the start; None to choose.
        locked: Pumps that were locked out before, and by what.
    """

    __slots__ = ("_dry_s", "_over_s", "_turned", "last", "locked", "running")

    def __init__(
        self, running: int | None = None, locked: Mapping[int, Interlock] | None = None
    ) -> None:
        self.running = running
        self.last = running
        """Pump that ran last: it comes back when what took all of them out is over."""
        self.locked: dict[int, Interlock] = dict(locked or {})
        self._over_s = 0.0
        self._dry_s = 0.0
        self._turned = False

    @property
    def word(self) -> Interlock:
        """Which protections hold any pump locked."""
        word = Interlock(0)
        for bit in self.locked.values():
            word |= bit
        return word

    def reset(self) -> None:
        """Let go all locked pumps: a person has looked at them."""
        self.locked.clear()
        self._over_s = self._dry_s = 0.0

    def step(self, seen: PumpsSeen, settings: PumpSettings, dt_s: float) -> int | None:
        """Return which pump is to run, None when none may.

        Args:
            seen: What is measured; its tuples have one entry a pump.
            settings: Ratings and delays.
            dt_s: Seconds since the last step.
        """
        self._protect(seen, settings, dt_s)
        out = [bool(fault) or i in self.locked for i, fault in enumerate(seen.faults)]
        hours = [0.0 if h is None else h for h in seen.hours]
        if None in seen.hours:
            hours = [0.0] * len(hours)
        chosen = choose_pump(hours, out, self.last, settings.change_after_h)
        if chosen != self.running:
            self._over_s = self._dry_s = 0.0
            self._turned = False
        self.running = chosen
        if chosen is not None:
            self.last = chosen
        return chosen

    def _protect(self, seen: PumpsSeen, s: PumpSettings, dt_s: float) -> None:
        turned, self._turned = self._turned, seen.hz >= _TURNING_HZ
        # What is measured in the step it starts in, or stops in, tells nothing of it turning.
        if self.running is None or not (turned and self._turned):
            self._over_s = self._dry_s = 0.0
            return
        current, flow = seen.current_a, seen.flow_m3h
        if s.rated_current_a > 0 and current is not None:
            over = current > s.overload_ratio * s.rated_current_a
            self._over_s = self._over_s + dt_s if over else 0.0
        if s.flow_low_m3h > 0 and flow is not None:
            self._dry_s = self._dry_s + dt_s if flow < s.flow_low_m3h else 0.0
        if self._over_s >= s.overload_delay_s:
            self.locked[self.running] = Interlock.OVERLOAD
        elif self._dry_s >= s.dry_delay_s:
            self.locked[self.running] = Interlock.PUMP_DRY
