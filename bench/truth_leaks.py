"""Finding leaks in cities whose truth is hidden: the right zone, and honest smallest leaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.leak_city import SAMPLES, STEP_S, City, Leak, make_city, make_truth, winter
from heatloop.network.arrays import Floats
from heatloop.network.model.net import Ints
from heatloop.network.twin.leak import find_leak, respond_over, signatures_of
from heatloop.network.twin.learn import Errors, Learned, learn
from heatloop.network.twin.metered import Piping, piping_of
from heatloop.network.twin.observe import ZoneMap, zone_map
from heatloop.network.twin.zones import zones_of

HOUR = int(3600 / STEP_S)
WINDOW_H = 6
LEAK_SHARE = 0.02
ERRORS = Errors(
    flow_noise=0.01 / (SAMPLES * HOUR) ** 0.5,
    pressure_noise_kpa=1.6 / (SAMPLES * HOUR) ** 0.5,
    interval_h=1.0,
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Case:
    """One city after its days of learning."""

    city: City
    piping: Piping
    zones: Ints
    seed: int
    days: int


def _case(seed: int, days: int) -> Case:
    city = make_city(seed)
    piping = piping_of(city.network, city.operation, city.taps)
    return Case(city=city, piping=piping, zones=zones_of(piping), seed=seed, days=days)


def _run(
    case: Case, run: int, leak_kgs: Floats | float, link: int | None, learned: Learned | None
) -> tuple[object, ...]:
    """Simulate days and a last window with a leak; return finding, map, zone and what was learnt."""
    raise NotImplementedError
