"""Emergency stop as data: the safe state of every piece of equipment, worked out in advance.

Never "everything off": burners off, primary valves at a frost-safe opening, circulation kept
unless the cause is a burst here, make-up isolated where water is lost.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

from heatloop.kernel.errors import InputError
from heatloop.plant.ledger import Ledger

GENERAL, BURST, LEAK = "general", "burst", "leak"
CAUSES = (GENERAL, BURST, LEAK)
_FROST = "frost"


@dataclass(frozen=True, kw_only=True, slots=True)
class StopRow:
    """One row of `stop_steps.csv`."""

    asset_kind: str
    """Kind of equipment."""
    point_kind: str
    """What is written."""
    cause: str
    """Cause it is for; `any` for all."""
    value: str
    """What is written, in the point's unit; `frost` for the frost-safe opening."""
    ramp_per_min: float
    """How fast a release brings it back, in the point's unit; 0: at once."""
    zh: str
    """What it does, in Chinese."""
    en: str
    """What it does, in English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StopStep:
    """One write of a plan."""

    point: str
    """Point code."""
    value: float
    """In the point's unit."""
    ramp_per_min: float
    """How fast a release brings it back, in the point's unit; 0: at once."""
    zh: str
    """What it does, in Chinese."""
    en: str
    """What it does, in English."""


@cache
def stop_rows() -> tuple[StopRow, ...]:
    """Return the table; within an asset kind the order of rows is the order of writes."""
    text = resources.files(__package__).joinpath("stop_steps.csv").read_text("utf-8")
    return tuple(
        StopRow(
            asset_kind=row["asset_kind"],
            point_kind=row["point_kind"],
            cause=row["cause"],
            value=row["value"],
            ramp_per_min=float(row["ramp_per_min"] or 0.0),
            zh=row["zh"],
            en=row["en"],
        )
        for row in csv.DictReader(io.StringIO(text))
    )


def stop_kinds() -> frozenset[str]:
    """Return the kinds of equipment that have a safe state."""
    return frozenset(row.asset_kind for row in stop_rows())


def plan_of(ledger: Ledger, asset: str, cause: str, frost_safe_pct: float) -> tuple[StopStep, ...]:
    """Return what brings one piece of equipment into its safe state; empty when nothing can.

    Args:
        ledger: Where its writable points stand.
        asset: Asset code.
        cause: `general`, `burst` or `leak`.
        frost_safe_pct: Opening of a primary valve that keeps pipes from freezing, %.

    Raises:
        InputError: The cause is unknown.
    """
    if cause not in CAUSES:
        raise InputError("unknown cause of a stop", thing=cause, fix=f"use: {', '.join(CAUSES)}")
    kind = ledger.assets[asset].kind
    steps: list[StopStep] = []
    for row in stop_rows():
        if row.asset_kind != kind or row.cause not in ("any", cause):
            continue
        value = frost_safe_pct if row.value == _FROST else float(row.value)
        steps += [
            StopStep(point=point, value=value, ramp_per_min=row.ramp_per_min, zh=row.zh, en=row.en)
            for point in _writable(ledger, asset, row.point_kind)
        ]
    return tuple(steps)


def _writable(ledger: Ledger, asset: str, kind: str) -> Iterable[str]:
    for point in ledger.points_of(asset):
        if point.kind != kind:
            continue
        try:
            binding = ledger.binding_of(point.code)
        except InputError:
            continue
        if binding.access == "rw":
            yield point.code


def plans_of_gateway(
    ledger: Ledger, gateway: str, frost_safe_pct: float
) -> dict[str, dict[str, tuple[StopStep, ...]]]:
    """Return the plans a gateway holds: asset -> cause -> writes."""
    assets: dict[str, None] = {}
    for device in ledger.devices_of_gateway(gateway):
        for binding in ledger.bindings_of_device(device.code):
            if binding.access == "rw":
                assets.setdefault(binding.point.partition(".")[0])
    found: dict[str, dict[str, tuple[StopStep, ...]]] = {}
    for asset in assets:
        if asset not in ledger.assets or ledger.assets[asset].kind not in stop_kinds():
            continue
        plans = {cause: plan_of(ledger, asset, cause, frost_safe_pct) for cause in CAUSES}
        kept = {cause: steps for cause, steps in plans.items() if steps}
        if kept:
            found[asset] = kept
    return found
