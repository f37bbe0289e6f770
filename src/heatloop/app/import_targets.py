"""Which point a tag of a foreign file is, and how its values become the point's."""

from __future__ import annotations

import re
from dataclasses import dataclass

from heatloop.app.import_map import NAME, ImportMap, Rule, pattern_of, wrong
from heatloop.kernel.errors import InputError
from heatloop.kernel.units import convert
from heatloop.plant.kinds import point_kind
from heatloop.plant.ledger import Ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What one tag becomes."""

    key: int
    """Point key."""
    code: str
    """Point code."""
    factor: float
    """Value in the point's unit = raw * factor + offset."""
    offset: float
    """See `factor`."""
    low: float
    """Lowest plausible value."""
    high: float
    """Highest plausible value."""
    bad_values: tuple[float, ...]
    """Numbers that mean that there is none."""
    quality: str
    """Wide tables: column of the quality."""


class Targets:
    """Finds what a tag becomes; each tag is looked up once.

    Args:
        mapping: The mapping.
        ledger: The points that exist.
    """

    def __init__(self, mapping: ImportMap, ledger: Ledger) -> None:
        self._mapping, self._ledger = mapping, ledger
        self._rules = {rule.tag: rule for rule in mapping.points}
        self._patterns = [(pattern_of(rule), rule) for rule in mapping.patterns]
        self._found: dict[str, Target | None] = {}

    def check(self) -> None:
        """Check every rule that names a point.

        Raises:
            InputError: A point does not exist, two tags are one point, or units do not fit.
        """
        taken: dict[int, str] = {}
        for rule in self._mapping.points:
            target = self._target(rule, rule.code)
            if target is None:
                raise wrong("台账中没有此测点 no such point", rule.code, rule.tag,
                             "use a point of the ledger")  # fmt: skip
            if target.key in taken:
                raise wrong("两列对应同一测点 two columns are one point", rule.code,
                             f"{taken[target.key]}, {rule.tag}", "leave one out")  # fmt: skip
            taken[target.key] = rule.tag

    def may_name(self, heading: str) -> bool:
        """Return whether some rule is about `<place>.<heading>`."""
        rules = (*self._mapping.points, *self._mapping.patterns)
        return any(rule.tag.endswith((f".{heading}", "}")) for rule in rules)

    def of(self, tag: str) -> Target | None:
        """Return what a tag becomes; None: no point.

        Raises:
            InputError: The unit does not fit the point.
        """
        if tag not in self._found:
            self._found[tag] = self._look_up(tag)
        return self._found[tag]

    def _look_up(self, tag: str) -> Target | None:
        rule = self._rules.get(tag)
        if rule is not None:
            return self._target(rule, rule.code)
        if len(tag) > 200:
            return None
        for pattern, rule in self._patterns:
            match = pattern.fullmatch(tag)
            if match is not None:
                return self._target(rule, self._code(rule, match))
        return None

    def _code(self, rule: Rule, match: re.Match[str]) -> str:
        names = self._mapping.names
        return NAME.sub(lambda m: names.get(match[m[1]], match[m[1]]), rule.code)

    def _target(self, rule: Rule, code: str) -> Target | None:
        point = self._ledger.points.get(code)
        if point is None:
            return None
        kind = point_kind(point.kind)
        factor, offset = rule.factor, rule.offset
        if rule.unit and rule.unit != kind.unit:
            try:
                shift = convert(0.0, rule.unit, kind.unit)
                scale = convert(1.0, rule.unit, kind.unit) - shift
            except InputError as error:
                said = f"单位不符 the unit does not fit: {error.message}"
                fix = f"give a unit like {kind.unit}, or a factor"
                raise wrong(said, code, rule.tag, fix) from error
            factor, offset = factor * scale, offset * scale + shift
        return Target(
            key=point.key,
            code=point.code,
            factor=factor,
            offset=offset,
            low=kind.low,
            high=kind.high,
            bad_values=(*self._mapping.bad_values, *rule.bad_values),
            quality=rule.quality,
        )
