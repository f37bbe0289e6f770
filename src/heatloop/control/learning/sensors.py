"""Which room sensors of a unit can be believed, and the room temperature they tell together.

Few of a unit's flats have a sensor, and some of those lie: frozen, copied from another or from
the day before, drifting, suddenly off, in the sun. Sensors are judged against each other, where
there are enough of them, and against what the emitters tell of the rooms (see `emitters`).

Reference: median and its absolute deviation, Rousseeuw and Croux, J. Am. Stat. Assoc. 88 (1993),
doi 10.1080/01621459.1993.10476408; slope through pairs, Theil 1950, Sen 1968; level by pairs,
Hodges and Lehmann, Annals of Math. Statistics 34 (1963), doi 10.1214/aoms/1177704172.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from heatloop.control.learning.regular import Floats

_SENSIBLE_C = (5.0, 40.0)
_DAY_S = 86400.0
_FROZEN_S = 36.0 * 3600.0
_FROZEN_K = 0.03
_MOST_FROZEN = 0.25
"""Share of a history that may be frozen and left out; more of it rejects the sensor."""
_JUMP_K, _JUMP_STEP_S = 0.5, 3600.0
"""Rooms do not jump to and fro within the hour; opened windows are seldom."""
_JUMP_SPAN_S = 3.0 * _DAY_S
_MOVES_K = 0.25
"""Less movement than this is no pattern that could be recognised."""
_LEAST_COVER = 0.2
_LEAST_DAYS = 3
MOST_DRIFT_K = 1.0
"""How far a sensor may move against the others over the history."""
_SUN_MOMENTS = 120
"""Moments that are looked at together."""
_SUN_ALONE_K = 5.0
"""The same against the daily mean of the rooms."""
MOST_AGAINST_EMITTERS_K = 1.3
"""The same against what the emitters tell."""
_MOST_LEVEL_K = 2.0
_SUN_K, _SUN_CORRELATION = 3.0, 0.4
"""Rise above the others a kW/m2 of sun, and how closely it must follow the sun."""
_MAD = 1.4826


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Judged:
    """What a unit's sensors tell together."""

    room_c: Floats
    """Room temperature of the unit, nan where no believed sensor measured, shape (n,)."""
    used: tuple[str, ...]
    """Sensors believed."""
    rejected: dict[str, str]
    """Why each other one is not."""
    levels_k: dict[str, float] = field(default_factory=dict)
    """How far each used one lay above what the emitters told, where that is known."""
    doubt: str = ""
    """Why all of them together are doubted; empty if they are not."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Reference:
    """The rooms by other ways than room sensors."""

    emitters_c: Floats
    """As water and heat tell them, with a lasting error, nan where unknown, shape (n,)."""
    modelled_c: Floats | None = None
    """As the model so far simulates them, within a day, shape (n,)."""
    levels_k: Mapping[str, float] = field(default_factory=dict)
    """How far each sensor lay above `emitters_c` when the model so far was learned."""


def judge_sensors(
    times_s: Floats,
    values: Floats,
    names: tuple[str, ...],
    *,
    sun_kw_m2: Floats | None = None,
    reference: Reference | None = None,
) -> Judged:
    """Return what sensors tell together, without those that cannot be believed.

    Args:
        times_s: Evenly spaced, shape (n,).
        values: One column a sensor, nan where it did not measure, shape (n, n_sensor).
        names: Of the sensors.
        sun_kw_m2: Horizontal radiation, nan where unknown, shape (n,).
        reference: Room temperature by other ways; the only judge of one or two sensors.
    """
    step_s = float(times_s[1] - times_s[0]) if len(times_s) > 1 else _DAY_S
    good = np.where((values < _SENSIBLE_C[0]) | (values > _SENSIBLE_C[1]), np.nan, values)
    rejected: dict[str, str] = {}
    cover = np.isfinite(good).sum(axis=0)
    most = max(int(cover.max()), 1) if values.shape[1] else 1
    for j, name in enumerate(names):
        if cover[j] < max(_LEAST_COVER * most, 2):
            rejected[name] = "too few values"
            continue
        frozen = _frozen(good[:, j], step_s)
        share = float(frozen.sum()) / cover[j]
        if share > _MOST_FROZEN or float(np.nanstd(good[:, j])) < _FROZEN_K:
            rejected[name] = "frozen: the same value for days"
            continue
        good[frozen, j] = np.nan
        if _repeats_day(good[:, j], step_s):
            rejected[name] = "repeats the day before"
        elif (jump := _jump_k(good[:, j], step_s)) > _JUMP_K:
            rejected[name] = f"jumps by {jump:.1f} K from value to value"
    _reject_copies(good, names, rejected, step_s)
    if reference is not None:
        _judge_reference(times_s, good, names, reference, sun_kw_m2, rejected)
    _judge_group(times_s, good, names, sun_kw_m2, rejected)
    kept = [j for j, name in enumerate(names) if name not in rejected]
    room = _together(good[:, kept]) if kept else np.full(len(times_s), np.nan)
    levels = {}
    if reference is not None:
        for j in kept:
            off = good[:, j] - reference.emitters_c
            if np.isfinite(off).any():
                levels[names[j]] = round(float(np.nanmedian(off)), 3)
    return Judged(
        room_c=room,
        used=tuple(names[j] for j in kept),
        rejected=rejected,
        levels_k=levels,
        doubt="" if kept else "no room sensor is left",
    )


def _frozen(values: Floats, step_s: float) -> np.ndarray:
    """Return where a value stood still for too long, shape (n,)."""
    frozen = np.zeros(len(values), dtype=bool)
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < 2:
        return frozen
    v = values[known]
    change = np.flatnonzero(np.abs(np.diff(v)) > 1e-9) + 1
    edges = np.concatenate([[0], change, [len(v)]])
    for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if (known[b - 1] - known[a]) * step_s >= _FROZEN_S:
            frozen[known[a:b]] = True
    return frozen


def _jump_k(values: Floats, step_s: float) -> float:
    """Return how far a value lies off the middle of its neighbours, K, in the worst three days.

    It is 0 where neighbours are too far apart to tell.
    """
    if step_s > _JUMP_STEP_S or len(values) < 3:
        return 0.0
    off = np.abs(values[1:-1] - 0.5 * (values[:-2] + values[2:]))
    parts = np.array_split(off, max(round(len(off) * step_s / _JUMP_SPAN_S), 1))
    usual = [_medians(part[None, :])[0] for part in parts if np.isfinite(part).any()]
    return float(max(usual, default=0.0))


def _same(a: Floats, b: Floats, step_s: float) -> bool:
    """Return whether two columns hold the very same moving values for long."""
    both = np.flatnonzero(np.isfinite(a) & np.isfinite(b))
    if len(both) < 2:
        return False
    differs = np.abs(a[both] - b[both]) > 1e-9
    edges = np.concatenate([[-1], np.flatnonzero(differs), [len(both)]])
    for i, k in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        run = both[i + 1 : k]
        long = len(run) > 1 and (run[-1] - run[0]) * step_s >= _FROZEN_S
        if long and float(np.ptp(a[run])) > _MOVES_K:
            return True
    return False


def _repeats_day(values: Floats, step_s: float) -> bool:
    day = round(_DAY_S / step_s)
    return 0 < day < len(values) and _same(values[day:], values[:-day], step_s)


def _reject_copies(
    good: Floats, names: tuple[str, ...], rejected: dict[str, str], step_s: float
) -> None:
    for j, name in enumerate(names):
        for i in range(j):
            if name in rejected or names[i] in rejected:
                continue
            if _same(good[:, i], good[:, j], step_s):
                # Which of the two is the copy cannot be told.
                rejected[names[i]] = f"the same values as {name}"
                rejected[name] = f"the same values as {names[i]}"


def _daily(times_s: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return the days and the median of each, days with little left out."""
    day = np.floor(times_s / _DAY_S)
    days, first, number = np.unique(day, return_index=True, return_counts=True)
    least = max(0.25 * _DAY_S / max(times_s[1] - times_s[0], 1.0), 1.0)
    table = np.full((len(days), int(number.max(initial=0))), np.nan)
    row = np.repeat(np.arange(len(days)), number)
    table[row, np.arange(len(day)) - first[row]] = values
    kept = np.isfinite(table).sum(axis=1) >= least
    return days[kept], _medians(table[kept])


