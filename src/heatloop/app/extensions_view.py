"""What modules may look at: points, latest values and history inside a scope, read only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import numpy as np

from heatloop.app.extensions_api import PointInfo, Reading
from heatloop.app.history import AsyncHistorian
from heatloop.app.world import World
from heatloop.kernel.quality import Quality
from heatloop.kernel.scope import Scope
from heatloop.kernel.series import Columns
from heatloop.plant.kinds import point_kinds
from heatloop.plant.ledger import Ledger

_MOST_ROWS = 100_000
_WAIT_S = 30.0
_QUALITY = tuple(quality.name.lower() for quality in Quality)


class ScopedView:
    """A `PlantView`; its methods are for the thread of a module, not for the event loop."""

    def __init__(
        self,
        world: World,
        historian: AsyncHistorian,
        scope: Scope,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._world, self._historian = world, historian
        self._inside = world.codes_in(scope)
        self._loop = loop

    @property
    def now_s(self) -> float:
        """Plant time."""
        return self._world.now_s()

    def points(self, kind: str = "", asset: str = "") -> list[PointInfo]:
        """Return points, of one kind or one asset if given."""
        ledger, kinds = self._world.ledger, point_kinds()
        rows = ledger.points_of(asset) if asset else ledger.points.values()
        return [
            PointInfo(code=p.code, kind=p.kind, asset=p.asset, unit=kinds[p.kind].unit)
            for p in rows
            if (not kind or p.kind == kind) and self._sees(p.asset)
        ]

    def _sees(self, asset: str) -> bool:
        return self._inside is None or asset in self._inside

    def latest(self, point: str) -> Reading | None:
        """Return the latest value of a point, None when nothing is known."""
        found = self._world.ledger.points.get(point)
        if found is None or not self._sees(found.asset):
            return None
        last = self._world.latest.last(found.key)
        if last is None:
            return None
        value, quality, slot = last
        return Reading(
            point=point,
            kind=found.kind,
            asset=found.asset,
            at_s=slot,
            value=value,
            quality=_QUALITY[quality],
        )

    def history(self, point: str, start_s: float, end_s: float) -> list[Reading]:
        """Return stored values, oldest first, at most 100,000."""
        found = self._world.ledger.points.get(point)
        if found is None or not self._sees(found.asset):
            return []
        keys = np.array([found.key], "u4")
        asked = self._historian.raw(keys, int(start_s), int(end_s), _MOST_ROWS)
        future = asyncio.run_coroutine_threadsafe(asked, self._loop)
        return readings(self._world.ledger, future.result(_WAIT_S))


def readings(ledger: Ledger, columns: Columns, kinds: Iterable[str] | None = None) -> list[Reading]:
    """Return samples as readings, of some kinds only if given."""
    wanted = None if kinds is None else frozenset(kinds)
    found = []
    rows = zip(
        columns.keys.tolist(),
        columns.slots.tolist(),
        columns.values.tolist(),
        columns.quality.tolist(),
        strict=True,
    )
    for key, slot, value, quality in rows:
        point = ledger.by_key.get(key)
        if point is None or (wanted is not None and point.kind not in wanted):
            continue
        found.append(
            Reading(
                point=point.code,
                kind=point.kind,
                asset=point.asset,
                at_s=slot,
                value=value,
                quality=_QUALITY[quality],
            )
        )
    return found
