"""The level of rooms in operation: learnt by night, set by people, given to station control.

A target set for a unit comes first, then a fresh learnt level where the settings want it, then the
figure set for all. Without any night's work control goes on with what is set.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import structlog

from heatloop.app.audit import Audit
from heatloop.app.fleet import Fleet
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.layout import Node, number
from heatloop.app.learning_history import UnitPoints, histories_of, points_of
from heatloop.app.price_settings import PriceSettings
from heatloop.app.refusals import Refused
from heatloop.app.room_levels_choice import found_of
from heatloop.app.room_levels_days import days_left_out
from heatloop.app.room_levels_work import LevelItem, level_task
from heatloop.app.strategy_settings import LEARNT, StrategySettings
from heatloop.app.world import World
from heatloop.control.room_levels import LevelPrices, level_at
from heatloop.control.room_look import UnitLook
from heatloop.control.unit_model import UnitModel
from heatloop.kernel.clock import utc
from heatloop.security.access import Principal
from heatloop.store.historian.port import DAY_S, HOUR_S
from heatloop.store.records import Records
from heatloop.store.records.room_levels import LevelRow, NewLevel, TargetRow

_log = structlog.get_logger("heatloop.room_levels")
HISTORY_DAYS = 30
FRESH_S = 7.0 * DAY_S
"""How long a night's finding holds when no other follows."""
BOUNDS_C = (16.0, 26.0)
"""Bounds of every target."""
FOR_ALL, FOR_UNIT, BY_LEARNING = "all", "unit", "learnt"
_KEPT_S = 120.0 * DAY_S
_AT_ONCE = 16
"""Units whose past is held in memory at a time."""
_PATIENCE_S = 120.0
_HEAT_INDEX_W_M2 = 45.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What is wanted of a unit's rooms."""

    room_c: float
    """Room temperature."""
    source: str
    """Where it comes from: `all`, `unit` or `learnt`."""


