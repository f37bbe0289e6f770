"""The level of rooms control aims at: what each unit kept before, and a shift common to a kind.

Room collectors stand off the true mean of a unit's rooms by some tenths of a kelvin, and a level
that is wrong by as much costs what all timing saves. So each unit keeps the level its own trusted
collectors showed on its curve, where their bias cancels; only the shift that steadier rooms allow
is chosen, for all units with emitters of a kind together, from heat saved against the charge for
cold rooms. There may be no more cold rooms than before, and warmth is given up only so far.

What a unit contributes is a table over a grid of shifts; tables of units add up, so that many
units can be looked at in many processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from heatloop.control.room_feedback import RoomSensing
from heatloop.kernel.errors import InputError

Floats = NDArray[np.float64]

GRID_K: Floats = np.round(np.arange(-2.0, 2.01, 0.05), 2)
"""Shifts looked at."""
_WIDE_K: Floats = np.round(np.arange(-4.0, 4.01, 0.05), 2)
"""The same after whatever collectors may be off by."""
LEAST_COLLECTORS = 10
"""Fewer trusted ones do not stand for the rooms of a unit, nor for those of a kind."""
SHIFT_K = (-0.8, 0.4)
"""Bounds of a shift."""
DROP_K = -0.2
"""How far down the mean of all shifts may go: what people put up with."""
COLD_LEFT = 0.75
"""Cold rooms aimed at over those on the curve: control errs, and other weather comes. Seasons of
30 days in weather nobody had learnt from had a third more cold rooms than was aimed at."""
SWING_LEFT = 0.25
"""What control leaves of the swings a curve lets rooms make."""
_TRUSTED = 0.5
_LEAST_KNOWN = 0.5
_DEARER = (0.0, *np.geomspace(1e-4, 1e2, 121).tolist())


@dataclass(frozen=True, kw_only=True, slots=True)
class LevelPrices:
    """What heat costs and what a cold room gives back."""

    heat_yuan_kwh: float
    """Price of heat."""
    cold_yuan_m2kh: float
    """Fee given back for a square metre one kelvin too cold for an hour."""
    cold_c: float = 18.0
    """Rooms below are cold."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Account:
    """What shifts would cost one unit, or several, in one stretch of weather; accounts add up."""

    heat_yuan_k: float
    """Heat of a kelvin over the stretch."""
    seen_yuan: Floats
    """Charge for cold rooms if what collectors show were warmer by `GRID_K`."""
    steady_yuan: Floats
    """The same with steady rooms, over the wide grid."""
    seen_cold_m2: Floats
    """Area of cold rooms, mean of the hours, over `GRID_K`."""
    steady_cold_m2: Floats
    """The same with steady rooms, over the wide grid."""
    area_m2: float
    """Area that is measured."""
    collectors: int
    """Collectors that were looked at."""

    def __add__(self, other: Account) -> Account:
        """Return both together."""
        return Account(
            heat_yuan_k=self.heat_yuan_k + other.heat_yuan_k,
            seen_yuan=self.seen_yuan + other.seen_yuan,
            steady_yuan=self.steady_yuan + other.steady_yuan,
            seen_cold_m2=self.seen_cold_m2 + other.seen_cold_m2,
            steady_cold_m2=self.steady_cold_m2 + other.steady_cold_m2,
            area_m2=self.area_m2 + other.area_m2,
            collectors=self.collectors + other.collectors,
        )

    def cold_shares(self, shift_k: float) -> tuple[float, float]:
        """Return the share of room-hours that collectors show cold: before, and with a shift."""
        area = max(self.area_m2, 1e-9)
        before = float(self.seen_cold_m2[len(GRID_K) // 2])
        after = np.interp(shift_k, _WIDE_K, self.steady_cold_m2)
        return before / area, float(after) / area


NOTHING = Account(
    heat_yuan_k=0.0,
    seen_yuan=np.zeros(len(GRID_K)),
    steady_yuan=np.zeros(len(_WIDE_K)),
    seen_cold_m2=np.zeros(len(GRID_K)),
    steady_cold_m2=np.zeros(len(_WIDE_K)),
    area_m2=0.0,
    collectors=0,
)
"""The account of no unit."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Shifts:
    """What was chosen."""

    shift_k: Floats
    """Wanted over what was kept before, shape (n_kind, n_stretch)."""
    off_k: Floats
    """What collectors of a kind read too low by the curve that was tuned, shape (n_kind,)."""


def trusted(sensing: RoomSensing, names: Sequence[str]) -> list[int]:
    """Return which collectors of a unit are worth something, as places in `names`."""
    known = sensing.memory
    return [at for at, n in enumerate(names) if n in known and known[n].trust > _TRUSTED]


def account_of(
    seen_c: Floats, swing_k: Floats, *, area_m2: float, loss_kw_k: float, prices: LevelPrices
) -> Account:
    """Return what shifts would cost a unit in one stretch of weather.

    A collector that is silent stands, while it speaks, for its silent hours too; one that is
    silent for most of them is left out.

    Args:
        seen_c: What trusted collectors showed by the hour, nan: unknown, (n_hour, n_collector).
        swing_k: Rooms as believed less their mean over the stretch, (n_hour,).
        area_m2: Heated area.
        loss_kw_k: Loss of the unit a kelvin.
        prices: What things cost.

    Raises:
        InputError: Hours of collectors and rooms differ.
    """
    if len(seen_c) != len(swing_k):
        raise InputError("collectors and rooms must have the same hours", thing="seen_c")
    hours, known = len(seen_c), np.isfinite(seen_c).sum(axis=0)
    kept = known > max(_LEAST_KNOWN * hours, 0)
    n = int(kept.sum())
    seen = seen_c[:, kept]
    m2 = area_m2 / max(n, 1) * (hours / known[kept]) if n else np.empty(0)
    steady = seen - (1.0 - SWING_LEFT) * swing_k[:, None]
    return Account(
        heat_yuan_k=prices.heat_yuan_kwh * loss_kw_k * hours,
        seen_yuan=_lack_yuan(seen, m2, GRID_K, prices),
        steady_yuan=_lack_yuan(steady, m2, _WIDE_K, prices),
        seen_cold_m2=_cold_m2(seen, m2, GRID_K, prices.cold_c),
        steady_cold_m2=_cold_m2(steady, m2, _WIDE_K, prices.cold_c),
        area_m2=area_m2 if n else 0.0,
        collectors=n,
    )


def _lack_yuan(rooms_c: Floats, m2: Floats, grid_k: Floats, prices: LevelPrices) -> Floats:
    """Return the charge if all rooms were warmer by each step of a grid."""
    lack = prices.cold_c - rooms_c
    # What is not known lacks nothing: the collector's known hours are weighed up for it.
    yuan = [np.nansum(np.maximum(lack - k, 0.0), axis=0) @ m2 for k in grid_k]
    return prices.cold_yuan_m2kh * np.array(yuan, dtype=np.float64)


def _cold_m2(rooms_c: Floats, m2: Floats, grid_k: Floats, cold_c: float) -> Floats:
    hours = max(len(rooms_c), 1)
    return np.array([(rooms_c + k < cold_c).sum(axis=0) @ m2 / hours for k in grid_k])


def choose_shifts(kinds: Sequence[Sequence[Account]]) -> Shifts:
    """Return the shifts of emitters of each kind that cost least with steady rooms.

    Args:
        kinds: The account of all units of a kind together, by kind and stretch of weather.

    Raises:
        InputError: Kinds differ in their stretches, or there are none.
    """
    n_stretch = {len(each) for each in kinds}
    if len(n_stretch) != 1 or 0 in n_stretch:
        raise InputError("every kind needs the same stretches of weather", thing="kinds")
    middle = len(GRID_K) // 2
    off_at = [_off(each) for each in kinds]
    cost, cold, before, counts = [], [], 0.0, []
    for off, each in zip(off_at, kinds, strict=True):
        for one in each:
            own = slice(off, off + len(GRID_K))
            # Without rooms to go by nothing is moved.
            cost.append(one.steady_yuan[own] + one.heat_yuan_k * GRID_K + 1e-9 * np.abs(GRID_K))
            cold.append(one.steady_cold_m2[own])
            before += float(one.seen_cold_m2[off])
            counts.append(one.collectors >= LEAST_COLLECTORS)
    chosen = np.zeros(len(cost))
    # Beside the fee cold rooms are charged as much as it takes to have no more of them than the
    # curve had, and warmth is given up no further than people put up with.
    for dear in _DEARER:
        at = [
            int(np.argmin(c + dear * b)) if enough else middle
            for c, b, enough in zip(cost, cold, counts, strict=True)
        ]
        chosen = np.clip(GRID_K[at], *SHIFT_K)
        left = sum(float(b[i]) for b, i in zip(cold, at, strict=True))
        if left <= COLD_LEFT * before and float(chosen.mean()) >= DROP_K:
            break
    chosen = _raised(chosen)
    return Shifts(shift_k=chosen.reshape(len(kinds), -1), off_k=GRID_K[off_at])


def _off(stretches: Sequence[Account]) -> int:
    """Return the place in the grid of what collectors of a kind read too low.

    The curve was tuned until neither warmer nor colder was cheaper; where the collectors say
    otherwise it is they that are off.
    """
    middle = len(GRID_K) // 2
    if not any(each.collectors for each in stretches):
        return middle
    whole = [each.seen_yuan + each.heat_yuan_k * GRID_K for each in stretches]
    return int(np.argmin(np.sum(whole, axis=0)))


def _raised(chosen: Floats) -> Floats:
    """Return the shifts with their mean no further down than it may be.

    Where no room is ever cold no charge for cold rooms brings that about.
    """
    if float(chosen.mean()) >= DROP_K:
        return chosen
    # Those furthest down are raised to a common floor.
    low, high = SHIFT_K[0], DROP_K
    for _ in range(50):
        floor = 0.5 * (low + high)
        if float(np.maximum(chosen, floor).mean()) < DROP_K:
            low = floor
        else:
            high = floor
    raised = np.maximum(chosen, high).astype(np.float64)
    return np.asarray(np.round(raised, 4), dtype=np.float64)


def level_at(outdoor_c: float, points: Sequence[tuple[float, float]]) -> float:
    """Return the level wanted at a mean outdoor temperature.

    Args:
        outdoor_c: Mean outdoor temperature to come.
        points: (mean outdoor temperature, level) of each stretch learnt from, rising; beyond
            them the nearest holds.

    Raises:
        InputError: There is no point, or they do not rise.
    """
    if not points or any(b[0] <= a[0] for a, b in pairwise(points)):
        raise InputError("levels need points of rising outdoor temperature", thing="points")
    x, y = zip(*points, strict=True)
    return float(np.interp(outdoor_c, x, y))
