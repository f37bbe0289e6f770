"""The factor of 2 x 2 blocks on random graphs: solves, and the inverse on its pattern."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatloop.network.twin.pattern import BlockFactor, pattern_of


@settings(max_examples=60)
@given(n=st.integers(2, 25), seed=st.integers(0, 10_000))
def test_solution_and_inverse_are_those_of_the_whole_matrix(n, seed):
    rng = np.random.default_rng(seed)
    tree = [(int(rng.integers(0, v)), v) for v in range(1, n)]
    extra = [tuple(rng.choice(n, 2, replace=False).tolist()) for _ in range(rng.integers(0, n))]
    a, b = np.array(tree + extra, np.int64).T.copy()
    shape = pattern_of(n, a, b)
    low, diag = np.zeros((len(shape.rows), 4)), np.zeros((n, 3))
    whole = np.zeros((2 * n, 2 * n))

    def put(i, j, block):
        whole[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] += block

    for v in range(n):
        # Positive first, negative second: never singular, never definite.
        block = np.array([[rng.uniform(0, 2), 0.3], [0.3, -rng.uniform(0.1, 2)]])
        put(v, v, block)
        diag[shape.rank[v]] += (block[0, 0], block[0, 1], block[1, 1])
    for k, (u, v) in enumerate(zip(a, b, strict=True)):
        g = rng.uniform(0.1, 3, 3)
        block = np.array([[g[0], -g[1]], [-g[1], -g[2]]])
        for node in (u, v):
            put(node, node, block)
            diag[shape.rank[node]] += (block[0, 0], block[0, 1], block[1, 1])
        skew = np.array([[0.0, rng.normal()], [rng.normal(), 0.0]])
        # Row of the later, column of the earlier in the order.
        late, early = (u, v) if shape.rank[u] > shape.rank[v] else (v, u)
        put(late, early, skew - block)
        put(early, late, (skew - block).T)
        low[shape.entry[k]] += (skew - block).ravel()
    if np.linalg.cond(whole) > 1e9:
        return
    factor = BlockFactor(shape, low, diag)
    right = rng.normal(size=(n, 2))
    x = np.empty((n, 2))
    x[:] = factor.solve(right[np.argsort(shape.rank)])[shape.rank]
    expected = np.linalg.solve(whole, right.ravel()).reshape(n, 2)
    assert x == pytest.approx(expected, rel=1e-5, abs=1e-6 * np.abs(expected).max())
    z_low, z_diag = factor.inverse()
    inverse = np.linalg.inv(whole)
    size = np.abs(inverse).max()
    for v in range(n):
        block = inverse[2 * v : 2 * v + 2, 2 * v : 2 * v + 2]
        got = z_diag[shape.rank[v]]
        assert got == pytest.approx([block[0, 0], block[0, 1], block[1, 1]], abs=1e-6 * size)
    for k, (u, v) in enumerate(zip(a, b, strict=True)):
        late, early = (u, v) if shape.rank[u] > shape.rank[v] else (v, u)
        block = inverse[2 * late : 2 * late + 2, 2 * early : 2 * early + 2]
        assert z_low[shape.entry[k]] == pytest.approx(block.ravel(), abs=1e-6 * size)
