"""A rule document, checked as a whole before any of it runs.

A document is plain values, signed by the platform and kept by a gateway::

    {"format": 1, "gateway": "GW0001", "version": 3, "note": "...",
     "derived": [{"name", "asset", "expr", "unit"}],
     "report":  [{"of", "band", "max_interval_s"}],
     "outputs": [{"name", "point", "expr", "when", "every_s"}],
     "alarms":  [{"name", "subject", "when", "for_s", "priority", "zh", "en"}]}
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.plant.model import Binding
from heatloop.station.envelope import SAFE
from heatloop.station.rule_book import AlarmRule, Derived, Output, Report, RuleBook, RuleTarget
from heatloop.station.rule_language import Expression, read

FORMAT = 1
MAX_RULES = 200
MAX_COST = 4000
SHORTEST_OUTPUT_S = 60.0
_LONGEST_S = 86_400.0
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def compile_book(
    document: Mapping[str, Any], points: Mapping[str, RuleTarget], assets: Collection[str]
) -> RuleBook:
    """Return a document whose every part is known, typed, free of cycles and bounded in cost.

    Args:
        document: Plain values, already known to be from the platform.
        points: Points of the gateway by code.
        assets: Assets of the gateway.

    Raises:
        InputError: Anything in it is not as it must be; it says which rule and why.
    """
    checker = _Checker(points, assets)
    checker.only(document, "document", _FIELDS)
    if document.get("format") != FORMAT:
        raise _bad("document", f"format must be {FORMAT}")
    version = document.get("version")
    if type(version) is not int or version < 1:
        raise _bad("document", "version must be a whole number from 1")
    parts = {part: checker.rows(document, part) for part in _ROWS}
    if sum(map(len, parts.values())) > MAX_RULES:
        raise _bad("document", f"has more than {MAX_RULES} rules")
    derived = checker.derived(parts["derived"])
    reports = tuple(map(checker.report, parts["report"]))
    outputs = tuple(map(checker.output, parts["outputs"]))
    alarms = tuple(map(checker.alarm, parts["alarms"]))
    checker.distinct([rule.point for rule in outputs], "outputs write the same point")
    checker.distinct([rule.of for rule in reports], "reports of the same value")
    names = [rule.name for rule in outputs] + [rule.name for rule in alarms]
    checker.distinct(names + [d.name for d in derived], "rules of the same name")
    if checker.cost > MAX_COST:
        raise _bad("document", f"costs {checker.cost}, at most {MAX_COST}")
    return RuleBook(
        version=version, derived=derived, reports=reports, outputs=outputs,
        alarms=alarms, cost=checker.cost, names=frozenset(checker.names),
    )  # fmt: skip


def targets_of(bindings: Iterable[Binding]) -> tuple[dict[str, RuleTarget], frozenset[str]]:
    """Return what rules of a gateway with these points may name: points by code, and assets."""
    points = {b.point: RuleTarget(kind=b.kind, writable=b.access == "rw") for b in bindings}
    return points, frozenset(code.partition(".")[0] for code in points)


_FIELDS = frozenset(
    ("format", "gateway", "version", "note", "derived", "report", "outputs", "alarms")
)
_ROWS = {
    "derived": frozenset(("name", "asset", "expr", "unit")),
    "report": frozenset(("of", "band", "max_interval_s")),
    "outputs": frozenset(("name", "point", "expr", "when", "every_s")),
    "alarms": frozenset(("name", "subject", "when", "for_s", "priority", "zh", "en")),
}


def _bad(where: str, why: str) -> InputError:
    return InputError(f"rule document: {why}", thing=where, fix="correct it and send it again")


class _Checker:
    """Checks a document row by row, and remembers what it may name and what it costs."""

    def __init__(self, points: Mapping[str, RuleTarget], assets: Collection[str]) -> None:
        self._points, self._assets = points, assets
        self._known = dict.fromkeys(points, False)
        self._owner: dict[str, Derived] = {}
        self.cost = 0
        self.names: set[str] = set()

    @staticmethod
    def only(row: object, where: str, fields: Collection[str]) -> None:
        if not isinstance(row, Mapping):
            raise _bad(where, "is no object")
        strange = sorted(map(str, set(row) - set(fields)))
        if strange:
            raise _bad(where, f"has unknown fields: {', '.join(strange)[:80]}")

    def rows(self, document: Mapping[str, Any], part: str) -> list[Mapping[str, Any]]:
        rows = document.get(part, [])
        if not isinstance(rows, list | tuple):
            raise _bad(part, "is no list")
        for number, row in enumerate(rows):
            self.only(row, f"{part} {number + 1}", _ROWS[part])
        return list(rows)

    @staticmethod
    def distinct(names: list[str], why: str) -> None:
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise _bad(", ".join(sorted(twice))[:80], f"has two {why}")

    def derived(self, rows: list[Mapping[str, Any]]) -> tuple[Derived, ...]:
        """Read derived values in an order that works; what is left over needs itself."""
        waiting = {self._named(row, "derived"): row for row in rows}
        if len(waiting) < len(rows):
            raise _bad("derived", "has two derived values of the same name")
        ordered: list[Derived] = []
        while waiting:
            ready = [n for n, row in waiting.items() if not self._needs(row, waiting)]
            if not ready:
                raise _bad(", ".join(sorted(waiting))[:80], "derived values need each other")
            ordered += [self._derive(name, waiting.pop(name)) for name in ready]
        return tuple(ordered)

    @staticmethod
    def _needs(row: Mapping[str, Any], waiting: Mapping[str, Any]) -> bool:
        words = set(re.findall(r"[A-Za-z_][A-Za-z0-9_.]*", str(row.get("expr", ""))))
        return bool(words & waiting.keys())

    def _derive(self, name: str, row: Mapping[str, Any]) -> Derived:
        expression = self._expression(row, "expr", name)
        found = Derived(
            name=name,
            asset=self._asset(row, name),
            expression=expression,
            unit=self._text(row, "unit", name, 20),
        )
        self._known[name] = expression.boolean
        self._owner[name] = found
        return found

    def report(self, row: Mapping[str, Any]) -> Report:
        of = str(row.get("of", ""))
        if of not in self._known:
            raise _bad(of[:80] or "report", "is no value of this gateway")
        owner = self._owner.get(of)
        self.names |= {of} & self._points.keys()
        return Report(
            of=of,
            subject=of if owner is None else owner.asset,
            unit="" if owner is None else owner.unit,
            band=self._number(row, "band", of, 0.0, 1e12),
            max_interval_s=self._number(row, "max_interval_s", of, 30.0, _LONGEST_S),
        )

    def output(self, row: Mapping[str, Any]) -> Output:
        name, point = self._named(row, "outputs"), str(row.get("point", ""))
        target = self._points.get(point)
        if target is None or not target.writable:
            raise _bad(name, f"is no writable point of this gateway: {point[:60]}")
        safe = SAFE.get(target.kind)
        if safe is None or safe.automatic_step is None:
            raise _bad(name, f"no program may write this kind of point: {target.kind}")
        when = self._expression(row, "when", name, boolean=True) if "when" in row else None
        return Output(
            name=name,
            point=point,
            expression=self._expression(row, "expr", name, boolean=False),
            when=when,
            every_s=self._number(row, "every_s", name, SHORTEST_OUTPUT_S, _LONGEST_S),
        )

    def alarm(self, row: Mapping[str, Any]) -> AlarmRule:
        name, subject = self._named(row, "alarms"), str(row.get("subject", ""))
        if subject not in self._points and subject not in self._assets:
            raise _bad(name, f"subject is nothing of this gateway: {subject[:60]}")
        priority = row.get("priority")
        if type(priority) is not int or not 1 <= priority <= 4:
            raise _bad(name, "priority must be 1 to 4")
        zh, en = self._text(row, "zh", name, 80), self._text(row, "en", name, 80)
        if not zh or not en:
            raise _bad(name, "needs a Chinese and an English text")
        return AlarmRule(
            name=name,
            subject=subject,
            when=self._expression(row, "when", name, boolean=True),
            for_s=self._number(row, "for_s", name, 0.0, _LONGEST_S),
            priority=priority,
            zh=zh,
            en=en,
        )

    def _named(self, row: Mapping[str, Any], where: str) -> str:
        name = row.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise _bad(where, "a name is small letters, digits and underscores, at most 40")
        return name

    def _asset(self, row: Mapping[str, Any], name: str) -> str:
        asset = str(row.get("asset", ""))
        if asset not in self._assets:
            raise _bad(name, f"is for no asset of this gateway: {asset[:60]}")
        return asset

    def _expression(
        self, row: Mapping[str, Any], field: str, name: str, *, boolean: bool | None = None
    ) -> Expression:
        text = row.get(field)
        if not isinstance(text, str):
            raise _bad(name, f"needs {field}")
        try:
            found = read(text, self._known, boolean=boolean)
        except InputError as error:
            raise _bad(name, f"{error.message}: {error.thing}") from error
        self.cost += found.parts
        self.names |= found.names & self._points.keys()
        return found

    @staticmethod
    def _number(row: Mapping[str, Any], field: str, name: str, low: float, high: float) -> float:
        value = row.get(field)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _bad(name, f"needs {field}")
        if not (math.isfinite(value) and low <= value <= high):
            raise _bad(name, f"{field} must be {low:g} to {high:g}")
        return float(value)

    @staticmethod
    def _text(row: Mapping[str, Any], field: str, name: str, most: int) -> str:
        text = row.get(field, "")
        if not isinstance(text, str) or len(text) > most:
            raise _bad(name, f"{field} is a text of at most {most} characters")
        return text
