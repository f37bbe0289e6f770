"""Elimination order, factor and solves against numpy's dense algebra."""

import numpy as np
import pytest

from heatloop.network.flow.factor import factorise, substitute
from heatloop.network.flow.ordering import eliminate, pattern


def _random(n: int, extra: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    a = [int(rng.integers(0, i)) for i in range(1, n)] + rng.integers(0, n, extra).tolist()
    b = [*range(1, n), *rng.integers(0, n, extra).tolist()]
    keep = [(u, v) for u, v in zip(a, b, strict=True) if u != v]
    ends = np.array(keep, np.int64).reshape(-1, 2)
    return ends[:, 0].copy(), ends[:, 1].copy()


@pytest.mark.parametrize("n, extra", [(2, 0), (9, 4), (60, 0), (60, 40), (120, 400)])
def test_the_factor_solves_what_numpy_solves(n: int, extra: int) -> None:
    a, b = _random(n, extra, n + extra)
    # Node 0 is tied to the ground, some links are doubled, one leads to a held node.
    a, b = np.concatenate([a, a[:1], [0]]), np.concatenate([b, b[:1], [-1]])
    order, column, rows, branch = eliminate(n, a, b)
    assert 0 <= branch <= n
    assert sorted(order.tolist()) == list(range(n))
    rank, updates, target, entry = pattern(n, order, column, rows, a, b)
    g = np.random.default_rng(1).uniform(0.1, 5.0, len(a))
    dense = np.zeros((n, n))
    low, diag = np.zeros(column[-1]), np.zeros(n)
    for k, (u, v) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        for node in (u, v):
            if node >= 0:
                dense[node, node] += g[k]
                diag[rank[node]] += g[k]
        if u >= 0 and v >= 0:
            dense[u, v] -= g[k]
            dense[v, u] -= g[k]
            low[entry[k]] -= g[k]
    right = np.random.default_rng(2).normal(size=n)
    x = np.zeros(n)
    x[rank] = right
    factorise(column, rows, updates, target, low, diag, 0)
    substitute(column, rows, low, diag, x, 0)
    assert x[rank] == pytest.approx(np.linalg.solve(dense, right), rel=1e-9, abs=1e-11)


def test_a_tree_has_no_fill() -> None:
    a, b = _random(400, 0, 5)
    _, column, _, branch = eliminate(400, a, b)
    assert (column[-1], branch) == (399, 400)
