"""Finding leaks in cities whose truth is hidden: the right zone, and honest smallest leaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from bench.leak_city import (
    FLOW_NOISE,
    PRESSURE_NOISE_KPA,
    SAMPLES,
    STEP_S,
    City,
    Leak,
    Truth,
    make_city,
    make_truth,
    winter,
)
from heatloop.network.model.net import Ints
from heatloop.network.twin.leak import Finding, find_leak, respond_over
from heatloop.network.twin.learn import Errors, Learned, learn
from heatloop.network.twin.metered import Piping, Readings, piping_of
from heatloop.network.twin.observe import ZoneMap, zone_map
from heatloop.network.twin.response import Response
from heatloop.network.twin.signatures import Signatures, signatures_of

HOUR = int(3600 / STEP_S)
WINDOW_H = 6
LEAK_SHARE = 0.02
DAYS = 5
ERRORS = Errors(
    flow_noise=FLOW_NOISE / (SAMPLES * HOUR) ** 0.5,
    pressure_noise_kpa=PRESSURE_NOISE_KPA / (SAMPLES * HOUR) ** 0.5,
    interval_h=1.0,
)


@dataclass(kw_only=True, slots=True, eq=False)
class Case:
    """One city with meters of its own; `learned` is renewed by `watch`."""

    city: City
    piping: Piping
    zones: Ints
    truth: Truth
    rng: Generator
    learned: Learned | None = None

    @property
    def source_kgs(self) -> float:
        """Return the mean flow of all sources in the days of learning."""
        assert self.learned is not None
        return self.learned.source_kgs

    @property
    def n_zone(self) -> int:
        return len(self.city.taps.name)

    def place(self, zones: Ints | None = None) -> tuple[int, float]:
        """Return a link of the piping and a place on it, evenly by metres."""
        metres = self.piping.network.length_m.copy()
        if zones is not None:
            metres[~np.isin(self.zones, zones)] = 0.0
        return int(self.rng.choice(len(metres), p=metres / metres.sum())), float(self.rng.uniform())

    def watch(self, leak_kgs: float, link: int, fraction: float, days: int) -> Readings:
        """Return the window with the leak (0: none); with days, they are learnt from first."""
        start = days * 24 * HOUR
        leak = Leak(
            link=int(self.piping.link[link]), fraction=fraction, kgs=leak_kgs, from_step=start
        )
        read = winter(self.city, self.truth, self.rng, start + WINDOW_H * HOUR, leak).pooled(HOUR)
        if days:
            self.learned = learn(self.piping, read.part(slice(0, days * 24)), ERRORS)
        return read.part(slice(days * 24, None))

    def look(self, window: Readings) -> tuple[Response, Signatures]:
        """Return the misses of a window and what leaks would look like in it."""
        assert self.learned is not None
        response = respond_over(self.piping, self.learned, window)
        return response, signatures_of(self.piping, self.learned, ERRORS, response, WINDOW_H)

    def judge(self, window: Readings) -> Finding:
        """Return what the twin says of a window."""
        assert self.learned is not None
        response, signatures = self.look(window)
        return find_leak(self.piping, self.learned, signatures, response, window)

    def see(self, window: Readings) -> ZoneMap:
        """Return what the twin says it can see."""
        leak = LEAK_SHARE * self.source_kgs
        return zone_map(self.piping, self.look(window)[1], leak)


def make_case(seed: int) -> Case:
    """Return a city, its hidden truth and its meters."""
    city, rng = make_city(seed), np.random.default_rng(1000 + seed)
    piping = piping_of(city.network, city.operation, city.taps)
    return Case(city=city, piping=piping, zones=piping.zone, truth=make_truth(city, rng), rng=rng)


def leak_figures(quick: bool) -> dict[str, float]:
    """Return the figures of the leak search.

    Args:
        quick: One city and few runs that share their days of learning; otherwise five cities, at
            least 50 runs of each kind, each run with days of learning of its own.
    """
    cities, runs, days = (1, 12, 4) if quick else (5, 10, DAYS)
    right, noticed, alarmed = [], [], []
    observable, smallest, misplaced_m = [], [], []
    for seed in range(1, cities + 1):
        case = make_case(seed)
        quiet = case.watch(0.0, 0, 0.5, days)
        found, seen = case.judge(quiet), case.see(quiet)
        observable.append(seen.observable.mean())
        smallest.append(np.median(seen.detectable_kgs) / case.source_kgs)
        alarmed.append(found.leaking)
        again = 0 if quick else days
        for _ in range(runs):
            visible = np.flatnonzero(seen.observable)
            if len(visible):
                link, x = case.place(visible)
                leak = LEAK_SHARE * case.source_kgs
                found = case.judge(case.watch(leak, link, x, again))
                right.append(found.zone == case.zones[link])
                misplaced_m.append(_apart_m(case, link, found))
            # Every zone alike, so that small zones count as much as long ones.
            zone = int(case.rng.choice(np.unique(case.zones)))
            link, x = case.place(np.array([zone]))
            leak = float(seen.detectable_kgs[zone])
            found = case.judge(case.watch(leak, link, x, 0))
            noticed.append(found.leaking)
            found = case.judge(case.watch(0.0, link, x, 0))
            alarmed.append(found.leaking)
    return {
        "truth.leak_zone_top1": float(np.mean(right)) if right else 0.0,
        "truth.leak_detectable_honest": float(np.mean(noticed)),
        "truth.zones_observable": float(np.mean(observable)),
        "truth.leak_smallest_share": float(np.median(smallest)),
        "truth.leak_false_alarms": float(np.mean(alarmed)),
        "truth.leak_misplaced_m": float(np.median(misplaced_m)) if misplaced_m else np.nan,
        "truth.leak_runs": float(len(right)),
    }


def _apart_m(case: Case, link: int, found: Finding) -> float:
    """Return the straight distance between the middles of the true and the named pipe."""
    net = case.city.network
    middle = []
    for k in (int(case.piping.link[link]), found.link):
        ends = np.array([net.from_node[k], net.to_node[k]])
        middle.append((net.x_m[ends].mean(), net.y_m[ends].mean()))
    return float(np.hypot(middle[0][0] - middle[1][0], middle[0][1] - middle[1][1]))
