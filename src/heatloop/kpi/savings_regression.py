"""What a day costs in its weather: a change-point regression that knows how sure it is.

Reference: ASHRAE Guideline 14-2023, IPMVP Core Concepts 2022 option C (change-point model);
variance of a sum of first-order autoregressive errors: Newey and West (1987),
doi 10.2307/1913610, in closed form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.kpi.savings_day import Day

Floats = NDArray[np.float64]
_BASES_C = np.arange(10.0, 20.1, 1.0)
_MOST_RHO = 0.9
_RIDGE = 1e-3
_KEEP = 0.7
"""Part of what walls remember that is left a day later."""
_LONGEST_GAP = 3
Past = dict[int, tuple[float, float, float]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DayFit:
    """A regression of days on the curve."""

    base_c: float
    """Outdoor temperature from which heat is needed."""
    weight: Floats
    """Weights of the columns, shape (n_column,)."""
    project: Floats
    """What gives the weights from the days' values, shape (n_column, n_day)."""
    covariance: Floats
    """Of the weights, autocorrelation included."""
    sigma: float
    """Spread of days."""
    rho: float
    """How much of a day's error the next inherits."""
    freedom: float
    """Days less what was fitted, autocorrelation counted."""
    mean: float
    """Mean of the values."""


def past_of(days: list[Day]) -> Past:
    """Return outdoor temperature of the day before, and what walls remember of cold and sun.

    A gap in the days begins anew.
    """
    found: Past = {}
    last: Day | None = None
    cold, sun = 0.0, 0.0
    for day in sorted(days, key=lambda day: day.number):
        if last is None or day.number - last.number > _LONGEST_GAP:
            last, cold, sun = day, day.outdoor_c, day.sun_kwh_m2
        found[day.number] = (last.outdoor_c, cold, sun)
        cold = _KEEP * cold + (1.0 - _KEEP) * day.outdoor_c
        sun = _KEEP * sun + (1.0 - _KEEP) * day.sun_kwh_m2
        last = day
    return found


def table_of(days: list[Day], past: Past, base_c: float) -> Floats:
    """Return what explains a day: degrees below base now and before, sun now and before, wind."""
    here = np.array([day.outdoor_c for day in days])
    before, walls, walls_sun = np.array([past[day.number] for day in days]).T
    cold = np.maximum(base_c - here, 0.0)
    columns = [
        np.ones(len(days)),
        cold,
        np.maximum(base_c - before, 0.0) - cold,
        np.maximum(base_c - walls, 0.0) - cold,
        np.array([day.sun_kwh_m2 for day in days]),
        walls_sun,
        np.array([day.wind_ms for day in days]) * cold / 20.0,
    ]
    return np.column_stack(columns)


def fit_days(days: list[Day], values: Floats, past: Past) -> DayFit:
    """Return the regression whose change point explains the days best."""
    best: tuple[float, float, Floats, Floats] | None = None
    for base_c in _BASES_C.tolist():
        table = table_of(days, past, base_c)
        # A breath of ridge: sun or wind may not have changed at all.
        size = np.maximum(np.abs(table).mean(axis=0), 1e-9) * math.sqrt(len(days))
        pull = np.diag(np.concatenate([[0.0], _RIDGE * size[1:] ** 2]))
        whole = table.T @ table + pull + 1e-9 * np.eye(len(size))
        project = np.linalg.solve(whole, table.T)
        rest = values - table @ (project @ values)
        if best is None or float(rest @ rest) < best[0] * (1.0 - 1e-9):
            best = (float(rest @ rest), base_c, np.asarray(project), np.asarray(rest))
    assert best is not None
    _, base_c, project, rest = best
    table = table_of(days, past, base_c)
    # The change point was chosen too.
    freedom = max(len(days) - table.shape[1] - 1.0, 1.0)
    sigma = math.sqrt(float(rest @ rest) / freedom)
    rho = _hand_on(days, rest)
    long = (1.0 + rho) / (1.0 - rho)
    pull = np.diag(np.full(table.shape[1], 1e-9))
    covariance: Floats = np.asarray(
        sigma**2 * long * np.linalg.pinv(table.T @ table + pull), dtype=np.float64
    )
    return DayFit(
        base_c=base_c,
        weight=project @ values,
        project=project,
        covariance=covariance,
        sigma=sigma,
        rho=rho,
        freedom=max(freedom / long, 3.0),
        mean=float(values.mean()),
    )


def _hand_on(days: list[Day], rest: Floats) -> float:
    """Return how much of a day's error the next inherits, 0 to 0.9, drawn up for short tables."""
    numbers = np.array([day.number for day in days])
    next_to = np.flatnonzero(np.diff(numbers) == 1)
    if len(next_to) < 5:
        return 0.3
    a, b = rest[next_to], rest[next_to + 1]
    power = float(np.sqrt((a @ a) * (b @ b)))
    found = float(a @ b) / power if power > 0.0 else 0.0
    # The estimate lies low by (1 + 3 rho) / n (Kendall 1954), more so behind a regression.
    found += (1.0 + 3.0 * max(found, 0.0)) / len(next_to)
    return min(max(found, 0.0), _MOST_RHO)


def student_quantile(probability: float, freedom: float) -> float:
    """Return the quantile of Student's t (Cornish-Fisher to the third order, freedom >= 3).

    Reference: Abramowitz and Stegun 26.7.5; the normal quantile by 26.2.23 refined by Newton.
    """
    p = min(max(probability, 0.5), 1.0 - 1e-9)
    t = math.sqrt(-2.0 * math.log(max(1.0 - p, 1e-300)))
    z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (
        1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))
    )
    for _ in range(3):
        density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
        z -= (0.5 * (1.0 + math.erf(z / math.sqrt(2.0))) - p) / density
    n, z2 = freedom, z * z
    g1 = z * (z2 + 1.0) / 4.0
    g2 = z * ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0
    g3 = z * (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0
    return z + g1 / n + g2 / n**2 + g3 / n**3
