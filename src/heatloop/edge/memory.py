"""What a gateway must know after a crash to obey each command once: counter, outcomes, orders.

Written before a command is carried out and again after, so that a replayed command is refused
even if power failed in between, and one that was interrupted is read back instead of repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heatloop.edge.files import load_json, save_json
from heatloop.kernel.errors import InputError
from heatloop.kernel.messages import Command

_KEEP_OUTCOMES = 300


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was last ordered for a point."""

    value: float
    """In the point's unit."""
    at_s: float
    """Plant time of the order."""


class CommandMemory:
    """Counter, nonces, outcomes, interrupted commands and orders in force.

    Args:
        path: JSON file they are kept in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        stored: dict[str, Any] = load_json(path) or {}
        self.counter = int(stored.get("counter", 0))
        """Highest counter obeyed."""
        self.nonces: dict[str, float] = dict(stored.get("nonces", {}))
        """Nonce -> expiry of commands seen."""
        self.outcomes: dict[str, list[dict[str, Any]]] = dict(stored.get("outcomes", {}))
        """Command id -> the reports made about it."""
        self.begun: dict[str, Command] = {
            item["id"]: Command.from_dict(item) for item in stored.get("begun", [])
        }
        """Commands begun and not finished."""
        self.wanted: dict[int, Wanted] = {
            int(key): Wanted(float(value), float(at))
            for key, (value, at) in stored.get("wanted", {}).items()
        }
        """Point key -> order in force."""
        self.anchors: dict[int, tuple[float, float]] = {
            int(key): (float(value), float(at))
            for key, (value, at) in stored.get("anchors", {}).items()
        }
        """Point key -> (value, plant time) a set-point stood at when it began to move."""

    def begin(self, command: Command) -> None:
        """Remember that a command is about to be carried out.

        Raises:
            InputError: The disk takes nothing: it must not be carried out, it could be twice.
        """
        self.counter = max(self.counter, command.counter)
        self.nonces[command.nonce] = command.expires
        self.begun[command.id] = command
        if not self.save():
            del self.begun[command.id]
            raise InputError(
                "gateway cannot remember the command", thing=command.id, fix="free its disk"
            )

    def finish(self, command: Command, reports: list[dict[str, Any]], now_s: float) -> None:
        """Remember what became of a command.

        Args:
            command: What was carried out or refused.
            reports: Notes made about it, given again if it is delivered again.
            now_s: Plant time; forgets nonces of commands long expired.
        """
        self.begun.pop(command.id, None)
        self.outcomes[command.id] = reports
        while len(self.outcomes) > _KEEP_OUTCOMES:
            del self.outcomes[next(iter(self.outcomes))]
        self.nonces = {n: e for n, e in self.nonces.items() if e + 3600.0 > now_s}
        self.save()

    def order(self, key: int, value: float, at_s: float) -> None:
        """Put an order in force (kept with the next save)."""
        self.wanted[key] = Wanted(value, at_s)

    def save(self) -> bool:
        """Write everything to disk; return whether it is there.

        A full disk must not stop a gateway: what could not be written is with the next save.
        """
        document = {
            "counter": self.counter,
            "nonces": self.nonces,
            "outcomes": self.outcomes,
            "begun": [command.to_dict() for command in self.begun.values()],
            "wanted": {str(k): [w.value, w.at_s] for k, w in self.wanted.items()},
            "anchors": {str(k): list(each) for k, each in self.anchors.items()},
        }
        try:
            save_json(self._path, document)
        except OSError:
            return False
        return True
