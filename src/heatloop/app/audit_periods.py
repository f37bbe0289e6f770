"""Retention of the trail by whole periods: sealed to a file, and dropped when old enough.

What is dropped leaves an entry behind that tells the ends of its chain, so the rest still
verifies; the file keeps the entries themselves. Only the audit administrator may start either.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace

from heatloop.app.audit import Audit
from heatloop.app.history import in_thread
from heatloop.app.keys import PlatformKeys
from heatloop.app.refusals import Refused
from heatloop.kernel.clock import machine_s
from heatloop.security.chain import GENESIS
from heatloop.store.audit_feed import read_segment, segment_bytes, segment_name
from heatloop.store.objects import ObjectStore
from heatloop.store.records import Records
from heatloop.store.records.audit_check import DROPPED, period_bytes
from heatloop.store.records.audit_rows import Period

KEPT_S = 1096 * 86400.0
"""Entries younger than this are never dropped (three years); the database holds the same."""
MOST_A_PERIOD = 200_000
_LEAST_AGE_S = 86400.0


class Periods:
    """Seals and drops.

    Args:
        records: Where the trail is.
        audit: Where it is written down.
        store: Where the files are kept.
        keys: Sign them.
    """

    def __init__(
        self, records: Records, audit: Audit, store: ObjectStore, keys: PlatformKeys
    ) -> None:
        self._records, self._audit = records, audit
        self._store, self._keys = store, keys

    async def seal(self, user: str, before: float) -> Period | None:
        """Seal what was written before a time into one file; return the period, None: nothing.

        Args:
            user: Who wants it.
            before: Machine second after the last entry; the last day stays open.
        """
        await self._audit.must()
        before = min(before, machine_s() - _LEAST_AGE_S)
        period = await in_thread(self._seal, user, before)
        if period is not None:
            await self._audit.add(
                user,
                "audit.period_sealed",
                period.file,
                first_seq=period.first_seq,
                last_seq=period.last_seq,
                hash=period.hash,
                file_sha256=period.file_sha256,
            )
        return period

    def _seal(self, user: str, before: float) -> Period | None:
        trail, around = self._records.audit, self._records.audit_around
        first, last = around.next_period(before)
        last = min(last, first + MOST_A_PERIOD - 1)
        if last < first:
            return None
        entries = trail.after(first - 1, last - first + 1)
        ahead = trail.get(first - 1)
        previous = GENESIS if ahead is None else ahead.hash
        if ahead is None and first > 1:
            previous = around.periods()[-1].hash
        key = self._keys.signing
        data = segment_bytes(key, entries, previous)
        name = segment_name(entries)
        self._store.put(name, data)
        # What is to stand for the entries one day is read back before anybody relies on it.
        back = read_segment(self._store.get(name), self._keys.ring, place=name)
        if back.entries != entries:
            raise Refused("unavailable", thing=name)
        values = {
            "first_seq": first,
            "last_seq": int(entries[-1][0]["seq"]),
            "previous": previous,
            "hash": entries[-1][1],
            "file_sha256": hashlib.sha256(data).hexdigest(),
        }
        period = Period(
            **values,
            first_at=float(entries[0][0]["at"]),
            last_at=max(float(e["at"]) for e, _ in entries),
            file=name,
            key_id=key.key_id,
            signature=key.sign(period_bytes(values)).hex(),
            sealed_at=machine_s(),
            sealed_by=user,
        )
        around.add_period(period)
        return period

    async def drop(self, user: str, first_seq: int) -> tuple[Period, int]:
        """Drop the entries of a sealed period; return it and how many went.

        Raises:
            Refused: There is no such period, it is too young, or its file is not as sealed.
        """
        await self._audit.must()
        periods = await in_thread(self._records.audit_around.periods)
        period = next((p for p in periods if p.first_seq == first_seq), None)
        if period is None or period.dropped_at is not None:
            raise Refused("not_found", thing=str(first_seq))
        earlier = any(p.dropped_at is None for p in periods if p.first_seq < first_seq)
        if earlier or period.last_at >= machine_s() - KEPT_S:
            raise Refused("audit_kept", thing=str(first_seq))
        data = await in_thread(self._store.get, period.file)
        if hashlib.sha256(data).hexdigest() != period.file_sha256:
            raise Refused("audit_kept", thing=period.file, detail="sha256")
        # Written first: an entry that tells of a drop that failed does no harm, the other would.
        told = {k: v for k, v in asdict(period).items() if k not in ("dropped_at", "dropped_by")}
        await self._audit.add(user, DROPPED, period.file, **told)
        at = machine_s()
        gone = await in_thread(self._records.audit_around.drop, period, at=at, by=user)
        return replace(period, dropped_at=at, dropped_by=user), gone
