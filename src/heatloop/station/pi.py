"""A proportional-integral regulator with limits, a rate, anti-windup and bumpless take-over."""

from __future__ import annotations

from heatloop.kernel.errors import InputError


class PI:
    """u = kp (e + 1/ti * integral of e), held inside [low, high] and a largest rate.

    The integral stands still while the output is held back in the direction of the error, so it
    never winds up; `track` sets it so that the next output starts from a given one.

    Args:
        kp: Gain, output per error.
        ti_s: Integral time, s.
        low: Lowest output.
        high: Highest output.
        rate_per_s: Largest change of the output a second.
        output: Output to start from.

    Raises:
        InputError: The limits cross, or `ti_s` or the rate is not positive.
    """

    __slots__ = ("_integral", "high", "kp", "low", "output", "rate_per_s", "ti_s")

    def __init__(
        self,
        kp: float,
        ti_s: float,
        low: float,
        high: float,
        rate_per_s: float = float("inf"),
        output: float | None = None,
    ) -> None:
        if not (low < high and ti_s > 0 and rate_per_s > 0):
            raise InputError(
                "regulator needs low < high, ti > 0 and rate > 0",
                thing="PI",
                place=f"low {low}, high {high}, ti {ti_s}, rate {rate_per_s}",
                fix="correct the regulator's settings",
            )
        self.kp = kp
        self.ti_s = ti_s
        self.low = low
        self.high = high
        self.rate_per_s = rate_per_s
        self.output = min(max(low if output is None else output, low), high)
        self._integral: float | None = None

    def track(self, output: float) -> None:
        """Follow an output that somebody else decided, so that taking over makes no bump."""
        self.output = min(max(output, self.low), self.high)
        self._integral = None

    def step(self, error: float, dt_s: float) -> float:
        """Return the output after `dt_s` seconds with this error (set-point minus value)."""
        proportional = self.kp * error
        if self._integral is None:
            self._integral = self.output - proportional
        gained = proportional * dt_s / self.ti_s
        wanted = proportional + self._integral + gained
        reach = self.rate_per_s * dt_s
        low = max(self.low, self.output - reach)
        high = min(self.high, self.output + reach)
        held = min(max(wanted, low), high)
        # Held back in the direction the error pushes: what cannot be done is not remembered.
        if not ((wanted > held and gained > 0) or (wanted < held and gained < 0)):
            self._integral += gained
        self.output = held
        return held
