"""Rules that make security events out of many small signals, as data: what, by whom, how often."""

from __future__ import annotations

import csv
import io
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

_MOST_KEYS = 4096
_MOST_SEEN = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class SecurityKind:
    """One row of `security_kinds.csv`."""

    code: str
    """What programs test for."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    severity: int
    """1 (critical) to 4 (to know); the priority of its alarm."""
    alarm: bool
    """Whether it raises an alarm."""
    hold_s: float
    """Machine time without another one after which the alarm returns; 0: until told."""
    kept: bool
    """Whether it is written down; others are only counted by rules."""
    advice_zh: str
    """What to do, in Chinese."""
    advice_en: str
    """What to do, in English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchRule:
    """One row of `watch_rules.csv`."""

    kind: str
    """Kind of event it makes."""
    signals: frozenset[str]
    """Kinds it counts."""
    by: str
    """What is counted apart: `subject` or `address`."""
    distinct: str
    """What must differ to count, `subject` or `address`; empty: every signal counts."""
    count: int
    """How many make an event."""
    window_s: float
    """Within which machine time."""
    zh: str
    """The rule in words, Chinese."""
    en: str
    """The rule in words, English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A rule that was met."""

    rule: WatchRule
    """Which."""
    count: int
    """How many signals are in its window."""


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    return list(csv.DictReader(io.StringIO(text)))


@cache
def security_kinds() -> Mapping[str, SecurityKind]:
    """Return the kinds by code."""
    return {
        row["code"]: SecurityKind(
            code=row["code"],
            zh=row["zh"],
            en=row["en"],
            severity=int(row["severity"]),
            alarm=row["alarm"] == "yes",
            hold_s=float(row["hold_s"] or 0.0),
            kept=row["kept"] != "no",
            advice_zh=row["advice_zh"],
            advice_en=row["advice_en"],
        )
        for row in _rows("security_kinds.csv")
    }


@cache
def watch_rules() -> tuple[WatchRule, ...]:
    """Return the rules."""
    return tuple(
        WatchRule(
            kind=row["kind"],
            signals=frozenset(row["signals"].split("|")),
            by=row["by"],
            distinct=row["distinct"],
            count=int(row["count"]),
            window_s=float(row["window_s"]),
            zh=row["zh"],
            en=row["en"],
        )
        for row in _rows("watch_rules.csv")
    )


class RuleBook:
    """Counts signals in sliding windows; what it remembers is bounded."""

    def __init__(self, rules: Sequence[WatchRule]) -> None:
        self._by_signal: dict[str, list[tuple[int, WatchRule]]] = {}
        for number, rule in enumerate(rules):
            for signal in rule.signals:
                self._by_signal.setdefault(signal, []).append((number, rule))
        self._seen: OrderedDict[tuple[int, str], deque[tuple[float, str]]] = OrderedDict()

    def see(
        self, kind: str, subject: str, address: str, at_s: float, times: int = 1
    ) -> Iterable[Found]:
        """Return the rules a signal makes true.

        Args:
            kind: Kind of the signal.
            subject: Whom or what it concerns.
            address: Where it came from.
            at_s: Machine time.
            times: How often it happened.
        """
        found: list[Found] = []
        for number, rule in self._by_signal.get(kind, ()):
            who = subject if rule.by == "subject" else address
            if not who:
                continue
            seen = self._window((number, who))
            what = {"subject": subject, "address": address}.get(rule.distinct, "")
            seen.extend([(at_s, what)] * min(times, _MOST_SEEN))
            while seen and seen[0][0] <= at_s - rule.window_s:
                seen.popleft()
            count = len({each for _, each in seen}) if rule.distinct else len(seen)
            if count >= rule.count:
                found.append(Found(rule=rule, count=count))
        return found

    def _window(self, key: tuple[int, str]) -> deque[tuple[float, str]]:
        seen = self._seen.get(key)
        if seen is None:
            while len(self._seen) >= _MOST_KEYS:
                self._seen.popitem(last=False)
            seen = self._seen[key] = deque(maxlen=_MOST_SEEN)
        self._seen.move_to_end(key)
        return seen
