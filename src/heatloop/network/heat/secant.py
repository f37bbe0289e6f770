"""Closed loops in a step: the temperature where a loop is cut, found so that it meets itself."""

from __future__ import annotations

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.model.net import Ints
from heatloop.network.sweep.sweep import HOTTEST_C

_TOLERANCE_K = 1e-9
_MOST_ROUNDS = 15
_FARTHEST_K = 30.0


class Secant:
    """Moves the guesses of cut links until what comes round is what was guessed.

    What comes round is a straight function of the guess, so that one cut settles in two rounds;
    several cuts are moved each on its own. What is left after the last round is carried over to
    the next step, see `order.arrange`.

    Args:
        guess_c: Outlet temperatures of all links, changed in place, shape (n_link,).
        cut: Links where loops are cut, shape (n,).
        node_c: Temperatures of the step before, shape (n_node,); no guess goes far beyond them.
        ambient_c: Surroundings, shape (n_link,).
    """

    def __init__(self, guess_c: Floats, cut: Ints, node_c: Floats, ambient_c: Floats) -> None:
        self._guess_c = guess_c
        self._cut = cut
        self._low_c = self._high_c = 0.0
        if len(cut):
            self._low_c = min(float(ambient_c.min()), float(node_c.min()))
            self._high_c = min(float(node_c.max()) + _FARTHEST_K, HOTTEST_C)
        self._before: tuple[Floats, Floats] | None = None
        self._rounds = 0

    def settled(self, outlet_c: Floats) -> bool:
        """Return whether the guesses came true; if not, move them.

        Args:
            outlet_c: Outlet temperatures that followed from the guesses, shape (n_link,).
        """
        guess = self._guess_c[self._cut]
        miss = outlet_c[self._cut] - guess
        self._rounds += 1
        if self._rounds >= _MOST_ROUNDS or float(np.abs(miss).max()) <= _TOLERANCE_K:
            return True
        step = miss
        if self._before is not None:
            old_guess, old_miss = self._before
            turn = old_miss - miss
            usable = np.abs(turn) > 1e-6 * np.abs(old_miss)
            slope = (guess - old_guess) / np.where(usable, turn, 1.0)
            step = np.where(usable, miss * slope, miss)
        self._before = guess, miss
        moved = np.clip(guess + step, self._low_c, self._high_c)
        self._guess_c[self._cut] = moved
        return False
