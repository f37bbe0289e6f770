"""Whether this instance works or stands by, and what only the one that works may do.

An instance works while it holds the lease in the records. What it believes of that is bounded
twice: by how long ago it asked (a clock that counts while the machine sleeps), and, for every
write, by the fence in the records themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from heatloop import __version__
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.refusals import Refused
from heatloop.app.standby_settings import RedundancySettings
from heatloop.app.views.instances import InstanceList, InstanceView
from heatloop.kernel.clock import machine_s, utc
from heatloop.store.records import Records
from heatloop.store.records.instances import InstanceRow, Lease

ACTIVE, STANDBY, AWAY = "active", "standby", "away"
MAIN = "main"


def lasting_s() -> float:
    """Return seconds that also count while the process is stopped or the machine sleeps."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


class Standing(Protocol):
    """What the rest of the platform asks."""

    @property
    def active(self) -> bool:
        """Whether this instance works."""
        ...

    @property
    def active_url(self) -> str:
        """Address of the instance that works, as far as known."""
        ...

    def require_active(self) -> None:
        """Return if this instance works.

        Raises:
            Refused: It stands by.
        """
        ...

    async def next_counter(self, gateway: str) -> int:
        """Return a command counter above all that this gateway was ever given."""
        ...

    async def view(self) -> InstanceList:
        """Return every instance."""
        ...


def serving(historian: AsyncHistorian) -> str:
    """Return which historian values are read from."""
    return str(getattr(historian, "serving", MAIN))


class Alone:
    """An instance that shares its stores with nobody."""

    active = True
    active_url = ""

    def __init__(self, settings: RedundancySettings, historian: AsyncHistorian) -> None:
        self._name, self._historian = settings.own_name, historian
        self._lease_s = settings.lease_s
        self._counters: dict[str, int] = {}

    def require_active(self) -> None:
        """Return: there is nobody else."""

    async def next_counter(self, gateway: str) -> int:
        """Return a command counter above all that this gateway was ever given."""
        # Machine milliseconds rise over restarts without being kept anywhere.
        counter = max(self._counters.get(gateway, 0) + 1, int(machine_s() * 1000))
        self._counters[gateway] = counter
        return counter

    async def view(self) -> InstanceList:
        """Return this instance."""
        own = InstanceView(
            name=self._name,
            url="",
            version=__version__,
            role=ACTIVE,
            this=True,
            started=None,
            seen=None,
            silent_s=0.0,
            lag_s=0.0,
        )
        return InstanceList(
            redundant=False,
            active=self._name,
            active_url="",
            since=None,
            token=0,
            lease_s=self._lease_s,
            now=utc(machine_s()),
            historian=serving(self._historian),
            items=[own],
        )


class Shared:
    """One of several instances over the same stores; `standby_duty` moves it on."""

    def __init__(
        self,
        settings: RedundancySettings,
        records: Records,
        historian: AsyncHistorian,
        *,
        clock: Callable[[], float] = lasting_s,
    ) -> None:
        self.settings, self.records = settings, records
        self.name = settings.own_name
        """Name of this instance."""
        self.token: int | None = None
        """Fencing token of the lease it holds."""
        self.ready = False
        """Whether it has taken up what the records hold, and works."""
        self.refreshed_s: float | None = None
        """When it last read what it shows while standing by, by `clock`."""
        self.active_url = ""
        """Address of the instance that works, as last seen."""
        self._historian, self._clock = historian, clock
        self._holds_until_s = 0.0

    @property
    def holds(self) -> bool:
        """Whether nobody else can have taken over yet."""
        return self.token is not None and self._clock() < self._holds_until_s

    @property
    def active(self) -> bool:
        """Whether this instance works."""
        return self.ready and self.holds

    @property
    def lag_s(self) -> float | None:
        """How old its view of the values is."""
        if self.active:
            return 0.0
        return None if self.refreshed_s is None else self._clock() - self.refreshed_s

    def refreshed(self) -> None:
        """Note that its view was read again just now."""
        self.refreshed_s = self._clock()

    def require_active(self) -> None:
        """Return if this instance works.

        Raises:
            Refused: It stands by.
        """
        if not self.active:
            raise Refused("standby", thing=self.name, place=self.active_url)

    async def ask(self) -> bool:
        """Ask for the lease, or renew it; return whether it is held.

        Raises:
            LinkError: The records do not answer.
        """
        # Counted from before the question: the answer may take long to come back.
        asked_s = self._clock()
        lease = await in_thread(
            self.records.instances.take,
            self.name,
            token=self.token,
            lease_s=self.settings.lease_s,
        )
        if lease is None:
            self.token = None
            return False
        if self.token is None:
            self.records.instances.fence(lease.token)
        self.token = lease.token
        self._holds_until_s = asked_s + self.settings.lease_s
        return True

    async def beat(self) -> None:
        """Say that this instance lives, and see where the active one is."""
        instances = self.records.instances
        await in_thread(instances.beat, self.name, active=self.active, lag_s=self.lag_s)
        lease = await in_thread(instances.lease)
        _, rows = await in_thread(instances.list)
        urls = {row.name: row.url for row in rows}
        self.active_url = urls.get(lease.holder, "") if lease is not None else ""

    async def next_counter(self, gateway: str) -> int:
        """Return a command counter above all that this gateway was ever given, by whomever.

        Raises:
            Refused: This instance stands by.
            UnsafeError: Another one took over.
        """
        token = self.token
        if token is None or not self.active:
            raise Refused("standby", thing=self.name, place=self.active_url)
        floor = int(machine_s() * 1000)
        return await in_thread(
            self.records.instances.next_counter, gateway, token=token, floor=floor
        )

    async def view(self) -> InstanceList:
        """Return every instance."""
        lease = await in_thread(self.records.instances.lease)
        now, rows = await in_thread(self.records.instances.list)
        held = lease is not None and lease.expires_at > now
        holder = lease.holder if lease is not None and held else ""
        return InstanceList(
            redundant=True,
            active=holder,
            active_url=next((row.url for row in rows if row.name == holder), ""),
            since=utc(lease.since) if lease is not None and held else None,
            token=lease.token if lease is not None else 0,
            lease_s=self.settings.lease_s,
            now=utc(now),
            historian=serving(self._historian),
            items=[self._item(row, now, lease, holder) for row in rows],
        )

    def _item(self, row: InstanceRow, now: float, lease: Lease | None, holder: str) -> InstanceView:
        seen = row.seen_at
        if lease is not None and row.name == lease.holder:
            seen = max(seen, lease.renewed_at)
        silent_s = max(now - seen, 0.0)
        role = AWAY if silent_s > self.settings.lease_s else STANDBY
        return InstanceView(
            name=row.name,
            url=row.url,
            version=row.version,
            role=ACTIVE if row.name == holder else role,
            this=row.name == self.name,
            started=utc(row.started_at),
            seen=utc(seen),
            silent_s=round(silent_s, 3),
            lag_s=row.lag_s,
        )
