"""Holding the secondary return pressure with a make-up pump that is either on or off."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldSettings:
    """When the make-up pump starts, stops and has run suspiciously long."""

    below_kpa: float = 20.0
    """Starts this far below the set-point."""
    above_kpa: float = 20.0
    """Stops this far above it."""
    long_run_s: float = 1800.0
    """Running on end longer than this means a leak, not a top-up."""


class PressureHold:
    """Make-up by hysteresis: on at the low limit, off at the high limit, else as it was."""

    __slots__ = ("on", "run_s", "settings")

    def __init__(self, settings: HoldSettings | None = None) -> None:
        self.settings = settings or HoldSettings()
        self.on = False
        self.run_s = 0.0

    @property
    def excessive(self) -> bool:
        """Whether the pump has run on end for longer than a tight system could need."""
        return self.run_s > self.settings.long_run_s

    def step(
        self,
        return_kpa: float | None,
        setpoint_kpa: float,
        dt_s: float,
        *,
        force_on: bool = False,
        locked_off: bool = False,
    ) -> bool:
        """Return whether the make-up pump is to run.

        Args:
            return_kpa: Secondary return pressure; None when the sensor is lost: the pump stops,
                because filling blindly can burst the system.
            setpoint_kpa: Pressure to hold.
            dt_s: Seconds since the last step.
            force_on: An operator asks for make-up although the pressure is in its band.
            locked_off: An interlock forbids the pump.
        """
        stop_kpa = setpoint_kpa + self.settings.above_kpa
        if locked_off or return_kpa is None or return_kpa >= stop_kpa:
            self.on = False
        elif return_kpa <= setpoint_kpa - self.settings.below_kpa or force_on:
            self.on = True
        self.run_s = self.run_s + dt_s if self.on else 0.0
        return self.on
