"""What the city's devices truly answered, held against what the platform gives back.

The devices' own logs are the truth: `answers.bin` has every read as it went out on the
wire, `reports.bin` every room report that was acknowledged. Nothing here asks the edge.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heatloop.demo.devices.collectors import ROOM_PROFILES
from heatloop.demo.held import held, speaks_modbus
from heatloop.demo.logs import NOT_MEASURED, REPORT, ReportState, read_answers
from heatloop.kernel.series import Columns
from heatloop.plant.field_protocols import protocol
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Binding
from heatloop.protocols.room_report import report_slot

_DTYPES = {"int16": ">i2", "uint16": ">u2", "int32": ">i4", "uint32": ">u4", "float32": ">f4"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Produced:
    """Everything the devices gave, sorted by (key, slot); arrays of one length (n_row,).

    A point may have been read several times within a slot: then it has several rows.
    """

    keys: NDArray[np.uint32]
    """Point keys."""
    slots: NDArray[np.uint32]
    """Plant seconds since 1970 UTC."""
    values: NDArray[np.float64]
    """In the point's unit."""
    owed: NDArray[np.bool_]
    """Whether it must be stored: every answered read, and every acknowledged report. A report
    that was sent and whose acknowledgement was lost may be stored."""
    held: NDArray[np.uint32]
    """Keys of all points any device holds, shape (n_held,): what the platform works out itself is
    no device's to account for."""

    def take(self, index: NDArray[np.bool_] | NDArray[np.intp]) -> Produced:
        """Return the rows picked by a mask or an index."""
        return Produced(
            keys=self.keys[index],
            slots=self.slots[index],
            values=self.values[index],
            owed=self.owed[index],
            held=self.held,
        )

    def ids(self) -> NDArray[np.uint64]:
        """Return one number per (key, slot)."""
        return _ids(self.keys, self.slots)


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """How what is stored compares with what was produced."""

    produced: int
    """Distinct (point, slot) the devices gave and had acknowledged."""
    stored: int
    """Of those, how many are stored."""
    missing: int
    """Given by a device, not stored."""
    wrong: int
    """Stored with a value the device never gave in that slot."""
    duplicates: int
    """Rows more than one for a (point, slot)."""
    invented: int
    """Stored for a slot in which no device gave that point."""
    missing_ids: NDArray[np.uint64]
    """(key << 32 | slot) of what is missing."""


def _ids(keys: NDArray[np.uint32], slots: NDArray[np.uint32]) -> NDArray[np.uint64]:
    return (keys.astype(np.uint64) << np.uint64(32)) | slots.astype(np.uint64)


