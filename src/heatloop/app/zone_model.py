"""What the customer zone knows: the records of the feed, and a world built from them.

Everything lies in memory and is written down, sealed, together with how far the feed was taken,
so that a restart goes on where it was.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import structlog

from heatloop.app.world import World
from heatloop.app.zone_sections import DIRECTORY, digest, shared_kinds
from heatloop.bridge.feed_frame import SNAPSHOT, Batch
from heatloop.bridge.feed_order import Cursor
from heatloop.bridge.feed_schema import FEED_SCHEMAS, GONE
from heatloop.kernel.canonical import canonical
from heatloop.kernel.clock import ClockState, SharedClock
from heatloop.kernel.errors import InputError
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.plant.asset_kinds import asset_kinds
from heatloop.plant.kinds import point_kinds
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset, Point

_log = structlog.get_logger("heatloop.zones")
_AHEAD_S = 3600.0
_SLACK = 1e-3
_ROW = 17
SHARD = 2048
"""Point keys of one shard of hourly values."""


def ledger_of(records: Iterable[Mapping[str, Any]], version: int) -> Ledger:
    """Return the ledger a directory describes.

    Raises:
        InputError: A thing is of an unknown kind, has no parent here, stands in a circle, or a
            point is of a kind that does not cross or is named twice.
    """
    records = list(records)
    assets = {
        record["code"]: Asset(
            code=record["code"],
            kind=record["sort"],
            zh=record["zh"],
            en=record["en"],
            parent=record["parent"],
            organisation=record["organisation"],
            attributes=dict(record["attributes"]),
        )
        for record in records
        if record["kind"] == "asset"
    }
    for asset in assets.values():
        _check_asset(asset, assets)
    points: dict[str, Point] = {}
    keys: set[int] = set()
    for record in records:
        if record["kind"] != "point":
            continue
        code, key = record["code"], record["key"]
        known = record["sort"] in shared_kinds() and record["asset"] in assets
        if not known or code in points or key in keys:
            raise InputError("a point of the feed is not possible", thing=code)
        keys.add(key)
        points[code] = Point(
            code=code, key=key, asset=record["asset"], kind=record["sort"], n=record["n"]
        )
    return Ledger(
        version=version,
        assets=assets.values(),
        devices=(),
        gateways=(),
        points=points.values(),
        bindings=(),
        keys={code: point.key for code, point in points.items()},
    )


def _check_asset(asset: Asset, assets: Mapping[str, Asset]) -> None:
    seen, at = {asset.code}, asset
    while at.parent:
        if at.parent in seen or at.parent not in assets:
            raise InputError("an asset of the feed hangs in the air", thing=asset.code)
        seen.add(at.parent)
        at = assets[at.parent]
    organisation = asset.organisation
    if asset.kind not in asset_kinds() or (organisation and organisation not in assets):
        raise InputError("an asset of the feed is not possible", thing=asset.code)


class ZoneModel:
    """The customer zone's view of the plant.

    Args:
        clock: Told plant time by the feed.
    """

    def __init__(self, clock: SharedClock) -> None:
        self.world = World(clock, ledger_of((), 0))
        self.clock = clock
        self.held: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in FEED_SCHEMAS}
        """Records by kind, then by what they are about."""
        self.directory = ""
        """Hash of the list of things that is in force; empty: none yet."""
        self.announced = ""
        """Hash of the list of things the control zone works with."""
        self.fed = False
        """Whether a snapshot of the state ever came."""
        self.dropped = 0
        """Values outside their range, never shown."""
        self._flats: dict[str, tuple[str, int]] = {}

    @property
    def current(self) -> bool:
        """Return whether the list of things is the one the control zone works with."""
        return bool(self.directory) and self.directory == self.announced

    def apply(self, batch: Batch) -> Columns:
        """Take a batch in; return hourly values to keep. May run in a thread.

        Raises:
            InputError: The directory it brings is not possible; nothing of it was taken.
        """
        head = batch.head
        sections = set(head.sections) if head.kind == SNAPSHOT else set()
        by_kind: dict[str, list[dict[str, Any]]] = {kind: [] for kind in sections}
        for record in batch.records:
            by_kind.setdefault(record["kind"], []).append(record)
        if sections >= set(DIRECTORY):
            self._install([record for kind in DIRECTORY for record in by_kind.pop(kind, [])])
        for kind in by_kind:
            if kind in DIRECTORY or kind not in self.held:
                continue
            schema = FEED_SCHEMAS[kind]
            if kind in sections:
                self.held[kind] = {}
            held = self.held[kind]
            held.update((schema.key_of(record), record) for record in by_kind[kind])
        for record in by_kind.get(GONE, ()):
            self.held.get(record["of"], {}).pop(record["key"], None)
        self.held[GONE] = {}
        present = self.held["present"].get("")
        self.announced = present["directory"] if present else self.announced
        self.fed = self.fed or "answer" in sections
        self._set_clock(batch)
        self.world.latest.update(self._in_range(batch.points, batch.head.plant_s))
        return self._in_range(batch.hours, batch.head.plant_s)

    def _set_clock(self, batch: Batch) -> None:
        head = batch.head
        self.clock.set(
            ClockState(
                epoch=self.clock.state.epoch + 1,
                origin_machine_s=head.issued_s,
                origin_plant_s=head.plant_s,
                speed=head.speed,
                lockstep=head.speed == 0.0,
            )
        )

    def _install(self, records: list[dict[str, Any]]) -> None:
        found = digest(records)
        if found == self.directory:
            return
        self.world.install(ledger_of(records, self.world.ledger.version + 1))
        for kind in DIRECTORY:
            schema = FEED_SCHEMAS[kind]
            self.held[kind] = {
                schema.key_of(record): record for record in records if record["kind"] == kind
            }
        self._flats = {
            code: (record["building"], at)
            for record in self.held["flats"].values()
            for at, code in enumerate(record["codes"])
        }
        self.directory = found

    def _in_range(self, columns: Columns, plant_s: float) -> Columns:
        """Return the rows whose point is known and whose value can be; others are counted."""
        if not len(columns.keys):
            return columns
        index = self.world.index
        at = index.find(columns.keys)
        known = at >= 0
        low, high = self._ranges()
        spread = np.maximum(np.abs(low), np.abs(high)) * _SLACK
        usable = ~np.isin(columns.quality, (Quality.BAD, Quality.STALE))
        inside = np.zeros(len(at), bool)
        inside[known] = (columns.values[known] >= (low - spread)[at[known]]) & (
            columns.values[known] <= (high + spread)[at[known]]
        )
        possible = (columns.quality <= Quality.ESTIMATED) & (columns.slots <= plant_s + _AHEAD_S)
        good = known & possible & (inside | ~usable)
        self.dropped += int((known & ~good).sum())
        return columns.take(good)

    def _ranges(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        ledger, kinds = self.world.ledger, point_kinds()
        if getattr(self, "_ranged", None) is not ledger:
            points = [ledger.by_key[key] for key in self.world.index.keys.tolist()]
            self._low = np.array([kinds[point.kind].low for point in points])
            self._high = np.array([kinds[point.kind].high for point in points])
            self._ranged = ledger
        return self._low, self._high

    def flat(self, code: str) -> tuple[str, str, str, int] | None:
        """Return (building, door number, position, floor) of a flat, or None."""
        found = self._flats.get(code)
        if found is None:
            return None
        building, at = found
        record = self.held["flats"][building]
        return building, record["rooms"][at], record["positions"][at], record["floors"][at]

    # What is written down and read again.

    def states(self, cursor: Cursor, *, directory: bool) -> dict[str, bytes]:
        """Return what to write down: by name, together or not at all."""
        state = {kind: list(held.values()) for kind, held in self.held.items() if kind != GONE}
        lists = {kind: state.pop(kind) for kind in DIRECTORY}
        clock = self.clock.state
        head = {
            "cursor": [cursor.epoch, cursor.seq, cursor.hash, cursor.issued_s],
            "directory": self.directory,
            "announced": self.announced,
            "fed": self.fed,
            "clock": [clock.origin_machine_s, clock.origin_plant_s, clock.speed],
            "held": state,
        }
        found = {"model": canonical(head), "points": self._packed()}
        if directory:
            found["directory"] = canonical(lists)
        return found

    def _packed(self) -> bytes:
        latest = self.world.latest
        known = latest.slots > 0
        return struct.pack("<I", int(known.sum())) + b"".join(
            (
                latest.index.keys[known].astype("<u4").tobytes(),
                latest.slots[known].astype("<u4").tobytes(),
                latest.values[known].astype("<f8").tobytes(),
                latest.quality[known].tobytes(),
            )
        )

    def restore(self, model: bytes, directory: bytes | None, points: bytes | None) -> Cursor:
        """Take up what was written down; return how far the feed was taken then."""
        doc = json.loads(model)
        if directory is not None:
            lists = json.loads(directory)
            self._install([record for kind in DIRECTORY for record in lists[kind]])
        for kind, records in doc["held"].items():
            schema = FEED_SCHEMAS.get(kind)
            if schema is not None:
                self.held[kind] = {schema.key_of(record): record for record in records}
        self.announced, self.fed = doc["announced"], doc["fed"]
        machine, plant, speed = doc["clock"]
        self.clock.set(
            ClockState(
                epoch=self.clock.state.epoch + 1,
                origin_machine_s=machine,
                origin_plant_s=plant,
                speed=speed,
                lockstep=speed == 0.0,
            )
        )
        if points is not None:
            (n,) = struct.unpack_from("<I", points)
            if len(points) == 4 + n * _ROW:
                self.world.latest.update(
                    Columns(
                        np.frombuffer(points, "<u4", n, 4).astype("u4"),
                        np.frombuffer(points, "<u4", n, 4 + 4 * n).astype("u4"),
                        np.frombuffer(points, "<f8", n, 4 + 8 * n).astype("f8"),
                        np.frombuffer(points, "u1", n, 4 + 16 * n).copy(),
                    )
                )
        epoch, seq, hash_, issued_s = doc["cursor"]
        return Cursor(epoch=epoch, seq=seq, hash=hash_, issued_s=issued_s)


def pack_hours(columns: Columns) -> dict[tuple[int, int], bytes]:
    """Return hourly values by (hour, shard of keys)."""
    shards = columns.keys // SHARD
    found: dict[tuple[int, int], bytes] = {}
    pairs = {(int(h), int(s)) for h, s in zip(columns.slots, shards, strict=True)}
    for hour_s, shard in pairs:
        here = (columns.slots == hour_s) & (shards == shard)
        keys, values = columns.keys[here], columns.values[here]
        found[hour_s, shard] = keys.astype("<u4").tobytes() + values.astype("<f4").tobytes()
    return found


def hour_value(body: bytes, key: int) -> float | None:
    """Return the mean of one point in a packed hour, or None."""
    n = len(body) // 8
    keys = np.frombuffer(body, "<u4", n, 0)
    at = np.flatnonzero(keys == key)
    if not len(at):
        return None
    value = float(np.frombuffer(body, "<f4", n, 4 * n)[at[-1]])
    return value if np.isfinite(value) else None
