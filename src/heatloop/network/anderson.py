"""Anderson acceleration of a fixed point: fewer rounds where plain steps creep or swing."""

from __future__ import annotations

import numpy as np

from heatloop.network.arrays import Floats

_WORSE = 3.0


class Anderson:
    """Remembers the last steps of one fixed-point iteration and combines them.

    Args:
        depth: Steps remembered.

    Reference: Walker and Ni 2011, doi 10.1137/10078356X.
    """

    def __init__(self, depth: int = 6) -> None:
        self._depth = depth
        self._x: Floats | None = None
        self._step: Floats | None = None
        self._moves: list[Floats] = []
        self._turns: list[Floats] = []

    def next(self, x: Floats, step: Floats) -> Floats:
        """Return where to go from `x`, whose plain step is `step`, both of shape (n,)."""
        if self._x is not None and self._step is not None:
            if np.linalg.norm(step) > _WORSE * np.linalg.norm(self._step):
                self._moves.clear()
                self._turns.clear()
            else:
                self._moves.append(x - self._x)
                self._turns.append(step - self._step)
                del self._moves[: -self._depth], self._turns[: -self._depth]
        self._x, self._step = x.copy(), step.copy()
        if not self._turns:
            return x + step
        turns, moves = np.column_stack(self._turns), np.column_stack(self._moves)
        share, *_ = np.linalg.lstsq(turns, step, rcond=1e-10)
        return np.asarray(x + step - (moves + turns) @ share)
