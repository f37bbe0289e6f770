"""The quadratic program of station control: its pattern is built once, only numbers are filled in.

Stage k holds room, wall and felt heat at its end, the actuator (supply temperature or flow ratio)
over it, and the breach of the comfort band. Room and wall follow the unit's transition, the felt
heat lags behind what the emitters give, which is linear here: a u + g room + c.

Reference: PIQP, Schwan et al., CDC 2023, doi 10.1109/CDC49753.2023.10383915.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_BIG = 1e30


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ProgramData:
    """Numbers of one program; arrays are of shape (n_step,)."""

    room_from: tuple[float, float, float, float]
    """Room at the end from room and wall before, felt heat at the end and before."""
    wall_from: tuple[float, float, float, float]
    """The wall, likewise."""
    room_known: Floats
    """What else the room gets in a step, K."""
    wall_known: Floats
    """What else the wall gets in a step, K."""
    heat_keep: float
    """Felt heat kept over a step."""
    heat_per_u: Floats
    """Felt heat gained a unit of the actuator."""
    heat_per_room: Floats
    """Felt heat gained a kelvin of the room (below 0)."""
    heat_known: Floats
    """Rest of it."""
    start: tuple[float, float, float, float]
    """Room, wall, felt heat and actuator now."""
    price: Floats
    """Cost of the felt heat of a step."""
    target_c: Floats
    """Room temperature wanted."""
    low_c: Floats
    """Comfort band."""
    high_c: Floats
    """Comfort band."""
    u_low: Floats
    """Lowest actuator."""
    u_high: Floats
    """Highest actuator."""
    ramp: float
    """Most the actuator moves in a step."""
    end_value: tuple[float, float]
    """What a kelvin of room and wall is worth at the end, or the end would be left cold."""
    weights: tuple[float, float, float, float]
    """Of squared room error, squared move of the actuator, breach, and squared breach."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ProgramAnswer:
    """What a solved program says; arrays of shape (n_step,)."""

    room_c: Floats
    """At the end of each step."""
    wall_c: Floats
    """Likewise."""
    heat: Floats
    """Felt heat at the end of each step, over design."""
    u: Floats
    """Actuator over each step."""
    breach_k: Floats
    """How far the room leaves the comfort band."""


