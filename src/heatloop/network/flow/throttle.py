"""Differential-pressure controllers: valves that throttle themselves until their goal is met."""

from __future__ import annotations

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Network

_CLOSE_SHARE = 1e-6
_MOST_ROUNDS = 60
_FARTHEST = 2.5


class Throttles:
    """The throttling resistances of all controllers, found by secant steps in their logarithm."""

    def __init__(self, network: Network) -> None:
        self._link = np.flatnonzero(network.kind == LinkKind.DP_CONTROL)
        self._from = network.from_node[self._link]
        self._to = network.to_node[self._link]
        self._sensed = network.sensed_node[self._link]
        n = len(self._link)
        self._all = np.zeros(network.n_link)
        self._open = np.full(n, np.nan)
        self._log_r, self._old_log_r = np.zeros(n), np.zeros(n)
        self._old_miss = np.full(n, np.nan)
        self._round = 0

    @property
    def some(self) -> bool:
        """Whether there are any."""
        return len(self._link) > 0

    def first(self) -> Floats:
        """Return the resistances to begin with, those of the last solve, shape (n_link,)."""
        self._round = 0
        self._old_miss[:] = np.nan
        return self._all

    def settled(
        self, m: Floats, p: Floats, goal_kpa: Floats, settings: Floats, laws: Floats
    ) -> bool:
        """Return whether all controllers hold their goal or stand open; else throttle anew.

        Args:
            m: Flows, shape (n_link,).
            p: Pressures, shape (n_node,).
            goal_kpa: `Operation.lift_kpa`, shape (n_link,).
            settings: Column 3 gets the new resistances, shape (n_link, 4).
            laws: Column 0 has the resistance in force, shape (n_link, 5).
        """
        if not len(self._link):
            return True
        link, goal = self._link, goal_kpa[self._link]
        held = p[self._to] - p[self._sensed]
        miss = held - goal
        r = laws[link, 0]
        if self._round == 0:
            self._log_r = np.log(r)
        # Fully open and still too low: no valve can do more.
        at_stop = (settings[link, 3] <= r * (1.0 - 1e-12)) & (miss < 0.0)
        done = (np.abs(miss) <= _CLOSE_SHARE * goal) | at_stop | ~np.isfinite(miss)
        self._round += 1
        if done.all() or self._round > _MOST_ROUNDS:
            return True
        flow2 = np.maximum(m[link] ** 2, 1e-8)
        # Behind the valve a loss like m^2: the flow at the goal, and what is left to throttle.
        wanted2 = flow2 * goal / np.maximum(held, 1e-3 * goal)
        left = np.maximum(p[self._from] - p[self._sensed] - goal, 1e-9)
        step = np.log(left / wanted2) - self._log_r
        moved, change = self._log_r - self._old_log_r, miss - self._old_miss
        secant = np.isfinite(change) & (change * moved < 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(secant, -miss * moved / change, step)
        step = np.where(done, 0.0, np.clip(step, -_FARTHEST, _FARTHEST))
        self._old_log_r, self._old_miss = self._log_r, miss
        self._log_r = self._log_r + step
        self._all[link] = np.exp(self._log_r)
        settings[:, 3] = self._all
        return False
