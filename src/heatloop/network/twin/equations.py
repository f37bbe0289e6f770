"""The normal equations of the state, gathered link by link.

Unknown are the flow m of every link, the pressure p of every node and its outflow d. Each link law
m = g(p_from - p_to) holds with an error s, each meter with its sigma, each outflow with its prior;
mass balances hold exactly, by multipliers. Flows and outflows are eliminated by hand, which leaves
p and the multiplier at each node: two unknowns a node, on the pattern of the network.
"""

from __future__ import annotations

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.model.net import Ints


@compiled
def gather(
    from_node: Ints,
    to_node: Ints,
    rank: Ints,
    entry: Ints,
    link: Floats,
    node: Floats,
    low: Floats,
    diag: Floats,
    right: Floats,
) -> None:
    """Write matrix and right-hand side.

    Args:
        from_node: Shape (n_link,).
        to_node: Shape (n_link,).
        rank: See `Pattern`.
        entry: See `Pattern`.
        link: Of each link G, rho, kappa, V, c, z: conductance, share of the law in the flow's
            mean, weight of law against meter, variance of the flow, law's flow at no difference,
            metered flow; shape (n_link, 6).
        node: Of each node weight and value of pressure meters, outflow and its variance,
            shape (n_node, 4).
        low: Written, shape (n_entry, 4).
        diag: Written, shape (n_node, 3).
        right: Written, shape (n_node, 2).
    """
    low[:] = 0.0
    for v in range(len(rank)):
        i = rank[v]
        diag[i, 0], diag[i, 1], diag[i, 2] = node[v, 0], 0.0, -node[v, 3]
        right[i, 0], right[i, 1] = node[v, 0] * node[v, 1], node[v, 2]
    for k in range(len(from_node)):
        g, rho, kappa, var = link[k, 0], link[k, 1], link[k, 2], link[k, 3]
        c, z = link[k, 4], link[k, 5]
        a, b = g * g * kappa, -g * rho
        i, j = rank[from_node[k]], rank[to_node[k]]
        diag[i, 0] += a
        diag[i, 1] += b
        diag[i, 2] -= var
        diag[j, 0] += a
        diag[j, 1] += b
        diag[j, 2] -= var
        e = entry[k]
        low[e, 0] -= a
        low[e, 1] -= b
        low[e, 2] -= b
        low[e, 3] += var
        push = g * kappa * (c - z)
        mean = rho * c + (1.0 - rho) * z
        right[i, 0] -= push
        right[j, 0] += push
        right[i, 1] += mean
        right[j, 1] -= mean


@compiled
def flow_variance(
    from_node: Ints,
    to_node: Ints,
    rank: Ints,
    entry: Ints,
    link: Floats,
    z_low: Floats,
    z_diag: Floats,
    variance: Floats,
) -> None:
    """Write the variance of each link's estimated flow from the inverse's blocks, (n_link,)."""
    for k in range(len(from_node)):
        i, j = rank[from_node[k]], rank[to_node[k]]
        e = entry[k]
        xx = z_diag[i, 0] + z_diag[j, 0] - 2.0 * z_low[e, 0]
        xy = z_diag[i, 1] + z_diag[j, 1] - z_low[e, 1] - z_low[e, 2]
        yy = z_diag[i, 2] + z_diag[j, 2] - 2.0 * z_low[e, 3]
        var = link[k, 3]
        h = link[k, 0] * link[k, 1]
        # The law enters the flow with -h (difference of pressures), the balance with +1.
        variance[k] = var + h * h * xx + 2.0 * h * var * xy + var * var * yy
