"""Where the values of a point come from: raw samples, marks, repairs, roll-ups, model inputs."""

from __future__ import annotations

import asyncio
from collections import Counter

import numpy as np

from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.lineage_samples import below, known, revisions_of, samples_of
from heatloop.app.platform import Platform
from heatloop.app.queries.samples import checked_range
from heatloop.app.refusals import Refused
from heatloop.app.twin_readings import READ
from heatloop.app.views.lineage import (
    Lineage,
    LineageBinding,
    LineagePoint,
    LineageReception,
    LineageWindow,
    QualityCount,
)
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.quality import Quality
from heatloop.kernel.scope import Scope
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Point
from heatloop.store.historian.port import STEPS_S, Keys, Origin
from heatloop.store.records import Records
from heatloop.store.records.quality import HANDLED, CaseRow

_LONGEST_S = 31 * 86400
_MOST_ROWS = 200_000
_MOST_INPUTS = 500
_MOST_WINDOWS = 500
_LEAK = ("water_loss_flow", "water_loss_excess", "leak_detectable_flow", "leak_state")
_LEAK_READS = {
    "company": ("source_makeup_flow", "source_flow", "source_return_pressure",
                "source_supply_temperature", "source_return_temperature"),
    "isolation_station": ("makeup_flow", "secondary_flow", "secondary_return_pressure",
                          "secondary_supply_temperature", "secondary_return_temperature"),
}  # fmt: skip
_UNCHANGED = "none"


class Lineages:
    """Follows numbers back."""

    def __init__(self, world: World, records: Records, historian: AsyncHistorian) -> None:
        self._world, self._records, self._historian = world, records, historian

    @classmethod
    def of(cls, platform: Platform) -> Lineages:
        """Return the lineages of a platform."""
        return cls(platform.world, platform.records, platform.historian)

    async def of_point(
        self, scope: Scope, code: str, start: float, end: float, most: int
    ) -> Lineage:
        """Return where a point's values in a span come from.

        Raises:
            Refused: There is no such point inside the scope, or the span is not valid.
        """
        point = self._world.point(scope, code)
        start_s, end_s = checked_range(start, end)
        if end_s - start_s > _LONGEST_S:
            raise Refused("range_invalid", detail="31 d", place="start, end")
        columns = await self._historian.raw([point.key], start_s, end_s, _MOST_ROWS)
        cases = await self._cases(point, start_s, end_s)
        found = await self._historian.trace([point.key], start_s, end_s, _MOST_ROWS)
        under = await asyncio.to_thread(below, found)
        revisions, at = revisions_of(under, cases)
        computed_by, inputs = self._inputs(scope, point)
        bindings = self._bindings(point)
        gateways = list(dict.fromkeys(binding.gateway for binding in bindings))
        return Lineage(
            point=line_of(point, "measured" if computed_by is None else "counted"),
            start=utc(start_s),
            end=utc(end_s),
            ledger_version=self._world.ledger.version,
            profile_version=await self._profile(gateways),
            computed_by=computed_by,
            inputs=inputs[:_MOST_INPUTS],
            inputs_total=len(inputs),
            bindings=bindings,
            receptions=await self._receptions(gateways),
            samples=samples_of(columns, under, at, most),
            samples_total=len(columns.keys),
            raw_kept=len(under.measured.keys) > 0 or not len(columns.keys),
            qualities=[
                QualityCount(quality=Quality(code).name.lower(), samples=n)
                for code, n in sorted(Counter(columns.quality.tolist()).items())
            ],
            revisions=revisions,
            windows=await self._windows(point.key, start_s, end_s),
        )

    async def _cases(self, point: Point, start_s: int, end_s: int) -> list[CaseRow]:
        _, rows = await in_thread(
            self._records.quality.list, point=point.code, state=HANDLED, limit=1000
        )
        return [
            row
            for row in rows
            if row.corrected and row.start_s < end_s and row.end_s >= start_s
            if row.correction != _UNCHANGED
        ]

    def _bindings(self, point: Point) -> list[LineageBinding]:
        ledger = self._world.ledger
        found = []
        for each in sorted(
            (b for b in ledger.bindings if b.key == point.key), key=lambda b: b.since
        ):
            device = ledger.devices[each.device]
            found.append(
                LineageBinding(
                    since=utc(each.since),
                    device=device.code,
                    gateway=device.gateway,
                    protocol=device.protocol,
                    profile=device.profile,
                    register=each.register,
                    source=each.source,
                    dtype=each.dtype,
                    factor=each.factor,
                    offset=each.offset,
                    period_s=each.period_s,
                )
            )
        return found

    async def _profile(self, gateways: list[str]) -> int | None:
        rows = await in_thread(lambda: {r.code: r for r in self._records.gateways.list()})
        known = [rows[code].profile_version for code in gateways if code in rows]
        return known[-1] if known else None

    async def _receptions(self, gateways: list[str]) -> list[LineageReception]:
        found: list[LineageReception] = []
        for code in gateways:
            rows = await in_thread(self._records.gateways.epochs, code)
            found += [
                LineageReception(
                    gateway=code, epoch=f"{row.epoch:016x}", through=row.through, at=utc(row.at)
                )
                for row in rows
            ]
        return found

    def _inputs(self, scope: Scope, point: Point) -> tuple[str | None, list[LineagePoint]]:
        """Return what computes a point and from which points inside the scope."""
        ledger = self._world.ledger
        if point.kind.startswith("twin_"):
            reads = READ
            name, role = "twin", "twin_input"
        elif point.kind in _LEAK:
            own = ledger.assets[point.asset]
            kinds = _LEAK_READS.get(own.kind, ())
            reads = {"heat_source" if own.kind == "company" else own.kind: kinds}
            name, role = "leak_watch", "balance_input"
        else:
            return None, []
        found: list[LineagePoint] = []
        for kind, wanted in reads.items():
            for asset in ledger.of_kind(kind):
                if name == "leak_watch" and kind != "heat_source" and asset.code != point.asset:
                    continue
                if not self._world.sees(scope, asset.code):
                    continue
                first = {p.kind: p for p in reversed(ledger.points_of(asset.code))}
                found += [line_of(first[k], role) for k in wanted if k in first]
        return name, found

    async def _windows(self, key: int, start_s: int, end_s: int) -> list[LineageWindow]:
        keys: Keys = np.array([key], "u4")
        found: list[LineageWindow] = []
        for step in STEPS_S:
            if (end_s - start_s) // step > _MOST_WINDOWS:
                continue
            # The windows that hold the samples begin before the span does.
            rows = await self._historian.rollup(keys, max(start_s - step + 1, 0), end_s, step)
            found += [
                LineageWindow(
                    start=utc(int(rows.slots[at])),
                    step_s=step,
                    samples=int(rows.count[at]),
                    good=int(rows.good_count[at]),
                    mean=known(rows.mean[at]),
                    last=known(rows.last[at]),
                    origin=Origin(int(rows.origin[at])).name.lower(),
                )
                for at in range(len(rows))
            ]
        return found


def line_of(point: Point, role: str) -> LineagePoint:
    """Return a point as lineage shows it."""
    kind = point_kinds()[point.kind]
    return LineagePoint(
        point=point.code,
        asset=point.asset,
        kind=point.kind,
        zh=kind.zh,
        en=kind.en,
        unit=kind.unit,
        role=role,
    )
