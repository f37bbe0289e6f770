"""Commands under way, and the samples that may prove them done."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from heatloop.app.world import World
from heatloop.kernel.messages import Command, CommandState
from heatloop.kernel.series import Columns

_READS = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveCommand:
    """A command that has not ended."""

    command: Command
    """The command."""
    state: CommandState
    """Where it is."""
    key: int
    """Key of the point it sets."""
    tolerance: float
    """How far a read-back may be off, half the register's resolution."""
    acknowledged_s: float = 0.0
    """Plant time the gateway wrote it."""

    def proved_by(self, value: float, slot: int) -> bool:
        """Return whether a sample reads the commanded value after it was written."""
        return slot >= self.acknowledged_s and abs(value - self.command.value) <= self.tolerance


class CommandsUnderWay:
    """Commands by id, with the samples of their points since they were sent."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._live: dict[str, LiveCommand] = {}
        self._reads: dict[int, deque[tuple[float, int]]] = {}

    def __iter__(self) -> Iterator[LiveCommand]:
        return iter(list(self._live.values()))

    def get(self, command_id: str) -> LiveCommand | None:
        """Return a command, None when it has ended."""
        return self._live.get(command_id)

    def add(self, command: Command, state: CommandState, acknowledged_s: float = 0.0) -> None:
        """Follow a command; one whose point left the ledger cannot be followed."""
        point = self._world.ledger.points.get(command.point)
        if point is None:
            return
        factor = abs(self._world.ledger.binding_of(point.code).factor)
        self._live[command.id] = LiveCommand(
            command=command,
            state=state,
            key=point.key,
            tolerance=0.5 * factor + 1e-9,
            acknowledged_s=acknowledged_s,
        )

    def moved(self, live: LiveCommand, to: CommandState, at_s: float) -> None:
        """Note a state that is not the end."""
        acknowledged = at_s if to is CommandState.ACKNOWLEDGED else live.acknowledged_s
        self._live[live.command.id] = replace(live, state=to, acknowledged_s=acknowledged)

    def ended(self, live: LiveCommand) -> None:
        """Follow a command no longer."""
        self._live.pop(live.command.id, None)
        if not any(other.key == live.key for other in self._live.values()):
            self._reads.pop(live.key, None)

    def read(self, columns: Columns) -> list[LiveCommand]:
        """Look at checked samples; return the commands they prove."""
        if not self._live:
            return []
        at = self._world.index.find(columns.keys)
        rows = np.flatnonzero(self._watched()[at] & (at >= 0))
        if not len(rows):
            return []
        for row in rows.tolist():
            read = (float(columns.values[row]), int(columns.slots[row]))
            self._reads.setdefault(int(columns.keys[row]), deque(maxlen=_READS)).append(read)
        return [live for live in self._live.values() if self.proof(live) is not None]

    def _watched(self) -> NDArray[np.bool_]:
        """Return which positions have a command under way, shape (n_point + 1,)."""
        mask = np.zeros(len(self._world.index) + 1, bool)
        keys = np.fromiter({live.key for live in self._live.values()}, "u4")
        mask[self._world.index.find(keys)] = True
        return mask

    def proof(self, live: LiveCommand) -> tuple[float, int] | None:
        """Return the first (value, slot) that proves an acknowledged command."""
        if live.state is not CommandState.ACKNOWLEDGED:
            return None
        reads = self._reads.get(live.key, ())
        return next((read for read in reads if live.proved_by(*read)), None)

    def overtaken_by(self, newer: LiveCommand) -> list[LiveCommand]:
        """Return acknowledged commands on the same point that a newer one has overwritten."""
        return [
            live
            for live in self._live.values()
            if live.key == newer.key
            and live.state is CommandState.ACKNOWLEDGED
            and live.command.counter < newer.command.counter
        ]
