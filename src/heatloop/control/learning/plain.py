"""Who takes part, as plain values: so records keep it and another process reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heatloop.control.learning.drift import Usual
from heatloop.control.learning.night import Held, Standing
from heatloop.control.unit_model import UnitModel


def plain_of(standing: Standing) -> dict[str, Any]:
    """Return a standing as plain values."""
    return {
        "champion": _held(standing.champion),
        "challenger": None if standing.challenger is None else _held(standing.challenger),
        "former": None if standing.former is None else _held(standing.former),
        "tried_s": standing.tried_s,
    }


def standing_of(plain: Mapping[str, Any]) -> Standing:
    """Read a standing.

    Raises:
        InputError: A model is none.
        KeyError: Something is missing.
    """
    return Standing(
        champion=_read(plain["champion"]),
        challenger=None if plain["challenger"] is None else _read(plain["challenger"]),
        former=None if plain["former"] is None else _read(plain["former"]),
        tried_s=float(plain["tried_s"]),
    )


def _held(held: Held) -> dict[str, Any]:
    usual = held.usual
    return {
        "number": held.number,
        "model": held.model.to_dict(),
        "learned_until_s": held.learned_until_s,
        "since_s": held.since_s,
        "learned": held.learned,
        "usual": None if usual is None else [usual.mean_k, usual.sigma_k],
        "levels_k": dict(held.levels_k),
        "sensors": list(held.sensors),
        "loss_sigma": held.loss_sigma,
        "begin_s": held.begin_s,
    }


def _read(plain: Mapping[str, Any]) -> Held:
    usual = plain["usual"]
    return Held(
        number=int(plain["number"]),
        model=UnitModel.from_dict(plain["model"]),
        learned_until_s=float(plain["learned_until_s"]),
        since_s=float(plain["since_s"]),
        learned=bool(plain["learned"]),
        usual=None if usual is None else Usual(mean_k=usual[0], sigma_k=usual[1]),
        levels_k={str(k): float(v) for k, v in plain["levels_k"].items()},
        sensors=tuple(plain["sensors"]),
        loss_sigma=float(plain["loss_sigma"]),
        begin_s=float(plain["begin_s"]),
    )
