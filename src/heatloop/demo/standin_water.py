"""A mixed cell a pipe, until the engine's own water is there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

CP = 4.187


class Dynamics:
    """Same face as the engine's."""

    def __init__(self, network: Any, **_: Any) -> None:
        self.n = network
        self.kg = np.maximum(network.volume_m3() * 975.0, 1e-3)
        self.t = np.full(network.n_link, 50.0)
        self.node = np.full(network.n_node, 50.0)

    def fill(self, c: Any) -> None:
        """Fill."""
        self.t = c.astype(float).copy()

    def mean_c(self) -> Any:
        """Mean."""
        return self.t

    def stored_kj(self) -> float:
        """Stored."""
        return float(self.kg @ self.t) * CP

    def to_arrays(self) -> dict[str, Any]:
        """Arrays."""
        return {"t": self.t, "node": self.node}

    def load_arrays(self, a: dict[str, Any]) -> None:
        """Load."""
        self.t, self.node = a["t"], a["node"]

    def push(self, m: Any, op: Any, dt: float) -> Any:
        """Push."""
        n, nn, nl = self.n, self.n.n_node, self.n.n_link
        start = np.where(m >= 0, n.from_node, n.to_node)
        end = np.where(m >= 0, n.to_node, n.from_node)
        q = np.abs(m) * CP
        gathered = np.bincount(end, q, nn) - np.bincount(start, q, nn)
        feed = np.maximum(-gathered, 0.0)
        src = np.where(np.isnan(op.source_c), 10.0, op.source_c)
        loss = n.loss_w_mk * n.length_m / 1000.0
        cap = self.kg * CP / dt
        fixed = ~np.isnan(op.outlet_c)
        # unknowns: link temps (cell after), node temps
        rows, cols, vals = [], [], []
        b = np.zeros(nl + nn)
        i = np.arange(nl)
        diag = np.where(fixed, 1.0, cap + q + loss)
        rows += [i, i]
        cols += [i, nl + start]
        vals += [diag, np.where(fixed, 0.0, -q)]
        b[:nl] = np.where(fixed, np.nan_to_num(op.outlet_c), cap * self.t + loss * op.ambient_c - op.demand_kw)
        inn = np.bincount(end, q, nn) + feed
        still = inn < 1e-9
        j = np.arange(nn)
        rows += [nl + j, nl + end]
        cols += [nl + j, i]
        vals += [np.where(still, 1.0, inn), np.where(still[end], 0.0, -q)]
        b[nl:] = np.where(still, self.node, feed * src)
        a = coo_matrix((np.concatenate(vals), (np.concatenate(rows), np.concatenate(cols)))).tocsc()
        x = spsolve(a, b)
        old = self.t
        self.t, self.node = x[:nl], x[nl:]
        inlet = self.node[start]
        given = (q * (self.t - inlet) + cap * (self.t - old)) * fixed
        lost = loss * (self.t - op.ambient_c) * ~fixed
        return SimpleNamespace(
            node_c=self.node, inlet_c=inlet, outlet_c=self.t, lost_kj=lost.sum() * dt,
            given_kj=given.sum() * dt, taken_kj=op.demand_kw.sum() * dt,
        )
