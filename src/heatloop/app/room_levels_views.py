"""Room levels as people read them: what is wanted of each unit, where it comes from, and since."""

from __future__ import annotations

from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.room_levels import BOUNDS_C, FOR_ALL, FOR_UNIT, FRESH_S, HISTORY_DAYS, RoomLevels
from heatloop.app.strategy_settings import LEARNT
from heatloop.app.views.strategies import (
    RoomLevelPage,
    RoomLevelPoint,
    RoomLevelVersion,
    RoomLevelVersionPage,
    RoomLevelView,
)
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.scope import Scope
from heatloop.store.records import Records
from heatloop.store.records.room_levels import LevelRow


class RoomLevelViews:
    """Reads room levels.

    Args:
        world: The present.
        records: Versions kept.
        levels: Those that hold.
    """

    def __init__(self, world: World, records: Records, levels: RoomLevels) -> None:
        self._world, self._records, self._levels = world, records, levels

    def page(self, scope: Scope, page: int, size: int) -> RoomLevelPage:
        """Return a page of the units inside a scope, by code."""
        codes = [c for c in sorted(self._world.layout.units) if self._world.sees(scope, c)]
        rows = self._levels.rows
        settings = self._levels.settings
        return RoomLevelPage(
            total=len(codes),
            learnt=sum(c in rows and bool(rows[c].level.points) for c in codes),
            own=sum(c in self._levels.own for c in codes),
            level=settings.level,
            target_room_c=settings.target_room_c,
            items=[self._view(code) for code in codes[(page - 1) * size : page * size]],
        )

    def one(self, scope: Scope, code: str) -> RoomLevelView:
        """Return what is wanted of one unit.

        Raises:
            Refused: There is no such unit inside the scope.
        """
        self._check(scope, code)
        return self._view(code)

    async def versions(self, scope: Scope, code: str, page: int, size: int) -> RoomLevelVersionPage:
        """Return a page of what was learnt of a unit, newest first.

        Raises:
            Refused: There is no such unit inside the scope.
        """
        self._check(scope, code)
        total, rows = await in_thread(
            self._records.room_levels.list, code, offset=(page - 1) * size, limit=size
        )
        return RoomLevelVersionPage(total=total, items=[self._version(row) for row in rows])

    def _check(self, scope: Scope, code: str) -> None:
        self._world.asset(scope, code)
        if code not in self._world.layout.units:
            raise Refused("not_found", thing=code)

    def _view(self, code: str) -> RoomLevelView:
        levels, asset = self._levels, self._world.ledger.assets[code]
        own, row = levels.own.get(code), levels.rows.get(code)
        outlook_c = levels.outlook_c
        target = levels.target(code, outlook_c)
        learnt_c = levels.learnt_c(code, outlook_c)
        version = None if row is None else self._version(row)
        return RoomLevelView(
            unit=code,
            zh=asset.zh,
            en=asset.en,
            target_c=round(target.room_c, 2),
            source=target.source,
            why=self._why(code, row, target.source),
            low_c=BOUNDS_C[0],
            high_c=BOUNDS_C[1],
            own_c=None if own is None else own.target_c,
            own_by="" if own is None else own.user,
            own_at=None if own is None else utc(own.at),
            own_note="" if own is None else own.note,
            learnt_c=None if learnt_c is None else round(learnt_c, 2),
            version=version,
            failure=levels.failures.get(code, ""),
        )

    def _why(self, code: str, row: LevelRow | None, source: str) -> str:
        """Return why the learnt level is what it is, or is not followed."""
        if source == FOR_UNIT:
            return "set_for_unit"
        if code in self._levels.failures and source == FOR_ALL:
            return "failed"
        if row is None:
            return "not_yet"
        if not row.level.points:
            return row.level.state
        if not self._levels.is_fresh(row):
            return "old"
        if source == FOR_ALL and self._levels.settings.level != LEARNT:
            return "switched_off"
        return row.level.state

    def _version(self, row: LevelRow) -> RoomLevelVersion:
        level = row.level
        return RoomLevelVersion(
            version=row.version,
            made=utc(level.at),
            valid_until=utc(level.at + FRESH_S),
            state=level.state,
            data_from=utc(level.begin_s),
            data_until=utc(level.until_s),
            history_days=HISTORY_DAYS,
            days=level.days,
            collectors=level.collectors,
            off_k=level.off_k,
            points=[
                RoomLevelPoint(
                    outdoor_c=each.outdoor_c,
                    before_c=each.before_c,
                    shift_k=each.shift_k,
                    level_c=round(each.before_c + each.shift_k, 3),
                    cold_before_pct=each.cold_before_pct,
                    cold_expected_pct=each.cold_expected_pct,
                )
                for each in level.points
            ],
        )
