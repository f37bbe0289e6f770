"""Many stations in one call that a worker process can run: plain values in, plain values out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from heatloop.forecast.bands import Bands, Floats
from heatloop.forecast.blend import COMPONENTS
from heatloop.forecast.engine import Outcome
from heatloop.forecast.forecaster import LoadForecaster
from heatloop.forecast.season_dates import Season

_CHUNK = 32
"""Stations worked on at once, so that what a worker holds stays near 300 MB."""
_THIN = 6
"""In the past, trees are asked for every sixth lead only; weights and bands need no more."""
PHASES_H = (0, 6, 12, 18)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FleetBatch:
    """Series whose forecasts are made together; picklable."""

    subjects: tuple[str, ...]
    """Point or asset codes, n_series of them."""
    start_s: float
    """First step forecast, seconds since 1970 UTC; everything before it is known."""
    times_s: Floats
    """Beginning of each step, ascending, at least up to `start_s`, shape (n,)."""
    load: Floats
    """Shape (n, n_series), nan where missing, bad or yet to come."""
    weather: Mapping[str, Floats]
    """By name (`outdoor_c`, `wind_ms`, `sun_w_m2`, `price` ...), shape (n,) or (n, n_series);
    from `start_s` on the forecast known at it."""
    steps: int = 72
    """How many steps ahead."""
    step_s: int = 3600
    """Length of a step."""
    zone: str = "Asia/Shanghai"
    """Zone of the calendar."""
    holidays: str = "CN"
    """Calendar of public holidays."""
    floor: float | None = 0.0
    """Least possible value; None for temperatures."""
    seasons: tuple[Season, ...] = ()
    """First and last days of heating as people have set them."""
    outdoor_error_k: Floats | None = None
    """Standard error of the outdoor forecast by lead, shape (steps,), as seen in past weather
    forecasts or from `forecaster.typical_error_k`; None: the weather ahead is certain."""
    boosted: Mapping[str, Any] | None = None
    """What `train_boosted` gave last; None: without trees."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Issued:
    """One series' forecast; picklable."""

    subject: str
    """Point or asset code."""
    bands: Bands
    """The forecast; nan where nothing is known of the series."""
    method: str
    """blend, baseline, persistence or none."""
    weights: Mapping[str, float]
    """Of ridge, boosted, baseline and persistence."""
    skill: Mapping[str, float]
    """mae and persistence_mae of the last weeks, days they rest on, drift (0 or 1)."""
    baseline: Mapping[str, float]
    """The line that explains the load: balance_c; w_k: W/K where it is in kW; base."""


def refit_and_forecast(batch: FleetBatch) -> list[Issued]:
    """Learn anew and forecast every series of a batch; the daily job and that of new weather.

    Raises:
        InputError: Columns do not fit together.
    """
    forecaster = _forecaster(batch)
    if batch.boosted is not None:
        forecaster.trees = LoadForecaster.from_state(batch.boosted).trees
    found: list[Issued] = []
    for first in range(0, len(batch.subjects), _CHUNK):
        chosen = slice(first, min(first + _CHUNK, len(batch.subjects)))
        outcome = forecaster.outcome(
            batch.times_s,
            batch.load[:, chosen],
            _columns(batch, chosen),
            start_s=batch.start_s,
            steps=batch.steps,
            thin=_THIN,
            outdoor_error_k=batch.outdoor_error_k,
        )
        forecaster.forget()
        found += [
            _issued(batch, subject, outcome, k) for k, subject in enumerate(batch.subjects[chosen])
        ]
    return found


def train_boosted(batch: FleetBatch) -> dict[str, Any]:
    """Train the one model of boosted trees over a sample of the series; the weekly job.

    Earlier trees of the batch are kept for a month, to judge past days by what was known then.

    Returns:
        Plain values for `FleetBatch.boosted`; without any trees where there is too little history.
    """
    forecaster = _forecaster(batch)
    if batch.boosted is not None:
        forecaster.trees = LoadForecaster.from_state(batch.boosted).trees
    forecaster.fit(
        batch.times_s,
        batch.load,
        batch.weather,
        start_s=batch.start_s,
        steps=batch.steps,
        boost=True,
        phases_h=PHASES_H,
    )
    return forecaster.state()


def _forecaster(batch: FleetBatch) -> LoadForecaster:
    return LoadForecaster(
        step_s=batch.step_s,
        zone=batch.zone,
        holidays=batch.holidays,
        floor=batch.floor,
        seasons=batch.seasons,
    )


def _columns(batch: FleetBatch, chosen: slice) -> dict[str, Floats]:
    return {
        name: values if values.ndim == 1 or values.shape[1] == 1 else values[:, chosen]
        for name, values in batch.weather.items()
    }


def _issued(batch: FleetBatch, subject: str, outcome: Outcome, k: int) -> Issued:
    weights = outcome.blend.weights[:, k]
    bands = Bands(
        start_s=batch.start_s,
        step_s=batch.step_s,
        low=outcome.low[:, k].copy(),
        middle=outcome.middle[:, k].copy(),
        high=outcome.high[:, k].copy(),
    )
    return Issued(
        subject=subject,
        bands=bands,
        method=_method(weights, bands.middle),
        weights=dict(zip(COMPONENTS, weights.tolist(), strict=True)),
        skill={
            "mae": float(outcome.blend.mae[k]),
            "persistence_mae": float(outcome.blend.persistence_mae[k]),
            "days": float(outcome.blend.days),
            "drift": float(outcome.drift[k]),
        },
        baseline=outcome.baseline.explained(k),
    )


def _method(weights: Floats, middle: Floats) -> str:
    if not np.isfinite(middle).any():
        return "none"
    if weights[3] == 1.0:
        return "persistence"
    # Young series have no weights yet, or none of what they would need.
    return "baseline" if weights[:2].sum() == 0.0 else "blend"
