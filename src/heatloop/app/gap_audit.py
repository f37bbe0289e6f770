"""Is every expected sample stored, or is it known why not? Counted, never read row by row.

A sample is expected in every poll slot of a point, from its binding on. What is stored is counted
per point and day by the historian; gap records say what is missing and why; the rest is
unexplained and listed. The result is one signed document (clauses 6.1.2 a, 4.2.1 -4 #2).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np

from heatloop.app import audit_document as document
from heatloop.app.audit_rows import Piece, Rows, alike, apart, pieces, rows_by_device, runs
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.links import Links
from heatloop.app.world import World
from heatloop.kernel.errors import InputError
from heatloop.kernel.scope import Scope
from heatloop.plant.ledger import Ledger
from heatloop.store.records import Records
from heatloop.store.records.gaps import GapRow

NOT_REPORTED, GATEWAY_AWAY = "not_reported", "gateway_away"
_ON_ITS_WAY_S = 120
_MOST_GAPS = 200_000
_MOST_SPANS = 20
_MOST_ROWS = 2_000_000


class GapAudit:
    """Audits what is stored against what should be."""

    def __init__(
        self,
        world: World,
        historian: AsyncHistorian,
        records: Records,
        links: Links,
        time_zone: str,
    ) -> None:
        self._world, self._historian = world, historian
        self._records, self._links, self._zone = records, links, time_zone

    async def run(self, scope: Scope, start_s: int, end_s: int) -> dict[str, Any]:
        """Return the audit of a period inside a scope, as plain values.

        What may still be on its way here is not yet expected.

        Raises:
            InputError: There is no such period, or nothing of it is over.
        """
        world = self._world
        over_s = int(world.settled_s()) - _ON_ITS_WAY_S
        end_s = min(end_s, over_s)
        parts = pieces(start_s, end_s, self._zone)
        ledger = world.ledger
        rows = await asyncio.to_thread(Rows.of_ledger, ledger, world.codes_in(scope))
        total, gaps = await in_thread(
            self._records.gaps.list,
            devices=list(rows.devices),
            start=start_s,
            end=end_s,
            limit=_MOST_GAPS,
        )
        if total > len(gaps):
            raise InputError("too many gaps for one audit", fix="ask for a shorter period")
        told = [*gaps, *self._away(ledger)]
        for part in parts:
            await self._count(part, rows, over_s)
            await self._explain(part, rows, told)
        return {
            "kind": "gap_audit",
            "version": 1,
            "from": document.text(start_s),
            "to": document.text(end_s),
            "made_at": document.text(world.now_s()),
            "time_zone": self._zone,
            "ledger_version": ledger.version,
            "scope": sorted(scope.paths),
            **document.sums(parts, rows),
            "days": [document.day(part) for part in parts],
            "points": document.least(parts, rows, ledger),
            "unexplained_points": [one async for one in self._listed(parts, rows, ledger)],
            "gaps": [document.gap(gap) for gap in gaps[: document.MOST_LISTED]],
            "gaps_total": total,
        }

    async def counted(self, scope: Scope, start_s: int, end_s: int) -> dict[str, Any]:
        """Return what was expected and stored in a period, day by day, without the reasons.

        Raises:
            InputError: There is no such period, or nothing of it is over.
        """
        over_s = int(self._world.settled_s()) - _ON_ITS_WAY_S
        parts = pieces(start_s, min(end_s, over_s), self._zone)
        rows = await asyncio.to_thread(
            Rows.of_ledger, self._world.ledger, self._world.codes_in(scope)
        )
        for part in parts:
            await self._count(part, rows, over_s)
        days = [document.day(part) for part in parts]
        return {"from": start_s, "to": parts[-1].end, **document.sums(parts, rows), "days": days}

    def _away(self, ledger: Ledger) -> list[GapRow]:
        """Return what gateways that are not connected may still hold, as if they were gaps."""
        found: list[GapRow] = []
        latest, connected = self._world.latest, set(self._links.connected())
        for gateway in ledger.gateways:
            devices = [d.code for d in ledger.devices_of_gateway(gateway)]
            keys = [b.key for d in devices for b in ledger.bindings_of_device(d)]
            if gateway in connected or not keys:
                continue
            at = latest.index.find(np.array(keys, "u4"))
            newest = int(latest.slots[at[at >= 0]].max(initial=0))
            found += [
                GapRow(
                    gateway=gateway,
                    device=device,
                    slots_from=newest + 1,
                    slots_to=None,
                    cause=GATEWAY_AWAY,
                )
                for device in devices
            ]
        return found

    async def _count(self, part: Piece, rows: Rows, over_s: int) -> None:
        """Count what is expected and stored of every row."""
        low = np.maximum(rows.since, part.start)
        # A device that reports by itself has until the end of its period.
        over = over_s - np.where(rows.reports, rows.periods, 0)
        high = np.maximum(np.minimum(np.minimum(rows.until, part.end), over), low)
        every = np.arange(len(rows.keys))
        part.expected = rows.slots(every, low, high)
        part.stored = np.zeros(len(rows.keys), "i8")
        for (start, end), chosen in alike(low, high):
            counts = await self._historian.received(rows.keys[chosen], start, end)
            part.stored[chosen] = counts.received

    async def _explain(self, part: Piece, rows: Rows, gaps: Sequence[GapRow]) -> None:
        """Count what gap records account for; what is stored inside a gap needs no account."""
        lacks = part.expected > part.stored
        part.unexplained = np.where(lacks, part.expected - part.stored, 0)
        short = set(rows.device[lacks].tolist())
        spans: dict[tuple[int, int, str], list[int]] = defaultdict(list)
        number = {code: n for n, code in enumerate(rows.devices)}
        for device, first, last, cause in apart(gaps, number):
            start, end = max(first, part.start), min(last + 1, part.end)
            if start < end and device in short:
                spans[start, end, cause].append(device)
        of_device = rows_by_device(rows) if spans else {}
        for (start, end, cause), devices in spans.items():
            chosen = np.concatenate([of_device.get(d, np.zeros(0, "i8")) for d in devices])
            low = np.maximum(rows.since[chosen], start)
            high = np.minimum(rows.until[chosen], end)
            counts = await self._historian.received(rows.keys[chosen], start, end)
            missing = np.maximum(rows.slots(chosen, low, high) - counts.received, 0)
            missing = np.minimum(missing, part.unexplained[chosen])
            part.unexplained[chosen] -= missing
            part.causes[cause] += int(missing.sum())
        silent = rows.reports & (part.unexplained > 0)
        if silent.any():
            part.causes[NOT_REPORTED] += int(part.unexplained[silent].sum())
            part.unexplained[silent] = 0

    async def _listed(
        self, parts: list[Piece], rows: Rows, ledger: Ledger
    ) -> AsyncIterator[dict[str, Any]]:
        """Give the points with unexplained samples, each with its missing spans."""
        room = document.MOST_LISTED
        for part in parts:
            chosen = np.flatnonzero(part.unexplained)[:room].tolist()
            room -= len(chosen)
            if not chosen:
                continue
            found = await self._historian.raw(
                rows.keys[chosen], part.start, part.end, limit=_MOST_ROWS
            )
            for row in chosen:
                key, period = int(rows.keys[row]), int(rows.periods[row])
                low = max(int(rows.since[row]), part.start)
                wanted = np.arange(-(-low // period) * period, part.end, period)
                missing = np.setdiff1d(wanted, found.slots[found.keys == key])
                spans = [
                    [document.text(first), document.text(last)]
                    for first, last in runs(missing.tolist(), period)
                ]
                yield {
                    "point": ledger.by_key[key].code,
                    "device": rows.devices[int(rows.device[row])],
                    "date": part.date,
                    "unexplained": int(part.unexplained[row]),
                    "spans": spans[:_MOST_SPANS],
                }
