"""Wishes in force: which units they concern, and by how much they may move them."""

from __future__ import annotations

from collections.abc import Mapping

from heatloop.app.history import in_thread
from heatloop.app.world import World
from heatloop.app.zone_settings import ZoneSettings
from heatloop.control.wishes import supply_shift_k
from heatloop.kernel.clock import machine_s
from heatloop.store.records import Records

USUAL_C = 20.0
_MOST = 100_000


class Wishes:
    """Keeps the newest wish of every place.

    Args:
        world: The present.
        records: Where the gate keeps wishes.
        settings: Bounds.
    """

    def __init__(self, world: World, records: Records, settings: ZoneSettings) -> None:
        self._world, self._records, self._settings = world, records, settings
        self._wishes: dict[str, tuple[float, float]] = {}

    async def load(self) -> None:
        """Read the wishes that hold."""
        since = machine_s() - self._settings.wish_days * 86400.0
        _, rows = await in_thread(
            self._records.zones.records,
            kind="wish",
            state="accepted",
            since=since,
            oldest_first=True,
            limit=_MOST,
        )
        # Later rows replace earlier ones of the same place.
        self._wishes = {
            row.place: (float(row.body["room_c"]), float(row.body["until_s"])) for row in rows
        }

    def shifts(self) -> Mapping[str, float]:
        """Return the shift of each unit's supply temperature, K, inside the bounds."""
        settings, ledger = self._settings, self._world.ledger
        now_s = self._world.now_s()
        by_unit: dict[str, list[float]] = {}
        for place, (room_c, until_s) in self._wishes.items():
            if until_s <= now_s or place not in ledger.assets:
                continue
            held = min(max(room_c, settings.wish_low_c), settings.wish_high_c)
            for code in reversed(ledger.heat_path(place).split("/")):
                if code and ledger.assets[code].kind == "unit":
                    many = self._flats(place)
                    by_unit.setdefault(code, []).extend([held - USUAL_C] * many)
                    break
        return {
            unit: supply_shift_k(rooms, self._flats(unit), settings.wish_most_k)
            for unit, rooms in by_unit.items()
        }

    def _flats(self, code: str) -> int:
        """Return how many flats a place is or holds, at least one."""
        if self._world.ledger.assets[code].kind == "flat":
            return 1
        return max(1, sum(each.kind == "flat" for each in self._world.ledger.below(code)))