def _medians(rows: Floats) -> Floats:
    """Return the median of what is known in each row, nan where nothing is, shape (n_row,).

    All rows are sorted at once, nan last: of many short rows much quicker than nanmedian.
    """
    if rows.shape[1] == 0:
        return np.full(len(rows), np.nan)
    ordered = np.sort(rows, axis=1)
    number = np.isfinite(rows).sum(axis=1)
    row = np.arange(len(rows))
    low, high = np.maximum((number - 1) // 2, 0), np.minimum(number // 2, rows.shape[1] - 1)
    return np.asarray(0.5 * (ordered[row, low] + ordered[row, high]))


def wander_k(times_s: Floats, difference_k: Floats) -> float:
    """Return how far a difference moved over a history, by steps or slowly, K.

    Args:
        times_s: Evenly spaced, shape (n,).
        difference_k: Of a sensor to what it is judged by, nan where unknown, shape (n,).
    """
    days, level = _daily(times_s, difference_k)
    if len(days) < _LEAST_DAYS:
        return 0.0
    # A lasting step is best seen between the two parts it divides the history into.
    least = max(2, len(level) // 10)
    cut = np.arange(least, len(level) - least + 1)[:, None]
    late = np.arange(len(level))[None, :] >= cut
    steps = _medians(np.where(late, level, np.nan)) - _medians(np.where(late, np.nan, level))
    i, k = np.triu_indices(len(days), 1)
    slope = float(np.median((level[k] - level[i]) / (days[k] - days[i])))
    drift = slope * float(days[-1] - days[0])
    return float(max([drift, *steps.tolist()], key=abs))


def _judge_reference(
    times_s: Floats,
    good: Floats,
    names: tuple[str, ...],
    reference: Reference,
    sun_kw_m2: Floats | None,
    rejected: dict[str, str],
) -> None:
    few = len(names) - len(rejected) < 3
    for j, name in enumerate(names):
        if name in rejected:
            continue
        off = good[:, j] - reference.emitters_c
        if not np.isfinite(off).any():
            continue
        moved = wander_k(times_s, off)
        if abs(moved) > MOST_AGAINST_EMITTERS_K:
            rejected[name] = f"moved {moved:+.1f} K against what the emitters tell"
            continue
        if name in reference.levels_k:
            moved = float(np.nanmedian(off)) - reference.levels_k[name]
            if abs(moved) > MOST_AGAINST_EMITTERS_K:
                rejected[name] = f"{moved:+.1f} K from where it was against the emitters"
                continue
        if few:
            # Without a model the emitters' daily mean must do, and rooms follow the sun a little.
            model = reference.modelled_c
            rest = off if model is None else good[:, j] - model
            lit = _sunlit_k(rest, sun_kw_m2)
            if lit > (_SUN_K if model is not None else _SUN_ALONE_K):
                rejected[name] = f"in the sun: {lit:+.1f} K a kW/m2"


def _judge_group(
    times_s: Floats,
    good: Floats,
    names: tuple[str, ...],
    sun_kw_m2: Floats | None,
    rejected: dict[str, str],
) -> None:
    """Judge sensors by the median of the others, the worst first, while three are left."""
    while True:
        kept = [j for j, name in enumerate(names) if name not in rejected]
        if len(kept) < 3:
            return
        rest = {j: good[:, j] - _together(good[:, [i for i in kept if i != j]]) for j in kept}
        level = np.array([np.nanmedian(rest[j]) for j in kept])
        centre = float(np.median(level))
        mad = _MAD * float(np.median(np.abs(level - centre)))
        found: list[tuple[float, int, str]] = []
        for at, j in enumerate(kept):
            off = float(level[at]) - centre
            limit = max(_MOST_LEVEL_K, 3.5 * mad)
            if abs(off) > limit:
                found.append((abs(off) / limit, j, f"{off:+.1f} K off the others"))
            moved = wander_k(times_s, rest[j])
            if abs(moved) > MOST_DRIFT_K:
                found.append(
                    (abs(moved) / MOST_DRIFT_K, j, f"moved {moved:+.1f} K against the others")
                )
            lit = _sunlit_k(rest[j], sun_kw_m2)
            if lit > _SUN_K:
                found.append((lit / _SUN_K, j, f"in the sun: {lit:+.1f} K a kW/m2"))
        if not found:
            return
        _, worst, why = max(found)
        rejected[names[worst]] = why


def _sunlit_k(rest_k: Floats, sun_kw_m2: Floats | None) -> float:
    """Return how much a sensor rises above the others a kW/m2 of sun: now or at any earlier time.

    It is 0 if it does not follow the sun. A sensor may hang in the sun only since lately.
    """
    if sun_kw_m2 is None:
        return 0.0
    known = np.flatnonzero(np.isfinite(rest_k) & np.isfinite(sun_kw_m2))
    parts = max(len(known) // _SUN_MOMENTS, 1)
    return max(_slope_k(rest_k[at], sun_kw_m2[at]) for at in np.array_split(known, parts))


def _slope_k(rest: Floats, sun: Floats) -> float:
    if len(rest) < 72 or float(np.std(sun)) < 0.02 or float(np.std(rest)) < 1e-6:
        return 0.0
    correlation = float(np.corrcoef(sun, rest)[0, 1])
    if not correlation > _SUN_CORRELATION:
        return 0.0
    return correlation * float(np.std(rest) / np.std(sun))


def _together(columns: Floats) -> Floats:
    """Return the median of columns, each first moved to the level they have together, (n,).

    Levels are moved so that a sensor that is missing for a time does not shift the median. The
    level itself is the median of the means of all pairs: nearly as sure as the mean of the few
    flats that are measured, and one that is far off hardly moves it.
    """
    if columns.shape[1] == 1:
        return np.asarray(columns[:, 0].copy())
    offset = _medians((columns - _medians(columns)[:, None]).T)
    offset = np.where(np.isfinite(offset), offset, 0.0)
    middle = _medians(columns - offset)
    i, k = np.triu_indices(len(offset))
    return middle + float(np.median(0.5 * (offset[i] + offset[k])))
