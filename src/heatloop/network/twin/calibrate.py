"""Fitting the constants of a model to history, with how sure each became.

Every constant is the book's value times exp(x), so it keeps its sign; x has a prior about 0. What
the history cannot tell keeps the book's value and says so.

Reference: Levenberg 1944, Marquardt 1963; posterior covariance by linearisation, Tarantola 2005.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.model.net import Flags

_MOST_STEPS = 60
_TELLS = 0.7
_95 = 1.96

Misses = Callable[[Floats], Floats]
"""Misses over their standard errors for factors exp(x), shape (n_constant,) -> (n_miss,)."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Calibration:
    """Constants and how sure they are."""

    name: tuple[str, ...]
    """Name of each constant."""
    value: Floats
    """Best value; the book's if history does not tell, shape (n_constant,)."""
    low: Floats
    """Lower end of its 95 % interval, shape (n_constant,)."""
    high: Floats
    """Upper end, shape (n_constant,)."""
    identifiable: Flags
    """Whether history told more than the book, shape (n_constant,)."""
    covariance: Floats
    """Of the logarithms, shape (n_constant, n_constant)."""
    misfit: float
    """Root mean square of the misses over their expected size; 1 is as promised."""
    steps: int
    """Steps taken."""


def calibrate(name: tuple[str, ...], book: Floats, spread: Floats, misses: Misses) -> Calibration:
    """Return the constants that explain a history best.

    Args:
        name: Name of each constant.
        book: Its value in the book, above 0, shape (n_constant,).
        spread: Standard error of its logarithm beforehand, shape (n_constant,).
        misses: What history says; called with factors on the book's values.

    Raises:
        InputError: A book value or spread is not above 0, or misses are no numbers.
    """
    if not (np.all(book > 0.0) and np.all(spread > 0.0)):
        raise InputError("constants and their spreads must be above 0", thing=", ".join(name))
    x = np.zeros(len(book))
    now, jacobian = _look(misses, x, spread)
    cost = _cost(now, x, spread)
    damping, steps = 1e-3, 0
    while steps < _MOST_STEPS:
        steps += 1
        information = jacobian.T @ jacobian + np.diag(spread**-2.0)
        push = -(jacobian.T @ now) - x * spread**-2.0
        step = np.linalg.solve(information + damping * np.diag(np.diag(information)), push)
        tried = misses(np.exp(x + step))
        better = _cost(tried, x + step, spread)
        if not better <= cost:
            damping *= 10.0
            if damping > 1e8:
                break
            continue
        small = float(np.abs(step / spread).max()) < 1e-4
        x, cost, damping = x + step, better, max(damping / 10.0, 1e-9)
        now, jacobian = _look(misses, x, spread)
        if small:
            break
    information = jacobian.T @ jacobian + np.diag(spread**-2.0)
    free = max(len(now) - len(x), 1)
    misfit = float((now @ now / free) ** 0.5)
    # What does not fit as promised is not as sure as promised.
    told = jacobian.T @ jacobian / max(misfit, 1.0) ** 2
    covariance = np.asarray(np.linalg.inv(told + np.diag(spread**-2.0)), np.float64)
    return described(name, book, x, covariance, spread, misfit, steps)


def described(
    name: tuple[str, ...],
    book: Floats,
    x: Floats,
    covariance: Floats,
    spread: Floats,
    misfit: float,
    steps: int,
) -> Calibration:
    """Return a calibration from logarithms, their covariance and their spread beforehand."""
    sigma = np.diag(covariance) ** 0.5
    told = sigma < _TELLS * spread
    at, wide = np.where(told, x, 0.0), np.where(told, sigma, spread)
    return Calibration(
        name=name,
        value=book * np.exp(at),
        low=book * np.exp(at - _95 * wide),
        high=book * np.exp(at + _95 * wide),
        identifiable=told,
        covariance=covariance,
        misfit=misfit,
        steps=steps,
    )


def _look(misses: Misses, x: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Return the misses and their derivative by the logarithms, by central differences."""
    now = misses(np.exp(x))
    if not np.isfinite(now).all():
        raise InputError("a miss is no number", thing="history", fix="leave out missing readings")
    jacobian = np.empty((len(now), len(x)))
    for k in range(len(x)):
        step = np.zeros(len(x))
        step[k] = 1e-4 * spread[k]
        jacobian[:, k] = (misses(np.exp(x + step)) - misses(np.exp(x - step))) / (2.0 * step[k])
    return now, jacobian


def _cost(misses: Floats, x: Floats, spread: Floats) -> float:
    return float(misses @ misses + ((x / spread) ** 2).sum())
