"""Emergency stops a gateway must go on holding after a crash: orders and how far they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from heatloop.edge.files import load_json, save_json

STOPPING, HOLDING, RELEASING = "stopping", "holding", "releasing"
TODO, DONE, FAILED, LOCAL = "todo", "done", "failed", "local"
_MOST_OFFERED = 200


@dataclass(slots=True)
class HeldStep:
    """One write of a stop under way."""

    point: str
    value: float
    ramp_per_min: float
    before: float | None = None
    """What the point held before the stop; a release goes back there."""
    state: str = TODO
    """`todo`, `done`, `failed`, or `local`: somebody at the cabinet decided otherwise."""
    reason: str = ""
    moved_s: float = 0.0
    """Plant time a release moved it last."""


@dataclass(slots=True)
class Held:
    """One asset that is stopped."""

    order: str
    cause: str
    state: str
    since_s: float
    steps: list[HeldStep] = field(default_factory=list)
    said: str = ""
    """What was reported last."""


class StopBook:
    """Stops in force, and the highest order number obeyed.

    Args:
        path: JSON file they are kept in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        stored: Mapping[str, Any] = load_json(path) or {}
        self.serial = int(stored.get("serial", 0))
        """Highest serial of an order obeyed: a lower one is a replay."""
        self.held: dict[str, Held] = {
            str(asset): Held(**{**each, "steps": [HeldStep(**s) for s in each["steps"]]})
            for asset, each in stored.get("held", {}).items()
        }
        """By asset code."""
        self.offered: list[dict[str, Any]] = []
        """Signed orders that came and were not looked at yet."""
        self._saved = ""

    def offer(self, document: dict[str, Any]) -> None:
        """Note a signed order that came; a flood of them pushes nothing out."""
        if len(self.offered) < _MOST_OFFERED:
            self.offered.append(document)

    def save(self) -> bool:
        """Write everything to disk if it changed; return whether it is there.

        A full disk must not keep a plant from being stopped: what could not be written is with
        the next save.
        """
        document = {
            "serial": self.serial,
            "held": {asset: asdict(each) for asset, each in self.held.items()},
        }
        text = repr(document)
        if text == self._saved:
            return True
        try:
            save_json(self._path, document)
        except OSError:
            return False
        self._saved = text
        return True
