"""What happens between the water layers of a tank: conduction, turning over, joining.

Layers are lists of mass (kg) and temperature (degC) from top to bottom, changed in place.
"""

from __future__ import annotations

from heatloop.network.water import CP_KJ_KGK

MOST_LAYERS = 80
ALIKE_K = 0.02
THIN_SHARE = 1e-6
"""Of a tank's water: less is no layer, and its conduction would drown in rounding."""


def spread_between(mass: list[float], warm: list[float], conduct_kj_k: list[float]) -> None:
    """Let heat pass between layers, implicitly, so that any step is stable.

    Args:
        mass: Mass of each layer.
        warm: Its temperature, changed.
        conduct_kj_k: Heat a kelvin that passes from each layer to the next in the step.

    Reference: Thomas algorithm for tridiagonal systems.
    """
    n = len(mass)
    upper = [0.0] * n
    known = [0.0] * n
    for i in range(n):
        above = conduct_kj_k[i - 1] if i else 0.0
        below = conduct_kj_k[i] if i < n - 1 else 0.0
        held = mass[i] * CP_KJ_KGK
        pivot = held + above + below - (above * upper[i - 1] if i else 0.0)
        upper[i] = below / pivot
        known[i] = (held * warm[i] + (above * known[i - 1] if i else 0.0)) / pivot
    warm[n - 1] = known[n - 1]
    for i in range(n - 2, -1, -1):
        warm[i] = known[i] + upper[i] * warm[i + 1]


def join_thin(mass: list[float], warm: list[float]) -> None:
    """Join layers too thin to count with the neighbour that is most like them."""
    least = THIN_SHARE * sum(mass)
    i = 0
    while i < len(mass) and len(mass) > 1:
        if mass[i] >= least:
            i += 1
            continue
        above = abs(warm[i - 1] - warm[i]) if i else float("inf")
        below = abs(warm[i + 1] - warm[i]) if i < len(mass) - 1 else float("inf")
        i = max(i - 1, 0) if above <= below else i
        join(mass, warm, i)


def turned_over(mass: list[float], warm: list[float]) -> tuple[list[float], list[float]]:
    """Return the layers once colder water above warmer has mixed with it.

    Reference: pool adjacent violators, Barlow et al., Statistical Inference under Order
    Restrictions, 1972.
    """
    masses: list[float] = []
    warms: list[float] = []
    for m, t in zip(mass, warm, strict=True):
        masses.append(m)
        warms.append(t)
        while len(masses) > 1 and warms[-2] < warms[-1]:
            join(masses, warms, len(masses) - 2)
    return masses, warms


def join_alike(mass: list[float], warm: list[float]) -> None:
    """Join layers that are alike, then those whose join wipes out least, until they are few."""
    i = 0
    while i < len(mass) - 1:
        if abs(warm[i] - warm[i + 1]) < ALIKE_K:
            join(mass, warm, i)
        else:
            i += 1
    while len(mass) > MOST_LAYERS:
        costs = [
            (warm[k] - warm[k + 1]) ** 2 * mass[k] * mass[k + 1] / (mass[k] + mass[k + 1])
            for k in range(len(mass) - 1)
        ]
        join(mass, warm, costs.index(min(costs)))


def join(mass: list[float], warm: list[float], i: int) -> None:
    """Mix layer i with the one below it."""
    both = mass[i] + mass[i + 1]
    warm[i] = (mass[i] * warm[i] + mass[i + 1] * warm[i + 1]) / both
    mass[i] = both
    del mass[i + 1], warm[i + 1]
