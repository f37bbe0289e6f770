"""Made-up loads for tests of the forecaster: a rule, weather and noise."""

from __future__ import annotations

import numpy as np

from heatloop.forecast.bands import Floats

START_S = 1_700_000_000.0 // 86400 * 86400


def hours(days: int) -> Floats:
    """Return the beginning of each hour."""
    return np.asarray(START_S + 3600.0 * np.arange(days * 24))


def outdoor(times_s: Floats, seed: int = 1) -> Floats:
    """Return an outdoor temperature that swings over days and by the hour."""
    day = (times_s - START_S) / 86400.0
    rng = np.random.default_rng(seed)
    slow = np.repeat(rng.normal(0.0, 4.0, int(day[-1]) + 2), 24)[: len(times_s)]
    return np.asarray(1.0 + slow + 3.0 * np.cos((day % 1.0 - 0.6) * 2.0 * np.pi))


def heat(times_s: Floats, outdoor_c: Floats, seed: int = 2) -> Floats:
    """Return a load with a balance temperature of 18 degC and 8 kW/K."""
    hour = times_s / 3600.0 % 24.0
    rng = np.random.default_rng(seed)
    shape = 1.0 + 0.15 * np.cos((hour - 7.0) / 12.0 * 2.0 * np.pi)
    need = np.maximum(18.0 - outdoor_c, 0.0)
    return np.asarray(8.0 * need * shape * np.exp(rng.normal(0.0, 0.03, len(times_s))))
