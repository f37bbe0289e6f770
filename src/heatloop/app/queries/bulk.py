"""Samples and roll-ups in bulk: selected by meaning or code, streamed, bounded in memory, audited.

Rows come ordered by stretch of time, then key: what is read at once never exceeds some hundred
thousand rows, so a season of a city costs no more memory than an hour of a station.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from heatloop.app.audit import Audit
from heatloop.app.history import AsyncHistorian
from heatloop.app.queries.bulk_export import STEPS_S, Export, Wanted, about, cells
from heatloop.app.queries.bulk_rows import (
    ROLLUP_SCHEMA,
    SAMPLE_SCHEMA,
    Block,
    blocks,
    rollup_batch,
    sample_batch,
)
from heatloop.app.queries.semantic import select
from heatloop.app.refusals import Refused
from heatloop.app.setting_sections import CompanySettings
from heatloop.app.views.bulk import BulkPlan
from heatloop.app.world import World
from heatloop.plant.model import Point
from heatloop.security.access import Principal
from heatloop.store.bulk_arrow import BulkWriter
from heatloop.store.tables import XLSX, write_tables

EXCEL_ROWS = 100_000
"""Most rows of a workbook, which is made in memory."""
_LONGEST_S = 20 * 366 * 86400
_READ_ROWS = 400_000
_MOST_AT_ONCE = 2
_NAMED = 20

ExportGuard = Callable[[Principal, Sequence[Point], str], Awaitable[Mapping[str, str]]]
"""Given who, which points and what for, returns labels (class, level, owner ..) that go into the
export, or raises `Refused` when it may not be made."""


async def no_labels(_: Principal, __: Sequence[Point], ___: str) -> Mapping[str, str]:
    """Let everybody export what he may see, without labels."""
    return {}


class Bulk:
    """Makes exports.

    Args:
        world: The present.
        historian: Time series.
        audit: Every export is written down before its first byte.
        company: Says whether the plant is a demonstration.
        guard: Gives labels or refuses; see `ExportGuard`.
    """

    def __init__(
        self,
        world: World,
        historian: AsyncHistorian,
        audit: Audit,
        company: CompanySettings,
        guard: ExportGuard = no_labels,
    ) -> None:
        self._world, self._historian, self._audit = world, historian, audit
        self._company = company
        self.guard = guard
        self._room = asyncio.Semaphore(_MOST_AT_ONCE)

    async def prepare(self, by: Principal, wanted: Wanted) -> Export:
        """Return the export if it may be made.

        Raises:
            Refused: Nothing was found, the range is not valid, the format cannot hold it, or the
                guard refuses.
        """
        start, end = int(max(wanted.start_s, 0)), int(min(wanted.end_s, 2**32 - 1))
        if end <= start or end - start > _LONGEST_S:
            raise Refused("range_invalid", detail=f"{end - start} s", place="start, end")
        found = await asyncio.to_thread(select, self._world, by.scope, wanted.selection)
        points = sorted(found.points, key=lambda point: point.key)
        if not points:
            raise Refused("not_found", thing="points", detail="没有符合条件的测点 no point fits")
        labels = dict(await self.guard(by, points, wanted.kind))
        return Export(
            wanted=wanted, points=points, start_s=start, end_s=end, labels=labels, user=by.user
        )

    def plan(self, export: Export) -> BulkPlan:
        """Return what an export would hold."""
        return BulkPlan(
            points=len(export.points),
            expected_rows=export.expected_rows,
            rows_limit=EXCEL_ROWS if export.wanted.kind == XLSX else None,
            labels=dict(export.labels),
        )

    async def announce(self, export: Export) -> None:
        """Write down that the export is made; call it before its first byte goes out."""
        await self._written(export, "bulk.export", expected_rows=export.expected_rows)

    async def stream(self, export: Export) -> AsyncIterator[bytes]:
        """Yield the bytes of an export; what went out is written down after the last."""
        rows = size = 0
        async with self._room:
            schema = self._schema(export)
            writer = BulkWriter(export.wanted.kind, schema, compressed=export.wanted.compressed)
            async for batch in self._batches(export, schema):
                rows += batch.num_rows
                piece = await asyncio.to_thread(writer.add, batch)
                size += len(piece)
                if piece:
                    yield piece
            last = await asyncio.to_thread(writer.end)
        await self._written(export, "bulk.exported", rows=rows, bytes=size + len(last))
        yield last

    async def workbook(self, export: Export) -> bytes:
        """Return an export as a workbook with a sheet of rows and one about them.

        Raises:
            Refused: It has too many rows for a workbook.
        """
        most = f"> {EXCEL_ROWS}; csv | parquet | arrow"
        if export.expected_rows > 4 * EXCEL_ROWS:
            raise Refused("too_large", detail=most)
        rows: list[dict[str, Any]] = []
        async with self._room:
            schema = self._schema(export)
            async for batch in self._batches(export, schema):
                if len(rows) + batch.num_rows > EXCEL_ROWS:
                    raise Refused("too_large", detail=most)
                rows += batch.to_pylist()
            facts = about(export, self._world, self._company)
            told = [
                {"name": name, "value": fact if isinstance(fact, str) else _json(fact)}
                for name, fact in facts.items()
            ]
            sheets = {"data": [cells(row) for row in rows], "about": told}
            body = await asyncio.to_thread(write_tables, sheets, XLSX)
        await self._written(export, "bulk.exported", rows=len(rows), bytes=len(body))
        return body

    async def _written(self, export: Export, action: str, **more: int) -> None:
        codes = [point.code for point in export.points[:_NAMED]]
        await self._audit.add(
            export.user,
            action,
            export.wanted.step or "samples",
            points=len(export.points),
            first=codes,
            start=export.start_s,
            end=export.end_s,
            format=export.wanted.kind,
            labels=dict(export.labels),
            **more,
        )

    def _schema(self, export: Export) -> pa.Schema:
        schema = ROLLUP_SCHEMA if export.wanted.step else SAMPLE_SCHEMA
        facts = _json(about(export, self._world, self._company))
        return schema.with_metadata({b"heatloop": facts.encode()})

    async def _batches(self, export: Export, schema: pa.Schema) -> AsyncIterator[pa.RecordBatch]:
        """Yield the rows; the next are read while these are written."""
        step_s = STEPS_S.get(export.wanted.step, 0)
        plan = blocks(export.points, export.start_s, export.end_s, step_s, _READ_ROWS)
        ahead: asyncio.Task[list[pa.RecordBatch]] | None = None
        try:
            for block in plan:
                following = asyncio.create_task(self._read(block, step_s, schema))
                if ahead is not None:
                    for batch in await ahead:
                        yield batch
                ahead = following
            if ahead is not None:
                for batch in await ahead:
                    yield batch
                ahead = None
        finally:
            if ahead is not None:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)

    async def _read(self, block: Block, step_s: int, schema: pa.Schema) -> list[pa.RecordBatch]:
        if step_s:
            rows = await self._historian.rollup(block.keys, block.start_s, block.end_s, step_s)
            if not len(rows):
                return []
            return [await asyncio.to_thread(rollup_batch, rows, block, schema)]
        out = []
        keys, start_s = block.keys, block.start_s
        while len(keys):
            part = await self._historian.raw(keys, start_s, block.end_s, 2 * _READ_ROWS)
            if len(part.keys):
                out.append(await asyncio.to_thread(sample_batch, part, block, schema))
            if len(part.keys) < 2 * _READ_ROWS:
                break
            # More than planned for: go on behind the last row, first inside its point.
            last, slot = part.keys[-1], int(part.slots[-1])
            if start_s <= slot + 1 < block.end_s:
                rest = await self._historian.raw(
                    keys[keys == last], slot + 1, block.end_s, 2 * _READ_ROWS
                )
                if len(rest.keys):
                    out.append(await asyncio.to_thread(sample_batch, rest, block, schema))
            keys = keys[keys > last]
        return out


def _json(fact: Any) -> str:
    return json.dumps(fact, ensure_ascii=False)
