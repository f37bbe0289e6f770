"""Arrival of devices: what was bought, what was scanned, and every difference (clause 5.3 a)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class PurchaseLine:
    """One line of a purchase list."""

    model: str
    """Model code."""
    count: int
    """Devices bought."""
    parameters: str = ""
    """Parameters agreed, in words."""
    accessories: tuple[str, ...] = ()
    """Accessories that come with each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScannedItem:
    """One device scanned at arrival."""

    serial: str
    """Serial number."""
    model: str
    """Model code on its plate."""
    parameters: str = ""
    """Parameters on its plate; empty: not read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mismatch:
    """One difference between what was bought and what came."""

    kind: str
    """`missing`, `too_many`, `not_ordered`, `twice` or `parameters`."""
    subject: str
    """Model or serial number."""
    zh: str
    """What differs, in Chinese."""
    en: str
    """What differs, in English."""

    def to_dict(self) -> dict[str, str]:
        """Return the mismatch as plain values."""
        return asdict(self)


def compare_arrival(
    bought: Sequence[PurchaseLine], scanned: Sequence[ScannedItem]
) -> list[Mismatch]:
    """Return every difference between a purchase list and what was scanned (5.3 a 1)."""
    found: list[Mismatch] = []
    lines = {line.model: line for line in bought}
    serials: set[str] = set()
    counts: dict[str, int] = {}
    for item in scanned:
        if item.serial in serials:
            found.append(
                Mismatch(
                    kind="twice",
                    subject=item.serial,
                    zh=f"{item.serial} 重复扫描",
                    en=f"{item.serial} was scanned twice",
                )
            )
            continue
        serials.add(item.serial)
        line = lines.get(item.model)
        if line is None:
            found.append(
                Mismatch(
                    kind="not_ordered",
                    subject=item.serial,
                    zh=f"{item.serial} 型号 {item.model} 不在采购清单内",
                    en=f"{item.serial}: model {item.model} was not ordered",
                )
            )
            continue
        counts[item.model] = counts.get(item.model, 0) + 1
        if line.parameters and item.parameters and line.parameters != item.parameters:
            found.append(
                Mismatch(
                    kind="parameters",
                    subject=item.serial,
                    zh=f"{item.serial} 参数 {item.parameters} 与 {line.parameters} 不符",
                    en=f"{item.serial}: parameters {item.parameters} are not {line.parameters}",
                )
            )
    for line in bought:
        have = counts.get(line.model, 0)
        if have != line.count:
            kind = "missing" if have < line.count else "too_many"
            found.append(
                Mismatch(
                    kind=kind,
                    subject=line.model,
                    zh=f"{line.model} 应到 {line.count} 台，实到 {have} 台",
                    en=f"{line.model}: {line.count} ordered, {have} came",
                )
            )
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """What the receipt form says of one device."""

    mismatches: tuple[Mismatch, ...]
    """Differences of its delivery."""
    photo: str = ""
    """SHA-256 of the photo."""
    undamaged: bool = False
    """Whether it looks undamaged."""
    accessories: Mapping[str, bool]
    """Accessory: whether it is there."""
