"""Which column of a foreign file is which kind of point: profiles of headings."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import numpy as np

from heatloop.ingest.batch.model import Floats, Series
from heatloop.kernel.errors import InputError
from heatloop.kernel.units import convert
from heatloop.plant.kinds import PointKind, point_kind, point_kinds

_BY_HAND = ("valve", "pump_frequency", "boiler_load", "pump_current")
_NEVER_FROZEN = (*_BY_HAND, "tank_level", "wind", "solar", "weather", "_max", "_min")
_BRACKETS = re.compile(r"[\s_]*[\[(（【]\s*([^\])）】]*)\s*[\])）】]\s*$")
_SPELLED = {"℃": "degC", "°C": "degC", "C": "degC", "m³/h": "m3/h", "m³": "m3", "㎥": "m3"}

_STEPS = (100.0, 10.0, 1.0, 0.1, 0.01, 0.001)


@cache
def _rows() -> tuple[dict[str, str], ...]:
    text = files("heatloop.ingest.batch").joinpath("profiles.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def profile_names() -> tuple[str, ...]:
    """Return the names of all profiles."""
    return tuple(dict.fromkeys(row["profile"] for row in _rows()))


def kind_of(profile: str, heading: str) -> tuple[str, str] | None:
    """Return (kind, unit) of a heading, or None where the profile does not know it.

    A unit in brackets behind the heading counts more than the profile's.

    Raises:
        InputError: There is no such profile.
    """
    if profile not in profile_names():
        known = ", ".join(profile_names())
        raise InputError("unknown profile", thing=profile, fix=f"use one of: {known}")
    bare, unit = heading.strip(), ""
    bracket = _BRACKETS.search(bare)
    if bracket:
        bare, unit = bare[: bracket.start()], bracket[1].strip()
    wanted = bare.strip().lower().replace(" ", "_")
    tail = wanted.rsplit(".", 1)[-1]
    for row in _rows():
        if row["profile"] == profile and row["heading"] in (wanted, tail):
            return row["kind"], _SPELLED.get(unit, unit) or row["unit"]
    for kind in point_kinds().values():
        if tail == kind.kind or bare in (kind.zh, kind.en):
            return kind.kind, _SPELLED.get(unit, unit) or kind.unit
    return None


def series_of(
    name: str, kind_name: str, values: Floats, unit: str = "", top: float = 0.0
) -> Series:
    """Return a column as a series in the house unit of its kind.

    Args:
        name: Heading or point code.
        kind_name: Row of `points.csv`.
        values: As read, shape (n_time,).
        unit: Unit they are written in; empty: the house unit.
        top: Where a counter rolls over, in the unit of `values`; 0: not known.

    Raises:
        InputError: The kind or the unit is unknown, or the unit measures something else.
    """
    kind = point_kind(kind_name)
    scale, offset = 1.0, 0.0
    if unit and unit != kind.unit:
        offset = convert(0.0, unit, kind.unit)
        scale = convert(1.0, unit, kind.unit) - offset
    house = values * scale + offset
    counter = kind.class_ == "metering"
    return Series(
        name=name,
        kind=kind.kind,
        unit=kind.unit,
        values=house,
        low=kind.low,
        high=kind.high,
        rate_per_s=np.inf,
        counter=counter,
        top=top * scale,
        resolution=resolution_of(house),
        jumps=_jumps(kind),
        may_freeze=_moves(kind) and not any(part in kind.kind for part in _NEVER_FROZEN),
    )


def _moves(kind: PointKind) -> bool:
    return kind.class_ == "process" or kind.kind in ("outdoor_temperature", "outdoor_humidity")


def _jumps(kind: PointKind) -> bool:
    return _moves(kind) and not any(part in kind.kind for part in _BY_HAND)


def resolution_of(values: Floats) -> float:
    """Return the decimal step a series is written in, 0 where none fits."""
    known = values[np.isfinite(values)][:20_000]
    if not known.size:
        return 0.0
    for step in _STEPS:
        parts = known / step
        if np.mean(np.abs(parts - np.round(parts)) < 1e-6 * np.maximum(np.abs(parts), 1.0)) > 0.99:
            return step
    return 0.0


def headings_of(profile: str, headings: list[str]) -> Mapping[str, tuple[str, str]]:
    """Return (kind, unit) by heading of those a profile knows, each kind once."""
    found: dict[str, tuple[str, str]] = {}
    for heading in headings:
        known = kind_of(profile, heading)
        if known is not None and known[0] not in {kind for kind, _ in found.values()}:
            found[heading] = known
    return found
