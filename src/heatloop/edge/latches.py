"""What protections hold latched over a restart of the gateway: a trip is lifted by a person."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from heatloop.edge.files import load_json, save_json


class LatchBook:
    """Latches of the units driven from here, by asset code.

    Args:
        path: JSON file they are kept in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: dict[str, dict[str, int]] = {
            str(asset): {str(key): int(bits) for key, bits in own.items()}
            for asset, own in (load_json(path) or {}).items()
        }

    def of(self, asset: str) -> Mapping[str, int]:
        """Return what is latched at a unit, as `UnitLogic.latches` gave it."""
        return self._kept.get(asset, {})

    def keep(self, asset: str, latches: Mapping[str, int]) -> None:
        """Keep what is latched at a unit now; written only when it changed."""
        if dict(latches) == self._kept.get(asset, {}):
            return
        if latches:
            self._kept[asset] = dict(latches)
        else:
            self._kept.pop(asset, None)
        # A full disk must not stop a gateway; the latch holds in memory and is in the next save.
        with contextlib.suppress(OSError):
            save_json(self._path, self._kept)