class RoomLevels:
    """Learns levels and gives targets.

    Args:
        world: The present.
        records: Where levels and targets are kept.
        historian: The past.
        fleet: Who works.
        audit: Trail of what people set.
        settings: What is wanted.
        prices: What heat and cold rooms cost.
        time_zone: IANA zone of the company.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        historian: AsyncHistorian,
        *,
        fleet: Fleet,
        audit: Audit,
        settings: StrategySettings,
        prices: PriceSettings,
        time_zone: str,
    ) -> None:
        self._world, self._records, self._historian = world, records, historian
        self._fleet, self._audit, self.settings = fleet, audit, settings
        self._paid = prices
        self._zone = ZoneInfo(time_zone)
        self.champion: Callable[[str], UnitModel | None] = lambda unit: None
        """Gives the building model of a unit, None where there is none."""
        self.outlook_c = math.nan
        """Mean outdoor temperature the last plans were made for."""
        self.rows: dict[str, LevelRow] = {}
        """Newest finding by unit."""
        self.own: dict[str, TargetRow] = {}
        """Targets set for single units."""
        self.failures: dict[str, str] = {}
        """Units whose last night failed, and why."""
        self._one_at_a_time = asyncio.Lock()

    async def load(self) -> None:
        """Take up what was learnt and set before a restart."""
        self.rows = {
            row.level.unit: row for row in await in_thread(self._records.room_levels.newest)
        }
        self.own = {row.unit: row for row in await in_thread(self._records.room_levels.targets)}

    def target(self, unit: str, outdoor_c: float) -> Target:
        """Return what is wanted of a unit's rooms.

        Args:
            unit: Unit code.
            outdoor_c: Mean outdoor temperature of the day to come; nan: unknown.
        """
        own = self.own.get(unit)
        if own is not None:
            return Target(room_c=own.target_c, source=FOR_UNIT)
        level = self.learnt_c(unit, outdoor_c) if self.settings.level == LEARNT else None
        if level is None:
            return Target(room_c=self.settings.target_room_c, source=FOR_ALL)
        return Target(room_c=level, source=BY_LEARNING)

    def learnt_c(self, unit: str, outdoor_c: float) -> float | None:
        """Return the learnt level of a unit, None without a fresh one."""
        row = self.rows.get(unit)
        if row is None or not row.level.points or not self.is_fresh(row):
            return None
        points = [(each.outdoor_c, each.before_c + each.shift_k) for each in row.level.points]
        if not math.isfinite(outdoor_c):
            outdoor_c = sum(x for x, _ in points) / len(points)
        return min(max(level_at(outdoor_c, points), BOUNDS_C[0]), BOUNDS_C[1])

    def is_fresh(self, row: LevelRow) -> bool:
        """Return whether a finding still holds."""
        return self._world.now_s() - row.level.at <= FRESH_S

    async def set_own(self, by: Principal, unit: str, target_c: float, note: str) -> None:
        """Set a unit's own target, which goes before all others.

        Raises:
            Refused: There is no such unit inside the scope, or the target is out of bounds.
        """
        self._unit(by, unit)
        low, high = BOUNDS_C
        if not low <= target_c <= high:
            raise Refused("out_of_range", thing=unit, detail=f"{low:g} - {high:g} degC")
        before = self.own.get(unit)
        row = TargetRow(
            unit=unit, target_c=target_c, at=self._world.now_s(), user=by.user, note=note
        )
        await self._audit.add(
            by.user,
            "room_target.set",
            unit,
            before=None if before is None else before.target_c,
            after=target_c,
            note=note,
        )
        await in_thread(self._records.room_levels.set_target, row)
        self.own[unit] = row

    async def clear_own(self, by: Principal, unit: str) -> None:
        """Remove a unit's own target.

        Raises:
            Refused: There is no such unit inside the scope, or nothing is set for it.
        """
        self._unit(by, unit)
        before = self.own.get(unit)
        if before is None:
            raise Refused("not_found", thing=unit, detail="no target is set for this unit")
        await self._audit.add(by.user, "room_target.clear", unit, before=before.target_c)
        await in_thread(self._records.room_levels.clear_target, unit)
        self.own.pop(unit, None)

    def _unit(self, by: Principal, unit: str) -> None:
        self._world.asset(by.scope, unit)
        if unit not in self._world.layout.units:
            raise Refused("not_found", thing=unit)

    async def run(self, due: float) -> None:
        """Learn the levels of all units from what was measured up to the last local midnight."""
        if not self.settings.enabled:
            return
        async with self._one_at_a_time:
            end_s, offset_s = self._midnight(due)
            looks, without = await self._looks(end_s, offset_s)
            begin_s = float(end_s - HISTORY_DAYS * DAY_S)
            found = found_of(
                looks,
                without,
                floor={code for code in looks if _is_floor(self._world.layout.units[code][0])},
                former={code: row.level for code, row in self.rows.items()},
                at=due,
                window_s=(begin_s, float(end_s)),
            )
            await self._keep(found, due)

    async def _keep(self, found: Sequence[NewLevel], due: float) -> None:
        rows = await in_thread(self._records.room_levels.add, found)
        self.rows |= {row.level.unit: row for row in rows}
        await in_thread(self._records.room_levels.forget, due - _KEPT_S)
        learnt = sum(bool(row.level.points) for row in rows)
        _log.info("room levels learnt", units=len(rows), learnt=learnt)

    def _midnight(self, at_s: float) -> tuple[int, float]:
        """Return the last local midnight in whole hours, and local time less UTC."""
        local = utc(at_s).astimezone(self._zone)
        offset = local.utcoffset() or timedelta(0)
        begin = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return int(begin.timestamp() // HOUR_S * HOUR_S), offset.total_seconds()

    async def _looks(
        self, end_s: int, offset_s: float
    ) -> tuple[dict[str, UnitLook], dict[str, str]]:
        """Return what was found by unit, and why nothing can be found of the others."""
        points: list[UnitPoints] = []
        without: dict[str, str] = {}
        for code, (unit, station) in self._world.layout.units.items():
            read = points_of(self._world, unit, station)
            if read is None:
                without[code] = "no_meter"
            elif self.champion(code) is None:
                without[code] = "no_model"
            else:
                points.append(read)
        looks: dict[str, UnitLook] = {}
        self.failures = {}
        for at in range(0, len(points), _AT_ONCE):
            part = points[at : at + _AT_ONCE]
            items = await self._items(part, end_s, offset_s)
            names = [each.unit for each in part]
            done = await self._fleet.map(level_task, items, names=names, timeout_s=_PATIENCE_S)
            self.failures |= {each.name: each.reason for each in done.failures}
            looks |= {name: look for name, look in zip(names, done.answers, strict=True) if look}
        return looks, without

    async def _items(
        self, points: Sequence[UnitPoints], end_s: int, offset_s: float
    ) -> list[LevelItem]:
        start_s = end_s - HISTORY_DAYS * DAY_S
        histories = await histories_of(self._historian, points, start_s, end_s, offset_s)
        first, last = ((s + offset_s) // DAY_S for s in (start_s, end_s))
        days = range(int(first), int(last))
        codes = [each.unit for each in points]
        left_out = await in_thread(days_left_out, self._records, codes, days, offset_s)
        items = []
        for each, history in zip(points, histories, strict=True):
            model = self.champion(each.unit)
            assert model is not None
            area_m2 = number(self._world.ledger.assets[each.unit], "heated_area_m2")
            items.append(
                LevelItem(
                    history=history,
                    model=model,
                    area_m2=area_m2 or 1000.0 * model.design_heat_kw / _HEAT_INDEX_W_M2,
                    prices=self._prices(),
                    left_out=left_out[each.unit],
                )
            )
        return items

    def _prices(self) -> LevelPrices:
        return LevelPrices(
            heat_yuan_kwh=self._paid.heat_yuan_kwh,
            cold_yuan_m2kh=self._paid.cold_yuan_m2kh,
            cold_c=self.settings.cold_room_c,
        )


def _is_floor(unit: Node) -> bool:
    return unit.asset.attributes.get("emitter") == "floor"
