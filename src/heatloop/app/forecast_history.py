"""What is forecast, and its past as the historian has it: bad samples never get into it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.app.history import AsyncHistorian
from heatloop.app.world import World
from heatloop.store.historian.port import HOUR_S, MAX_ROLLUP_ROWS, RollupColumns

HEAT, ROOM, SUPPLY = "heat_kw", "room_c", "supply_c"
SOURCE, SUBSTATION, BUILDING = "source", "substation", "building"
FIELDS = ("mean", "count", "good_count", "bad_count", "stale_count")
_LEAST_GOOD = 0.5
_ROWS_AT_ONCE = MAX_ROLLUP_ROWS // 4
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """Something that is forecast."""

    code: str
    """Asset code."""
    kind: str
    """`source`, `substation` or `building`."""
    quantity: str
    """`heat_kw` or `room_c`."""
    keys: tuple[int, ...]
    """Points it is made of: heat is their sum, room temperature their mean."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Past:
    """The past of some subjects on one grid of time."""

    times_s: NDArray[np.int64]
    """Start of each step, plant time, shape (n,)."""
    values: Floats
    """Means of the steps, shape (n, n_subject); nan where nothing good is known."""


def subjects_of(world: World, *, rooms: bool = True) -> list[Subject]:
    """Return what can be forecast of the ledger in force: sources, substations, buildings."""
    layout = world.layout
    found = [
        Subject(code=code, kind=SOURCE, quantity=HEAT, keys=(node.keys["source_heat_power"],))
        for code, node in layout.sources.items()
        if "source_heat_power" in node.keys
    ]
    for code, station in layout.stations.items():
        own = station.node.keys.get("primary_heat_power")
        units = [unit.keys.get("secondary_heat_power") for unit in station.units]
        below = tuple(key for key in units if key is not None)
        if own is not None:
            keys: tuple[int, ...] = (own,)
        elif below and len(below) == len(units):
            keys = below
        else:
            continue  # Not all of its heat is measured.
        found.append(Subject(code=code, kind=SUBSTATION, quantity=HEAT, keys=keys))
    if not rooms:
        return found
    for asset in world.ledger.of_kind("building"):
        at = layout.rooms_of.get(asset.code)
        if at is not None and len(at):
            keys = tuple(int(key) for key in world.index.keys[at])
            found.append(Subject(code=asset.code, kind=BUILDING, quantity=ROOM, keys=keys))
    return found


async def past_of(
    historian: AsyncHistorian,
    subjects: Sequence[Subject],
    start_s: int,
    end_s: int,
    step_s: int = HOUR_S,
) -> Past:
    """Return the past of subjects in [start, end) from roll-ups.

    A window counts when at least half of its samples were good; a sum only when all its parts do.

    Args:
        historian: Where it is kept.
        subjects: Of what.
        start_s: First step, a multiple of `step_s`.
        end_s: End.
        step_s: Length of the windows of the historian: 600 or 3600.
    """
    times = np.arange(start_s, end_s, step_s, dtype="i8")
    values = np.full((len(times), len(subjects)), np.nan)
    per_key = max(len(times), 1)
    batch: list[int] = []
    size = 0
    for index, subject in enumerate(subjects):
        size += len(subject.keys) * per_key
        batch.append(index)
        if size >= _ROWS_AT_ONCE or index == len(subjects) - 1:
            keys = sorted({key for each in batch for key in subjects[each].keys})
            rows = await historian.rollup(
                np.asarray(keys, "u4"), start_s, end_s, step_s, fields=FIELDS
            )
            await asyncio.to_thread(_fill, values, subjects, batch, keys, rows, start_s, step_s)
            batch, size = [], 0
    return Past(times_s=times, values=values)


def _fill(
    values: Floats,
    subjects: Sequence[Subject],
    batch: Sequence[int],
    keys: Sequence[int],
    rows: RollupColumns,
    start_s: int,
    step_s: int,
) -> None:
    table = table_of(rows, keys, start_s, len(values), step_s)
    place = {key: at for at, key in enumerate(keys)}
    for index in batch:
        subject = subjects[index]
        mine = table[:, [place[key] for key in subject.keys]]
        if subject.quantity == HEAT:
            values[:, index] = mine.sum(axis=1)
        else:
            known = np.isfinite(mine)
            count = known.sum(axis=1)
            total = np.where(known, mine, 0.0).sum(axis=1)
            values[:, index] = np.where(count > 0, total / np.maximum(count, 1), np.nan)


def table_of(
    rows: RollupColumns, keys: Sequence[int], start_s: int, steps: int, step_s: int
) -> Floats:
    """Return means by step and key, shape (steps, n_key); nan where a window is not good enough."""
    table = np.full((steps, len(keys)), np.nan)
    whole = rows.count + rows.bad_count + rows.stale_count
    good = (rows.count > 0) & (rows.good_count >= _LEAST_GOOD * whole)
    at = (rows.slots.astype("i8") - start_s) // step_s
    inside = good & (at >= 0) & (at < steps)
    columns = np.searchsorted(np.asarray(keys, "u4"), rows.keys[inside])
    table[at[inside], columns] = rows.mean[inside]
    return table
