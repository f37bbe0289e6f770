"""Raises an alarm when a component fails, and ends it when all have been well for a while.

The supervisor writes down how its programs are; the health report says it of what this process
uses: records, historian, broker, jobs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heatloop.app.history import in_thread
from heatloop.app.supervisor import COMPONENTS
from heatloop.kernel.clock import machine_s

if TYPE_CHECKING:
    from heatloop.app.health import HealthReport
    from heatloop.app.security_events import SecurityEvents

FAILED, GIVEN_UP = "component_failed", "component_given_up"
LOOK_S, LOOK_PAUSE_S = 10.0, 5.0
_TELL_S = 60.0
_TRANSIENT = ("event loop", "stations", "instance")
_LAYERS = ("data", "application")


class ComponentWatch:
    """Looks at every component."""

    def __init__(self, run_dir: Path, health: HealthReport, events: SecurityEvents) -> None:
        self._file, self._health, self._events = run_dir / COMPONENTS, health, events
        self._restarts: dict[str, int] = {}
        self._bad_s = 0.0

    async def run(self, due: float) -> None:
        """Look once."""
        del due
        now_s = machine_s()
        bad = dict(await self._parts())
        given_up = []
        for name, said in (await in_thread(_read, self._file)).items():
            restarts = int(said.get("restarts", 0))
            # After a restart of the platform itself, what failed lately is told once more.
            lately = now_s - float(said.get("failed_s", 0.0)) < _TELL_S
            again = restarts > self._restarts.get(name, restarts)
            self._restarts[name] = restarts
            if said.get("given_up"):
                given_up.append(name)
            if again or lately or not said.get("healthy", True):
                bad[name] = str(said.get("why", ""))
        for name, why in bad.items():
            self._events.note(FAILED, name, reason=why)
        for name in given_up:
            self._events.note(GIVEN_UP, name)
        if bad:
            self._bad_s = now_s
        elif now_s - self._bad_s > _TELL_S:
            self._events.over(FAILED)
        if not given_up:
            self._events.over(GIVEN_UP)

    async def _parts(self) -> list[tuple[str, str]]:
        report = await self._health.report()
        return [
            (part.name, part.detail[:200])
            for part in report.parts
            if part.layer in _LAYERS and not part.ok and part.name not in _TRANSIENT
        ]


def _read(path: Path) -> Mapping[str, Mapping[str, Any]]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
