"""One model of boosted trees over all series: quantiles and mean of the load, each in its scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heatloop.forecast.features import Design

Floats = NDArray[np.float64]

_GOALS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("low", {"objective": "quantile", "alpha": 0.1}),
    ("median", {"objective": "l1"}),
    ("high", {"objective": "quantile", "alpha": 0.9}),
    ("mean", {"objective": "l2"}),
)
_PLAIN = {
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "verbosity": -1,
    "num_threads": 1,
    "seed": 7,
    "deterministic": True,
    "force_row_wise": True,
}
_ROUNDS = 250
_HALF_LIFE_DAYS = 200.0
_MOST_ROWS = 120_000
_LEAST_ROWS = 400


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Boosted:
    """Trained trees."""

    until_s: float
    """Wall-clock time from which on nothing was seen."""
    inputs: int
    """How many inputs they read."""
    trees: Mapping[str, Any]
    """Boosters by goal."""

    def predict(self, made: Design, scale: Floats) -> Floats:
        """Return low, middle and high, shape (3, n_origin, n_lead, n_series).

        Args:
            made: Inputs.
            scale: Height of each series, shape (n_series,).
        """
        rows, good = _rows(made, scale)
        result = np.full((3, rows.shape[0]), np.nan)
        if good.any():
            told = {name: np.asarray(t.predict(rows[good])) for name, t in self.trees.items()}
            # The median and the mean together lose less in either measure than one alone.
            middle = 0.5 * (told["median"] + told["mean"])
            low = np.minimum(told["low"], told["median"])
            high = np.maximum(told["high"], told["median"])
            shift = middle - told["median"]
            result[:, good] = np.stack([low + shift, middle, high + shift])
        return np.asarray(result.reshape(3, *made.target.shape) * scale)

    def state(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "until_s": self.until_s,
            "inputs": self.inputs,
            "trees": {name: tree.model_to_string() for name, tree in self.trees.items()},
        }


def boosted_from(state: Mapping[str, Any]) -> Boosted:
    """Return trees from plain values."""
    import lightgbm

    trees = {name: lightgbm.Booster(model_str=text) for name, text in state["trees"].items()}
    return Boosted(until_s=state["until_s"], inputs=state["inputs"], trees=trees)


def train(parts: Sequence[tuple[Design, Floats]], until_s: float) -> Boosted | None:
    """Return trees, None where there is too little to learn from.

    Args:
        parts: Inputs with the scales of their series; several where series have different inputs.
        until_s: Wall-clock time before which all targets lie.
    """
    import lightgbm

    rows, target, weight = [], [], []
    for made, scale in parts:
        x, good = _rows(made, scale)
        with np.errstate(divide="ignore", invalid="ignore"):
            y = (made.target / scale).reshape(-1)
        age = np.arange(len(made.origins))[::-1]
        w = np.broadcast_to(0.5 ** (age / _HALF_LIFE_DAYS)[:, None, None], made.target.shape)
        keep = good & np.isfinite(y)
        rows.append(x[keep].astype(np.float32))
        target.append(y[keep])
        weight.append(w.reshape(-1)[keep])
    x, y, w = np.concatenate(rows), np.concatenate(target), np.concatenate(weight)
    if len(y) < _LEAST_ROWS:
        return None
    if len(y) > _MOST_ROWS:
        chosen = np.sort(np.random.default_rng(7).choice(len(y), _MOST_ROWS, replace=False))
        x, y, w = x[chosen], y[chosen], w[chosen]
    data = lightgbm.Dataset(x, y, weight=w, params={**_PLAIN}, free_raw_data=False)
    trees = {name: lightgbm.train({**_PLAIN, **goal}, data, _ROUNDS) for name, goal in _GOALS}
    return Boosted(until_s=until_s, inputs=x.shape[1], trees=trees)


def _rows(made: Design, scale: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return one row a target with loads over the scale, and which rows may be used."""
    safe = np.where(scale > 0, scale, np.nan)[:, None]
    linear = np.where(made.linear_is_load, made.linear / safe, made.linear)
    more = np.where(made.more_is_load, made.more / safe, made.more)
    rows = np.concatenate([linear, more], axis=-1)
    good = np.broadcast_to(np.isfinite(safe[:, 0]), made.target.shape)
    return rows.reshape(-1, rows.shape[-1]), good.reshape(-1)