class MpcProgram:
    """One solver with a fixed pattern, for as many units as one likes, one after the other.

    Args:
        n_step: Steps ahead.
    """

    def __init__(self, n_step: int) -> None:
        import piqp
        from scipy import sparse

        self.n_step = n_step
        self._solver: Any = piqp.SparseSolver()
        options = self._solver.settings
        options.eps_abs, options.eps_rel, options.max_iter = 1e-5, 1e-6, 60
        options.check_duality_gap = True
        options.eps_duality_gap_abs, options.eps_duality_gap_rel = 1e-4, 1e-5
        options.preconditioner_reuse_on_update = True
        self._ready = False
        n = n_step
        at = 5 * np.arange(n)
        self._at = at
        room, wall, heat, u, slack = (at + i for i in range(5))
        before = at - 5
        later = np.arange(1, n)
        # Equalities: rows 3k (room), 3k + 1 (wall), 3k + 2 (felt heat).
        row = 3 * np.arange(n)
        parts = [
            (row, room), (row, heat), (row[1:], before[1:]), (row[1:], before[1:] + 1),
            (row[1:], before[1:] + 2),
            (row + 1, wall), (row + 1, heat), (row[1:] + 1, before[1:]),
            (row[1:] + 1, before[1:] + 1), (row[1:] + 1, before[1:] + 2),
            (row + 2, heat), (row + 2, u), (row[1:] + 2, before[1:]),
            (row[1:] + 2, before[1:] + 2),
        ]  # fmt: skip
        self._a, self._a_order = _pattern(sparse, parts, (3 * n, 5 * n))
        g_parts = [
            (np.arange(n), room), (np.arange(n), slack),
            (n + np.arange(n), room), (n + np.arange(n), slack),
            (2 * n + np.arange(n), u), (2 * n + later, before[1:] + 3),
        ]  # fmt: skip
        self._g, order = _pattern(sparse, g_parts, (3 * n, 5 * n))
        one = np.ones(n)
        self._g.data[:] = np.concatenate([one, one, one, -one, one, -one[1:]])[order]
        # PIQP takes the upper triangle of the costs.
        p_parts = [(room, room), (u, u), (before[1:] + 3, u[1:]), (slack, slack)]
        self._p, self._p_order = _pattern(sparse, p_parts, (5 * n, 5 * n))
        self._weights: tuple[float, float, float, float] | None = None
        self._h_low = np.full(3 * n, -_BIG)
        self._h_high = np.full(3 * n, _BIG)
        self._x_low = np.full(5 * n, -_BIG)
        self._x_high = np.full(5 * n, _BIG)
        self._x_low[slack] = 0.0
        self._c = np.zeros(5 * n)
        self._b = np.zeros(3 * n)

    def solve(self, data: ProgramData) -> ProgramAnswer | None:
        """Return the answer, or None when the solver found none."""
        n, at = self.n_step, self._at
        self._fill(data)
        costs = None
        if data.weights != self._weights:
            self._fill_costs(data.weights)
            costs = self._p
        arguments = {
            "c": self._c, "A": self._a, "b": self._b, "h_l": self._h_low, "h_u": self._h_high,
            "x_l": self._x_low, "x_u": self._x_high,
        }  # fmt: skip
        if self._ready:
            self._solver.update(P=costs, **arguments)
        else:
            self._solver.setup(P=self._p, G=self._g, **arguments)
            self._ready = True
        status = self._solver.solve()
        x = np.array(self._solver.result.x)
        if int(status.value) != 1 or x.shape != (5 * n,) or not np.all(np.isfinite(x)):
            return None
        return ProgramAnswer(
            room_c=x[at], wall_c=x[at + 1], heat=x[at + 2], u=x[at + 3], breach_k=x[at + 4]
        )

    def elasticity(self, data: ProgramData) -> Floats:
        """Return how drawn heat falls with its price where nothing limits, (n_step, n_step)."""
        from scipy.sparse.linalg import splu

        self._fill(data)
        n, at = self.n_step, self._at
        states = np.sort(np.concatenate([at, at + 1, at + 2]))
        moved = splu(self._a[:, states]).solve(-self._a[:, at + 3].toarray())
        room, felt = moved[0::3], moved[2::3]
        drawn = felt.copy()
        drawn[1:] -= data.heat_keep * felt[:-1]
        drawn /= 1.0 - data.heat_keep
        step = np.eye(n) - np.eye(n, k=-1)
        weigh_room, weigh_move, _, _ = data.weights
        bend = 2.0 * (weigh_room * room.T @ room + weigh_move * step.T @ step)
        return np.asarray(drawn @ np.linalg.solve(bend, drawn.T))

    def _fill(self, data: ProgramData) -> None:
        n, at = self.n_step, self._at
        one, rest = np.ones(n), np.ones(n - 1)
        r, w = data.room_from, data.wall_from
        values = [
            one, -r[2] * one, -r[0] * rest, -r[1] * rest, -r[3] * rest,
            one, -w[2] * one, -w[0] * rest, -w[1] * rest, -w[3] * rest,
            one, -data.heat_per_u, -data.heat_per_room[1:], -data.heat_keep * rest,
        ]  # fmt: skip
        self._a.data[:] = np.concatenate(values)[self._a_order]
        room, wall, heat, u = data.start
        b = self._b
        b[0::3], b[1::3], b[2::3] = data.room_known, data.wall_known, data.heat_known
        b[0] += r[0] * room + r[1] * wall + r[3] * heat
        b[1] += w[0] * room + w[1] * wall + w[3] * heat
        b[2] += data.heat_keep * heat + data.heat_per_room[0] * room
        weigh_room, weigh_move, breach, _ = data.weights
        c = self._c
        c[at] = -2.0 * weigh_room * data.target_c
        c[at[-1]] -= data.end_value[0]
        c[at[-1] + 1] = -data.end_value[1]
        c[at + 2] = data.price
        c[at + 4] = breach
        c[3] = -2.0 * weigh_move * u
        self._h_low[:n], self._h_high[n : 2 * n] = data.low_c, data.high_c
        self._h_low[2 * n :], self._h_high[2 * n :] = -data.ramp, data.ramp
        self._h_low[2 * n] += u
        self._h_high[2 * n] += u
        self._x_low[at + 3], self._x_high[at + 3] = data.u_low, data.u_high

    def _fill_costs(self, weights: tuple[float, float, float, float]) -> None:
        n = self.n_step
        weigh_room, weigh_move, _, breach = weights
        moves = np.full(n, 4.0 * weigh_move)
        moves[-1] = 2.0 * weigh_move
        values = [
            np.full(n, 2.0 * weigh_room),
            moves,
            np.full(n - 1, -2.0 * weigh_move),
            np.full(n, 2.0 * breach),
        ]
        self._p.data[:] = np.concatenate(values)[self._p_order]
        self._weights = weights


def _pattern(
    sparse: Any, parts: list[tuple[NDArray[Any], NDArray[Any]]], shape: tuple[int, int]
) -> tuple[Any, NDArray[np.intp]]:
    """Return a matrix by columns, and which value of the parts in a row stands where in it."""
    rows = np.concatenate([part[0] for part in parts])
    columns = np.concatenate([part[1] for part in parts])
    order = np.lexsort((rows, columns)).astype(np.intp)
    counts = np.bincount(columns, minlength=shape[1])
    starts = np.concatenate([[0], np.cumsum(counts)])
    made = sparse.csc_matrix((np.ones(len(rows)), rows[order], starts), shape=shape)
    return made, order


@lru_cache(maxsize=4)
def shared_program(n_step: int) -> MpcProgram:
    """Return this process's program of so many steps; not for two threads at a time."""
    return MpcProgram(n_step)
