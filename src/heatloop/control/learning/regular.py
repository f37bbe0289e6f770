"""Irregular measurements brought to even steps: means in bins, nothing invented across gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError

Floats = NDArray[np.float64]

STEPS_S = (300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0)
"""Steps a history is brought to."""
_MOST_STEPS = 12_000
_LONGEST_RAW_S = 3.0 * 3600.0
_COUNTER_RISES = 0.999


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Grid:
    """Even steps in time."""

    start_s: float
    """Start of the first bin."""
    step_s: float
    """Length of a bin."""
    count: int
    """Number of bins."""

    def times_s(self) -> Floats:
        """Return the start of every bin, shape (count,)."""
        return np.asarray(self.start_s + self.step_s * np.arange(self.count))

    def at(self, time_s: float) -> int:
        """Return the bin a time lies in, kept within 0..count."""
        return int(np.clip(np.floor((time_s - self.start_s) / self.step_s), 0, self.count))


def usual_step_s(times_s: Floats) -> float:
    """Return the usual distance of rows, s: the median of those above 0.

    Args:
        times_s: Time of each row, any order, nan where unknown, shape (n_row,).

    Raises:
        InputError: There are fewer than two different times.
    """
    known = np.unique(times_s[np.isfinite(times_s)])
    if len(known) < 2:
        raise InputError("fewer than two different times", thing="time column", fix="give a series")
    return float(np.median(np.diff(known)))


def grid_of(times_s: Floats) -> Grid:
    """Return the steps a table is brought to: its own usual step, or the next longer one.

    Args:
        times_s: Time of each row, any order, nan where unknown, shape (n_row,).

    Raises:
        InputError: Rows lie too far apart for room temperatures.
    """
    usual = usual_step_s(times_s)
    if usual > _LONGEST_RAW_S:
        raise InputError(
            f"rows lie {usual / 3600.0:.1f} h apart",
            thing="time column",
            fix="give rows at most 3 h apart",
        )
    first, last = float(np.nanmin(times_s)), float(np.nanmax(times_s))
    fitting = [s for s in STEPS_S if s >= 0.95 * usual and (last - first) / s <= _MOST_STEPS]
    step_s = fitting[0] if fitting else STEPS_S[-1]
    start_s = np.floor(first / step_s) * step_s
    return Grid(start_s=start_s, step_s=step_s, count=int((last - start_s) // step_s) + 1)


def binned(times_s: Floats, values: Floats, grid: Grid) -> Floats:
    """Return the mean of each bin, nan where nothing was measured, shape (grid.count,).

    Args:
        times_s: Time of each row, any order, nan where unknown, shape (n_row,).
        values: Shape (n_row,); nan where not measured.
        grid: The bins.
    """
    index = np.floor((times_s - grid.start_s) / grid.step_s)
    use = np.isfinite(index) & np.isfinite(values) & (index >= 0) & (index < grid.count)
    at = index[use].astype(np.intp)
    total = np.bincount(at, values[use], minlength=grid.count)
    number = np.bincount(at, minlength=grid.count)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(number > 0, total / number, np.nan)


def is_counter(values: Floats) -> bool:
    """Return whether a column only rises, as the register of a heat meter does.

    Args:
        values: In the order of time, shape (n_row,).
    """
    known = values[np.isfinite(values)]
    if len(known) < 20:
        return False
    rise = np.diff(known)
    large = (
        float(np.median(np.abs(known))) > 5.0 * float(np.median(np.abs(rise[rise != 0.0])))
        if np.any(rise != 0.0)
        else False
    )
    return bool(np.mean(rise >= 0.0) >= _COUNTER_RISES and large and known[-1] > known[0])


def power_of_counter(times_s: Floats, reading_kwh: Floats, grid: Grid) -> Floats:
    """Return mean power between counter readings, kW, shape (grid.count,).

    A fall (a new meter, a reset) gives no power, nor does a gap of more than 3 h.

    Args:
        times_s: Ascending, shape (n_row,).
        reading_kwh: Shape (n_row,).
        grid: The bins.
    """
    known = np.isfinite(times_s) & np.isfinite(reading_kwh)
    t, e = times_s[known], reading_kwh[known]
    edges = grid.start_s + grid.step_s * np.arange(grid.count + 1)
    if len(t) < 2:
        return np.full(grid.count, np.nan)
    gone = np.diff(e)
    usable = (gone >= 0.0) & (np.diff(t) <= _LONGEST_RAW_S + grid.step_s)
    clean = np.concatenate([[0.0], np.cumsum(np.where(gone >= 0.0, gone, 0.0))])
    power = np.diff(np.interp(edges, t, clean)) * 3600.0 / grid.step_s
    # A bin counts when the readings around its middle hang together.
    middle = 0.5 * (edges[:-1] + edges[1:])
    at = np.searchsorted(t, middle) - 1
    inside = (at >= 0) & (at < len(usable))
    power[~inside] = np.nan
    power[inside] = np.where(usable[at[inside]], power[inside], np.nan)
    return np.asarray(power)
