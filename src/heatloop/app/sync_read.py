"""The exchange as it is read: state, rules, runs, records, conflicts, and the feed of changes."""

from __future__ import annotations

from heatloop.app.history import in_thread
from heatloop.app.refusals import Forbidden
from heatloop.app.sync_apply import ACTION
from heatloop.app.sync_settings import SyncSettings
from heatloop.app.sync_views import (
    change_view,
    conflict_view,
    record_view,
    rule_views,
    run_view,
    system_view,
)
from heatloop.app.views.sync import (
    SyncChanges,
    SyncConflictPage,
    SyncRecordPage,
    SyncRule,
    SyncRunPage,
    SyncState,
)
from heatloop.app.world import World
from heatloop.bridge.sync.rules import rules
from heatloop.kernel.scope import Scope
from heatloop.store.records import Records
from heatloop.store.records.sync_model import RunRow


def feed_names() -> dict[str, dict[str, str]]:
    """Return field names by attribute, by entity: what of the ledger others are told."""
    found: dict[str, dict[str, str]] = {}
    for rule in rules().values():
        if rule.attribute:
            found.setdefault(rule.entity, {})[rule.attribute] = rule.field
    return found


class SyncRead:
    """Reads the exchange.

    Args:
        world: The present.
        records: Register, conflicts, feed.
        settings: Where is looked.
    """

    def __init__(self, world: World, records: Records, settings: SyncSettings) -> None:
        self._world, self._records, self._settings = world, records, settings
        self._heard: dict[str, RunRow] = {}

    async def _catch_up(self) -> None:
        await in_thread(self._records.sync_feed.catch_up, feed_names(), ACTION)

    def rules(self) -> list[SyncRule]:
        """Return who owns which field."""
        return rule_views()

    async def state(self) -> SyncState:
        """Return how the exchange stands."""
        figures = await in_thread(self._records.sync.figures)
        for system, run in self._heard.items():
            figures.setdefault(system, {})["run"] = run
        newest = await in_thread(self._records.sync_feed.newest)
        settings = self._settings
        names = sorted({"billing", "customer", *figures})
        return SyncState(
            systems=[system_view(name, figures.get(name, {})) for name in names],
            drop_folder=bool(settings.drop_folder),
            pull=bool(settings.pull_url),
            period_s=settings.period_s,
            change_cursor=str(newest),
        )

    async def runs(self, scope: Scope, *, system: str, page: int, size: int) -> SyncRunPage:
        """Return a page of exchanges; they concern the whole company.

        Raises:
            Forbidden: The whole company is not the reader's.
        """
        if not scope.holds(""):
            raise Forbidden("forbidden", detail="the whole company")
        total, rows = await in_thread(
            self._records.sync.runs, system=system, offset=(page - 1) * size, limit=size
        )
        return SyncRunPage(total=total, items=[run_view(row) for row in rows])

    async def conflicts(
        self, scope: Scope, *, state: str, system: str, entity: str, page: int, size: int
    ) -> SyncConflictPage:
        """Return a page of conflicts inside a scope, newest first."""
        total, rows = await in_thread(
            self._records.sync.conflicts,
            codes=self._world.codes_in(scope),
            state="" if state == "all" else state,
            system=system,
            entity=entity,
            offset=(page - 1) * size,
            limit=size,
        )
        ledger = self._world.ledger
        return SyncConflictPage(total=total, items=[conflict_view(row, ledger) for row in rows])

    async def records(
        self, scope: Scope, *, system: str, entity: str, code: str, page: int, size: int
    ) -> SyncRecordPage:
        """Return a page of records about things inside a scope, newest first.

        Raises:
            Refused: The asset named is none inside the scope.
        """
        codes = self._world.codes_in(scope)
        if code:
            self._world.asset(scope, code)
            codes = frozenset(self._world.at_or_below(code))
        total, rows = await in_thread(
            self._records.sync.records,
            codes=codes,
            system=system,
            entity=entity,
            offset=(page - 1) * size,
            limit=size,
        )
        return SyncRecordPage(total=total, items=[record_view(row) for row in rows])

    async def changes(self, *, since: int, system: str, size: int) -> SyncChanges:
        """Return a page of the feed of changes after a place in it."""
        await self._catch_up()
        feed = self._records.sync_feed
        last, more, rows = await in_thread(feed.since, since, without=system, limit=size)
        ids = await in_thread(feed.ids_of, {row.code for row in rows})
        return SyncChanges(
            cursor=str(last), more=more, items=[change_view(row, ids) for row in rows]
        )
