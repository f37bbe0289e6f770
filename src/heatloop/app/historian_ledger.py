"""What the historian must know of the ledger: sampling periods, and which points come together.

Told before the first samples are taken in, and again whenever another ledger comes into force.
"""

from __future__ import annotations

from heatloop.app.platform import Platform
from heatloop.plant.ledger import Ledger

FRAME_POINTS = 256
"""Points of one frame at most; a device of more has several."""


def frames_of(ledger: Ledger) -> dict[str, list[int]]:
    """Return the points that are read together, by device; first come, first served."""
    of_device: dict[str, dict[int, None]] = {}
    for binding in ledger.bindings:
        of_device.setdefault(binding.device, {})[binding.key] = None
    frames: dict[str, list[int]] = {}
    for device, given in of_device.items():
        keys = list(given)
        for number, at in enumerate(range(0, len(keys), FRAME_POINTS)):
            name = device if number == 0 else f"{device}.{number + 1}"
            frames[name] = keys[at : at + FRAME_POINTS]
    return frames


class HistorianLedger:
    """Tells the historian about each ledger once."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._told = -1

    async def tell(self) -> None:
        """Tell what is in force, unless it was told.

        Raises:
            LinkError: The historian is away; the next call tells it.
        """
        platform = self._platform
        ledger, rules = platform.world.ledger, platform.loop.checker.rules
        if self._told == ledger.version:
            return
        # Integrals bridge gaps of three sampling periods, which only the ledger knows.
        await platform.historian.set_periods(rules.keys, rules.period_s.astype("u4"))
        await platform.historian.define_frames(frames_of(ledger))
        self._told = ledger.version
