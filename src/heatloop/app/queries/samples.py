"""Stored samples in bulk, streamed as Arrow record batches."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heatloop.app.governance import Governance
from heatloop.app.governance_purpose import purpose_named
from heatloop.app.history import AsyncHistorian
from heatloop.app.refusals import Refused
from heatloop.app.world import World
from heatloop.kernel.scope import Scope
from heatloop.kernel.series import Columns
from heatloop.security.access import Principal
from heatloop.store.bulk_arrow import ByteSink

_LONGEST_S = 400 * 86400
_ROWS_A_READ = 200_000
_KEYS_A_READ = 500
SCHEMA = pa.schema(
    [("key", pa.uint32()), ("slot", pa.uint32()), ("value", pa.float64()), ("quality", pa.uint8())]
)


def checked_range(start_s: float, end_s: float) -> tuple[int, int]:
    """Return a time range in whole seconds.

    Raises:
        Refused: It ends before it starts, or is longer than 400 days.
    """
    start, end = int(max(start_s, 0)), int(min(end_s, 2**32 - 1))
    if end <= start or end - start > _LONGEST_S:
        raise Refused("range_invalid", detail=f"{end - start} s", place="start, end")
    return start, end


def keys_asked(
    world: World, scope: Scope, *, codes: list[str], asset: str, everything: bool
) -> NDArray[np.uint32]:
    """Return the sorted keys of named points, of an asset and all below it, or of everything.

    Raises:
        Refused: Nothing was asked for, or something is not inside the scope.
    """
    if everything:
        return world.index.keys[world.mask_in(scope)]
    if not codes and not asset:
        raise Refused("invalid", place="points", detail="give points, asset or all=true")
    keys = {world.point(scope, code).key for code in codes}
    if asset:
        top = world.asset(scope, asset)
        for each in (top, *world.ledger.below(top.code)):
            if world.sees(scope, each.code):
                keys.update(point.key for point in world.ledger.points_of(each.code))
    return np.asarray(sorted(keys), "u4")


async def released(
    door: Governance, by: Principal, keys: NDArray[np.uint32], *, everything: bool
) -> NDArray[np.uint32]:
    """Return the keys of those points whose values may be taken out; the export is audited.

    Args:
        door: The door for exports.
        by: Who asks.
        keys: Points asked for.
        everything: Whether what is not for him is left out; else it is refused.

    Raises:
        Forbidden: Roles, label, purpose or the missing ticket do not let a named point out.
    """
    by_key = door.world.ledger.by_key
    points = [by_key[key] for key in keys.tolist()]
    if everything:
        points = await door.narrowed(by, points)
        keys = np.asarray(sorted(point.key for point in points), "u4")
    if points:
        await door.release(by, purpose=purpose_named(), what="samples", points=points)
    return keys


def _record_batch(columns: Columns) -> pa.RecordBatch:
    return pa.record_batch([pa.array(column) for column in columns], schema=SCHEMA)


async def arrow_stream(
    historian: AsyncHistorian, keys: NDArray[np.uint32], start_s: int, end_s: int
) -> AsyncIterator[bytes]:
    """Yield an Arrow stream of (key, slot, value, quality), ordered by (key group, key, slot).

    Reads a bounded number of rows at a time, so a season of a city costs no more memory than
    an hour of a station.
    """
    sink = ByteSink()
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), SCHEMA) as writer:
        for first in range(0, len(keys), _KEYS_A_READ):
            async for part in _read(historian, keys[first : first + _KEYS_A_READ], start_s, end_s):
                writer.write_batch(_record_batch(part))
                yield sink.take()
    yield sink.take()


async def _read(
    historian: AsyncHistorian, keys: NDArray[np.uint32], start_s: int, end_s: int
) -> AsyncIterator[Columns]:
    while len(keys):
        part = await historian.raw(keys, start_s, end_s, _ROWS_A_READ)
        if len(part.keys) < _ROWS_A_READ:
            if len(part.keys):
                yield part
            return
        # The last key may be cut: keep whole keys, or go on inside it when it fills the read.
        last = part.keys[-1]
        whole = part.keys != last
        if whole.any():
            yield part.take(whole)
            keys = keys[keys >= last]
        else:
            yield part
            start_inside = int(part.slots[-1]) + 1
            async for rest in _read(historian, keys[keys == last], start_inside, end_s):
                yield rest
            keys = keys[keys > last]
