"""Linear heat networks of a few nodes, exactly, by their modes.

C dT/dt = -G T + q(t) with symmetric G: scaled by the root of C it is symmetric, so its modes are
real and each is a scalar recursion. Loads run in straight lines between their samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Modes:
    """A heat network in its modes, for one step length."""

    decay: Floats
    """What is left of each mode after a step, shape (n,)."""
    old: Floats
    """Weight of the load at the start of a step, shape (n,)."""
    new: Floats
    """Weight of the load at its end, shape (n,)."""
    to_mode: Floats
    """Temperatures -> modes, shape (n, n)."""
    to_node: Floats
    """Modes -> temperatures, shape (n, n)."""
    load: Floats
    """Loads in kW -> modes, shape (n, n)."""

    def run(self, load_kw: Floats, start_c: Floats) -> Floats:
        """Return the temperatures, shape (n_time, n).

        Args:
            load_kw: Heat into each node at each moment, shape (n_time, n).
            start_c: Temperatures at the first, shape (n,).
        """
        push = load_kw @ self.load.T
        drive = push[:-1] * self.old + push[1:] * self.new
        mode = np.empty_like(push)
        mode[0] = self.to_mode @ start_c
        for i in range(len(self.decay)):
            left = self.decay[i]
            mode[1:, i] = lfilter([1.0], [1.0, -left], drive[:, i], zi=[left * mode[0, i]])[0]
        return np.asarray(mode @ self.to_node.T)


def modes_of(capacity_kj_k: Floats, conductance_kw_k: Floats, dt_s: float) -> Modes:
    """Return the modes of a heat network.

    Args:
        capacity_kj_k: Heat capacity of each node, shape (n,).
        conductance_kw_k: Symmetric; off the diagonal minus the conductance between two nodes, on
            it the sum of all that leave the node, those to boundaries included; shape (n, n).
        dt_s: Step.

    Raises:
        InputError: A capacity or the step is not above 0, or the matrix is not symmetric.

    Reference: exact first-order hold; Franklin, Powell, Workman: Digital Control of Dynamic
    Systems, 3rd ed., 4.3.2.
    """
    if dt_s <= 0.0 or not np.all(capacity_kj_k > 0.0):
        raise InputError("capacities and step must be above 0", thing="heat network")
    if not np.allclose(conductance_kw_k, conductance_kw_k.T):
        raise InputError("conductances must be the same both ways", thing="heat network")
    root = np.sqrt(capacity_kj_k)
    value, vector = np.linalg.eigh(-conductance_kw_k / np.outer(root, root))
    h = np.minimum(value, 0.0) * dt_s
    slow = h > -1e-4
    safe = np.where(slow, -1.0, h)
    # The formulas lose all digits near 0; three terms of their series are exact there.
    phi1 = np.where(slow, 1.0 + h / 2.0 + h * h / 6.0, np.expm1(safe) / safe)
    phi2 = np.where(slow, 0.5 + h / 6.0 + h * h / 24.0, (np.expm1(safe) - safe) / safe**2)
    return Modes(
        decay=np.exp(h),
        old=dt_s * (phi1 - phi2),
        new=dt_s * phi2,
        to_mode=vector.T * root,
        to_node=vector / root[:, None],
        load=vector.T / root,
    )
