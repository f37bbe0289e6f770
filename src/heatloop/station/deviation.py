"""Tells when something stays away from what was demanded of it for longer than it may."""

from __future__ import annotations


class DeviationWatch:
    """One demanded and measured value; `on` while they are apart by more than a band too long."""

    __slots__ = ("_apart_s", "on")

    def __init__(self) -> None:
        self._apart_s = 0.0
        self.on = False

    def step(
        self, wanted: float | None, measured: float | None, band: float, delay_s: float, dt_s: float
    ) -> bool:
        """Return whether they have been apart for longer than the delay.

        Args:
            wanted: What was demanded up to now; None when nothing was.
            measured: What is there; None when it is not measured.
            band: How far apart they may be, in their unit.
            delay_s: For how long they may be farther.
            dt_s: Seconds since the last step.
        """
        if wanted is None or measured is None or abs(wanted - measured) <= band:
            self._apart_s, self.on = 0.0, False
        else:
            self._apart_s += dt_s
            self.on = self._apart_s > delay_s
        return self.on
