"""What was measured of one unit, on even steps, ready to learn from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields, replace

import numpy as np

from heatloop.control.learning.regular import Floats
from heatloop.kernel.errors import InputError

COLUMNS = (
    "heat_kw",
    "outdoor_c",
    "sun_kw_m2",
    "supply_c",
    "return_c",
    "flow_kgs",
    "valve_pct",
    "primary_kgs",
    "primary_kpa",
    "primary_supply_c",
    "primary_return_c",
)
"""Columns of a history but the sensors."""


def _none() -> Floats:
    return np.empty(0)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class UnitHistory:
    """One unit's past; a value is nan where nothing good was measured.

    Columns have the shape (n,); those that are not known at all may be left out.
    """

    unit: str
    """Code of the unit."""
    start_s: float
    """Time of the first moment."""
    step_s: float
    """Distance of moments."""
    heat_kw: Floats
    """Heat given to the unit's water, mean of the step."""
    outdoor_c: Floats
    """Outdoor temperature."""
    sun_kw_m2: Floats
    """Horizontal radiation."""
    supply_c: Floats
    """Secondary supply."""
    return_c: Floats
    """Secondary return."""
    flow_kgs: Floats
    """Secondary circulation."""
    sensors_c: Floats
    """Room sensors, shape (n, n_sensor)."""
    sensors: tuple[str, ...]
    """Their codes."""
    local_offset_s: float = 8.0 * 3600.0
    """Local time less UTC."""
    valve_pct: Floats = field(default_factory=_none)
    """Opening of the primary valve."""
    primary_kgs: Floats = field(default_factory=_none)
    """Primary flow of the unit."""
    primary_kpa: Floats = field(default_factory=_none)
    """Primary differential pressure of the station."""
    primary_supply_c: Floats = field(default_factory=_none)
    """Primary supply."""
    primary_return_c: Floats = field(default_factory=_none)
    """Primary return."""

    def __post_init__(self) -> None:
        n = len(self.heat_kw)
        for name in COLUMNS:
            values = getattr(self, name)
            if len(values) == 0 and n:
                object.__setattr__(self, name, np.full(n, np.nan))
            elif len(values) != n:
                raise InputError("columns of a history must be equally long", thing=name)
        if self.sensors_c.shape != (n, len(self.sensors)):
            raise InputError("one column for each sensor is needed", thing="sensors_c")
        if not self.step_s > 0.0:
            raise InputError("step must be above 0", thing="step_s")

    def __len__(self) -> int:
        return len(self.heat_kw)

    def times_s(self) -> Floats:
        """Return the time of every moment, shape (n,)."""
        return np.asarray(self.start_s + self.step_s * np.arange(len(self)))

    def part(self, begin_s: float, end_s: float) -> UnitHistory:
        """Return the moments in [begin, end)."""
        t = self.times_s()
        at = np.flatnonzero((t >= begin_s) & (t < end_s))
        cut = slice(int(at[0]), int(at[-1]) + 1) if len(at) else slice(0, 0)
        columns = {name: getattr(self, name)[cut] for name in COLUMNS}
        start = float(t[cut.start]) if len(at) else begin_s
        return replace(self, start_s=start, sensors_c=self.sensors_c[cut], **columns)

    def days(self) -> int:
        """Return for how many days heat and outdoor temperature were measured."""
        known = np.isfinite(self.heat_kw) & np.isfinite(self.outdoor_c)
        return round(float(known.sum()) * self.step_s / 86400.0)

    def digest(self) -> str:
        """Return a hash of all that is in it: the same history, the same hash."""
        made = hashlib.sha256()
        for one in fields(self):
            value = getattr(self, one.name)
            made.update(one.name.encode())
            if isinstance(value, np.ndarray):
                made.update(np.ascontiguousarray(np.round(value, 6), dtype="<f8").tobytes())
            else:
                made.update(repr(value).encode())
        return made.hexdigest()
