"""Quarters of an hour: made of what is measured by ten minutes, and agreed with the hours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from heatloop.app.forecast_history import HEAT, Past
from heatloop.store.historian.port import HOUR_S
from heatloop.store.records.forecast import SeriesRow

QUARTER_S = 900


def quartered(past: Past) -> Past:
    """Return ten-minute means as means of quarters of an hour, three becoming two."""
    count = len(past.times_s) // 3
    triples = past.values[: 3 * count].reshape(count, 3, -1)
    # The middle ten minutes lie half in each quarter.
    first = (2.0 * triples[:, 0] + triples[:, 1]) / 3.0
    second = (triples[:, 1] + 2.0 * triples[:, 2]) / 3.0
    values = np.stack([first, second], axis=1).reshape(2 * count, -1)
    begin = int(past.times_s[0]) if count else 0
    return Past(times_s=begin + QUARTER_S * np.arange(2 * count, dtype="i8"), values=values)


def refined(hours: SeriesRow) -> SeriesRow:
    """Return quarters of an hour on straight lines between the middles of the hours."""
    share = HOUR_S // QUARTER_S
    count = hours.bands.shape[1]
    at = (np.arange(count * share) + 0.5) / share - 0.5
    bands = np.stack([np.interp(at, np.arange(count), band) for band in hours.bands])
    return replace(hours, step_s=QUARTER_S, bands=bands)


def agreed(fine: SeriesRow, hours: SeriesRow) -> SeriesRow:
    """Return quarters of an hour moved so that the mean of each hour is the hour's median."""
    share = HOUR_S // fine.step_s
    count = min(fine.bands.shape[1] // share, hours.bands.shape[1])
    bands = fine.bands[:, : count * share].copy()
    means = bands[1].reshape(count, share).mean(axis=1)
    shift = np.repeat(hours.bands[1][:count] - means, share)
    bands = bands + np.nan_to_num(shift, nan=0.0)
    if fine.quantity == HEAT:
        bands = np.maximum(bands, 0.0)
    return replace(fine, bands=bands, facts={})
