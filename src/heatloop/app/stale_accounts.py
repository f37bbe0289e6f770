"""Accounts nobody uses are disabled, before somebody else does (machine time)."""

from __future__ import annotations

from heatloop.app.audit import SYSTEM, Audit
from heatloop.app.history import in_thread
from heatloop.app.people import People
from heatloop.app.schedule import Job
from heatloop.kernel.clock import machine_s
from heatloop.security.access import Role
from heatloop.store.records import Records

STALE = "stale"
_PERIOD_S = 86400.0


class StaleAccounts:
    """Disables accounts unused for a number of days."""

    def __init__(self, records: Records, people: People, audit: Audit, days: float) -> None:
        self._records, self._people, self._audit, self._days = records, people, audit, days

    async def run(self, _: float = 0.0) -> list[str]:
        """Disable what is stale, never the last security administrator; return the names."""
        if not self._days:
            return []
        now, users = machine_s(), await in_thread(self._records.users.list)
        keepers = {
            each.name for each in users if Role.SECURITY_ADMIN in each.roles and not each.disabled
        }
        done = []
        # The one used last comes last, so that the last administrator is the likeliest to live.
        for each in sorted(users, key=lambda row: row.idle_since_s()):
            since = each.idle_since_s()
            if each.disabled or not since or now - since <= self._days * 86400.0:
                continue
            if each.name in keepers and len(keepers) == 1:
                continue
            keepers.discard(each.name)
            await in_thread(self._records.users.disable, each.name, at=now, reason=STALE)
            self._people.changed(each.name)
            await self._audit.add(
                SYSTEM, "user.stale", each.name, idle_days=round((now - since) / 86400.0)
            )
            done.append(each.name)
        return done

    def job(self) -> Job:
        """Return the daily job."""

        async def run(due: float) -> None:
            await self.run(due)

        return Job(name="stale_accounts", period_s=_PERIOD_S, run=run, kept=True)