def _blocks(
    path: Path,
) -> dict[tuple[int, int, int], tuple[NDArray[np.uint32], NDArray[np.uint8]]]:
    """Return (device, start, count) -> plant seconds (n,), bytes as sent (n, 2 * count)."""
    found: dict[tuple[int, int, int], tuple[list[int], list[bytes]]] = defaultdict(lambda: ([], []))
    for plant_s, device, start, words in read_answers(path):
        times, parts = found[device, start, len(words) // 2]
        times.append(plant_s)
        parts.append(words)
    return {
        block: (
            np.array(times, "u4"),
            np.frombuffer(b"".join(parts), "u1").reshape(len(times), 2 * block[2]),
        )
        for block, (times, parts) in found.items()
    }


def _decode(binding: Binding, raw: NDArray[np.uint8], word_order: str) -> NDArray[np.float64]:
    """Return values of one binding from its own bytes, shape (n, 2 * words)."""
    if raw.shape[1] == 4:
        raw = raw[:, ["ABCD".index(letter) for letter in word_order]]
    numbers = np.ascontiguousarray(raw).view(_DTYPES[binding.dtype])[:, 0].astype(np.float64)
    return numbers * binding.factor + binding.offset


def produced(ledger: Ledger, folder: Path, start_s: int = 0, end_s: int = 1 << 32) -> Produced:
    """Return what the devices gave in [start_s, end_s), from the logs in the city's folder.

    Args:
        ledger: Where each point stands in each device; device numbers follow its code order.
        folder: The city's folder.
        start_s: First plant second.
        end_s: Plant second after the last.
    """
    polled = [d for d in ledger.devices.values() if not protocol(d.protocol).reports]
    keys: list[NDArray[np.uint32]] = []
    slots: list[NDArray[np.uint32]] = []
    values: list[NDArray[np.float64]] = []
    for (number, start, count), (times, raw) in _blocks(folder / "answers.bin").items():
        device = polled[number]
        for outside in ledger.bindings_of_device(device.code):
            binding = held(device, outside)
            first = binding.register - start
            if first < 0 or first + binding.words > count:
                continue
            keys.append(np.full(len(times), binding.key, "u4"))
            slots.append(times - times % np.uint32(binding.period_s))
            part = raw[:, 2 * first : 2 * (first + binding.words)]
            order = device.word_order if speaks_modbus(device) else "ABCD"
            values.append(_decode(binding, part, order))
    answered = sum(len(part) for part in keys)
    reported, acknowledged = _reports(ledger, folder / "reports.bin")
    keys.append(reported.keys)
    slots.append(reported.slots)
    values.append(reported.values)
    given = Produced(
        keys=np.concatenate(keys),
        slots=np.concatenate(slots),
        values=np.concatenate(values),
        owed=np.concatenate((np.ones(answered, bool), acknowledged)),
        held=np.array([b.key for d in ledger.devices for b in ledger.bindings_of_device(d)], "u4"),
    )
    given = given.take((given.slots >= start_s) & (given.slots < end_s))
    return given.take(np.lexsort((given.slots, given.keys)))


def _reports(ledger: Ledger, path: Path) -> tuple[Columns, NDArray[np.bool_]]:
    """Return the fields of every report that was sent, and whether it was acknowledged."""
    collectors = [d for d in ledger.devices.values() if d.profile in ROOM_PROFILES]
    data = path.read_bytes() if path.exists() else b""
    sent: dict[bytes, bool] = {}
    for at in range(0, len(data) - REPORT.size + 1, REPORT.size):
        record = data[at + 1 : at + REPORT.size]
        sent[record] = sent.get(record, False) or data[at] == ReportState.ACKNOWLEDGED
    rows: list[tuple[int, int, float, bool]] = []
    for record, acknowledged in sent.items():
        _, collector, at_s, _, *fields = REPORT.unpack(b"\0" + record)
        for binding in ledger.bindings_of_device(collectors[collector].code):
            number = fields[binding.register]
            if number != NOT_MEASURED:
                slot = report_slot(at_s, binding.period_s)
                value = number * binding.factor + binding.offset
                rows.append((binding.key, slot, value, acknowledged))
    if not rows:
        return Columns.empty(), np.empty(0, bool)
    keys, slots, values, known = zip(*rows, strict=True)
    count = len(rows)
    columns = Columns(
        np.array(keys, "u4"), np.array(slots, "u4"), np.array(values, "f8"), np.zeros(count, "u1")
    )
    return columns, np.array(known, bool)


def compare(given: Produced, stored: Columns) -> Comparison:
    """Hold stored rows of the same time range against what was produced."""
    stored = stored.take(np.isin(stored.keys, given.held))
    given_ids, stored_ids = given.ids(), _ids(stored.keys, stored.slots)
    distinct = np.unique(given_ids[given.owed])
    distinct_stored, counts = np.unique(stored_ids, return_counts=True)
    missing = np.setdiff1d(distinct, distinct_stored, assume_unique=True)
    invented = np.setdiff1d(distinct_stored, np.unique(given_ids), assume_unique=True)
    left = np.searchsorted(given_ids, stored_ids, "left")
    times_given = np.searchsorted(given_ids, stored_ids, "right") - left
    right = np.zeros(len(stored_ids), bool)
    # A stored row is right if it equals any answer given for its point and slot.
    for again in range(int(times_given.max(initial=0))):
        row = np.flatnonzero(times_given > again)
        # Wires that carry decimal text or powers of ten may differ in the last binary digit.
        right[row] |= np.isclose(
            given.values[left[row] + again], stored.values[row], rtol=1e-12, atol=1e-9
        )
    return Comparison(
        produced=len(distinct),
        stored=len(distinct) - len(missing),
        missing=len(missing),
        wrong=int((~right & (times_given > 0)).sum()),
        duplicates=int((counts - 1).sum()),
        invented=len(invented),
        missing_ids=missing,
    )
