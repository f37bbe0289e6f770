"""k-anonymity: every combination of what could betray a person is shared by at least k of them.

Quasi-identifiers (area, floor, building ...) are made coarser, each in steps of its own. Of all
combinations of steps the one that loses least is taken among those that leave few rows standing
alone; those rows are left out. What was lost is measured, so that a receiver knows what he gets.

Reference: Sweeney, Achieving k-anonymity privacy protection using generalization and suppression
(2002); Samarati, Protecting respondents' identities in microdata release (2001).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from heatloop.kernel.errors import InputError

ANY = "*"
"""What stands for a value that was made as coarse as it can be."""
Row = Mapping[str, object]
Coarser = Callable[[object], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Anonymised:
    """Rows nobody can be found in, and what that cost."""

    rows: list[dict[str, object]]
    """The rows that are left, in their order."""
    kept: list[int]
    """Places of those rows among the given ones."""
    k: int
    """Size of the smallest group; 0 when no row is left."""
    groups: int
    """Groups of rows that look alike."""
    steps: dict[str, int]
    """How many steps each quasi-identifier was made coarser."""
    suppressed: int
    """Rows left out."""
    loss_pct: float
    """Information lost in the quasi-identifiers, 0 (none) to 100 (all), rows left out included."""


def bands(*widths: float) -> tuple[Coarser, ...]:
    """Return ways to make a number coarser: bands of each width, as text like 60-80."""

    def band(width: float) -> Coarser:
        def coarser(value: object) -> str:
            if not isinstance(value, int | float) or not math.isfinite(value):
                return ANY
            low = math.floor(value / width) * width
            return f"{low:g}-{low + width:g}"

        return coarser

    return tuple(band(width) for width in widths)


def anonymise(
    rows: Sequence[Row],
    coarser: Mapping[str, Sequence[Coarser]],
    *,
    k: int,
    most_suppressed: float = 0.05,
) -> Anonymised:
    """Return rows of which every one looks like at least k - 1 others.

    Args:
        rows: The rows; columns that are no quasi-identifiers pass as they are.
        coarser: By quasi-identifier, ways to make the original value coarser, finest first; after
            the last it becomes `ANY`.
        k: Least number of rows that look alike.
        most_suppressed: Share of rows that may be left out before something is made coarser.

    Raises:
        InputError: k is less than 2.
    """
    if k < 2:
        raise InputError("k-anonymity begins at 2", thing=str(k), fix="use 5 or more")
    names = list(coarser)
    levels = [_levels(rows, name, coarser[name]) for name in names]
    # Rows that look alike already are counted once: a city has far fewer kinds than rows.
    base = Counter(zip(*(level[0] for level in levels), strict=True) if names else [()] * len(rows))
    maps = [_upwards(level) for level in levels]
    allowed = most_suppressed * len(rows)
    chosen: tuple[int, ...] = tuple(len(level) - 1 for level in levels)
    for node in sorted(product(*(range(len(level)) for level in levels)), key=_cost(levels)):
        sizes = _sizes(base, maps, node)
        if sum(size for size in sizes.values() if size < k) <= allowed:
            chosen = node
            break
    columns = [level[step] for level, step in zip(levels, chosen, strict=True)]
    keys = list(zip(*columns, strict=True)) if names else [()] * len(rows)
    sizes = Counter(keys)
    kept = [place for place, key in enumerate(keys) if sizes[key] >= k]
    left = Counter(keys[place] for place in kept)
    share = len(kept) / len(rows) if rows else 1.0
    return Anonymised(
        rows=[{**rows[place], **dict(zip(names, keys[place], strict=True))} for place in kept],
        kept=kept,
        k=min(left.values(), default=0),
        groups=len(left),
        steps=dict(zip(names, chosen, strict=True)),
        suppressed=len(rows) - len(kept),
        loss_pct=100.0 * (1.0 - share * (1.0 - _cost(levels)(chosen)[0])),
    )


def _levels(rows: Sequence[Row], name: str, ways: Sequence[Coarser]) -> list[list[str]]:
    """Return a column as it is and after every step, the last being `ANY`."""
    plain = [row.get(name) for row in rows]
    steps = [[_shown(value) for value in plain]]
    steps += [[way(value) for value in plain] for way in ways]
    return [*steps, [ANY] * len(rows)]


def _upwards(level: list[list[str]]) -> list[dict[str, str]]:
    return [dict(zip(level[0], step, strict=True)) for step in level]


def _sizes(
    base: Counter[tuple[str, ...]], maps: list[list[dict[str, str]]], node: tuple[int, ...]
) -> Counter[tuple[str, ...]]:
    steps = [each[step] for each, step in zip(maps, node, strict=True)]
    sizes: Counter[tuple[str, ...]] = Counter()
    for key, count in base.items():
        sizes[tuple(step[part] for step, part in zip(steps, key, strict=True))] += count
    return sizes


def _cost(levels: list[list[list[str]]]) -> Callable[[tuple[int, ...]], tuple[float, ...]]:
    """Return what orders combinations of steps: mean loss, then the steps, so that it repeats."""

    def cost(node: tuple[int, ...]) -> tuple[float, ...]:
        lost = [step / (len(level) - 1) for step, level in zip(node, levels, strict=True)]
        return (sum(lost) / len(lost) if lost else 0.0, *node)

    return cost


def smallest_group(rows: Sequence[Row], names: Sequence[str]) -> int:
    """Return how many rows share the rarest combination of these columns; 0 without rows."""
    groups = Counter(tuple(_shown(row.get(name)) for name in names) for row in rows)
    return min(groups.values(), default=0)


def _shown(value: object) -> str:
    if value is None or value == "":
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
