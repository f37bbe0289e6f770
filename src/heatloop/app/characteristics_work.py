"""What a worker does by night for a unit's curve, valve and exchanger; no input or output here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from heatloop.control.characteristic_cycle import Basis, Contest, Decided, Version, decide
from heatloop.control.characteristic_error import Kind
from heatloop.control.learning.history import UnitHistory
from heatloop.control.learning.night import Held

_SHOWN_DAYS = 28
TARGET_C = 20.0
"""Room temperature the learned weather curve is given for."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CharacteristicAnswer:
    """What became of one kind."""

    contest: Contest
    """Who takes part now."""
    decided: Decided
    """What was decided."""
    days: tuple[tuple[int, int, float, float], ...]
    """(version, day, error, bias) of all who take part, in the unit of the kind."""
    error: float | None
    """Mean error of the champion over its last days."""
    digest: str
    """Hash of what a version that was made learned from."""


def characteristic_nights(
    history: UnitHistory,
    building: Held,
    outdoor_c: float,
    known: Mapping[str, tuple[Contest, int]],
) -> dict[str, CharacteristicAnswer]:
    """Return what a night decides for every kind.

    Args:
        history: Some weeks of the unit.
        building: Its building model in force.
        outdoor_c: Outdoor temperature of the design day.
        known: Who takes part and the number of the next version, by kind.
    """
    at = [n for n, name in enumerate(history.sensors) if name in building.sensors]
    if at:
        names = tuple(history.sensors[n] for n in at)
        history = replace(history, sensors_c=history.sensors_c[:, at], sensors=names)
    found = {}
    for kind in Kind:
        contest, number = known.get(kind, (Contest(), 1))
        basis = Basis(
            kind=kind,
            history=history,
            model=building.model if building.learned else None,
            model_until_s=building.learned_until_s,
            target_c=TARGET_C,
            outdoor_c=outdoor_c,
        )
        decided = decide(basis, contest, number)
        found[str(kind)] = _answer(basis, decided)
    return found


def _answer(basis: Basis, decided: Decided) -> CharacteristicAnswer:
    contest, days, error = decided.contest, [], None
    last = (basis.end_s + basis.history.local_offset_s) // 86400.0
    for version in (contest.champion, contest.challenger, contest.former):
        if version is None:
            continue
        own = basis.errors(version).between(last - _SHOWN_DAYS, np.inf)
        if version is contest.champion and len(own.day):
            error = round(float(own.mae_k[-7:].mean()), 4)
        days += [
            (version.number, int(day), round(float(size), 4), round(float(bias), 4))
            for day, size, bias in zip(own.day, own.mae_k, own.bias_k, strict=True)
        ]
    made = decided.made
    digest = ""
    if made is not None:
        digest = basis.history.part(made.begin_s, made.learned_until_s).digest()
    return CharacteristicAnswer(
        contest=contest, decided=decided, days=tuple(days), error=error, digest=digest
    )


def plain_of(contest: Contest) -> dict[str, Any]:
    """Return who takes part as plain values."""
    return asdict(contest)


def contest_of(plain: Mapping[str, Any]) -> Contest:
    """Read who takes part.

    Raises:
        KeyError: Something is missing.
        TypeError: Something is unknown.
    """

    def version(name: str) -> Version | None:
        told = plain[name]
        return None if told is None else Version(**told)

    return Contest(
        champion=version("champion"),
        challenger=version("challenger"),
        former=version("former"),
        tried_s=float(plain["tried_s"]),
    )
