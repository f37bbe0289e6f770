"""A paired control and customer zone, and batches between them, for the tests of the feed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from heatloop.app.zone_keys import ZoneKeys, admit, join, load_zone_keys, offer
from heatloop.bridge.feed_frame import (
    DELTA,
    FEED,
    GENESIS,
    Batch,
    Head,
    batch_hash,
    make_batch,
    open_batch,
)
from heatloop.kernel.series import Columns

NOW_S = 1_800_000_000.0
EPOCH = "00112233445566ff"


def pair(folder: Path, suite: str = "international") -> tuple[ZoneKeys, ZoneKeys]:
    """Return the keys of (control, customer) after the three steps of pairing."""
    control, customer = folder / "control", folder / "customer"
    for each in (control, customer):
        each.mkdir(parents=True, exist_ok=True)
    out, answer = folder / "offer.json", folder / "answer.json"
    offer(control, out, suite=suite)
    join(customer, out, answer, suite=suite)
    admit(control, answer)
    return load_zone_keys(control, suite), load_zone_keys(customer, suite)


def columns(**rows: tuple[int, float]) -> Columns:
    """Return columns of (slot, value) by k<key>."""
    keys = [int(name[1:]) for name in rows]
    return Columns(
        np.array(keys, "u4"),
        np.array([slot for slot, _ in rows.values()], "u4"),
        np.array([value for _, value in rows.values()], "f8"),
        np.zeros(len(keys), "u1"),
    )


class Stream:
    """Makes the batches of one stream, each naming the one before."""

    def __init__(self, keys: ZoneKeys, stream: str = FEED, epoch: str = EPOCH) -> None:
        self.keys, self.stream, self.epoch = keys, stream, epoch
        self.seq, self.previous = 0, GENESIS

    def next(
        self,
        records: Sequence[dict[str, Any]] = (),
        *,
        kind: str = DELTA,
        at: float = NOW_S,
        plant_s: float = NOW_S,
        speed: float = 1.0,
        sections: tuple[str, ...] = (),
        points: Columns | None = None,
        hours: Columns | None = None,
        **changed: Any,
    ) -> bytes:
        """Return the next batch; `changed` replaces fields of its head."""
        fields = {
            "stream": self.stream,
            "epoch": self.epoch,
            "seq": self.seq + 1,
            "kind": kind,
            "previous": self.previous,
            "issued_s": at,
            "plant_s": plant_s,
            "speed": speed,
            "sections": sections,
        }
        head = Head(**{**fields, **changed})
        blob = make_batch(
            head,
            records,
            signer=self.keys.signing,
            seal_key=self.keys.seal_key,
            suite=self.keys.suite,
            points=points,
            hours=hours,
        )
        self.seq, self.previous = head.seq, batch_hash(blob)
        return blob


def opened(blob: bytes, keys: ZoneKeys, stream: str = FEED) -> Batch:
    """Open a batch with the keys of the receiving zone."""
    return open_batch(blob, stream, keys.ring(), keys.seal_keys)


def answer(building: str = "BD0001", **changed: Any) -> dict[str, Any]:
    """Return the answer of a building."""
    from heatloop.network.cooling import fall
    from heatloop.network.cooling_hours import HOURS

    return {
        "kind": "answer",
        "building": building,
        "at_s": NOW_S,
        "room_c": 20.5,
        "basis": "measured",
        "rooms": 2,
        "supply_c": 52.0,
        "outdoor_c": -10.0,
        "cause": "normal",
        "fall": list(fall(40)),
        "hours": list(HOURS),
        **changed,
    }
