"""Running a checked rule document: one pass gives what to tell, to write and to raise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from heatloop.station.rule_book import AlarmRule, Output, Report, RuleBook
from heatloop.station.rule_language import Expression, RuleFailure, Value


@dataclass(slots=True)
class Pass:
    """What one pass found."""

    values: dict[str, float | bool] = field(default_factory=dict)
    """Derived values by name; missing ones are left out."""
    told: list[tuple[Report, float | bool]] = field(default_factory=list)
    """Values that left their dead-band."""
    writes: list[tuple[Output, float]] = field(default_factory=list)
    """What is to be written."""
    raised: list[AlarmRule] = field(default_factory=list)
    """Alarms whose condition holds for long enough."""
    quiet: list[AlarmRule] = field(default_factory=list)
    """Alarms whose condition is known not to hold."""
    failures: dict[str, str] = field(default_factory=dict)
    """Rule -> why it failed."""


class RuleRun:
    """A rule document at work; what it told and since when conditions hold lives here.

    Args:
        book: The document.
    """

    def __init__(self, book: RuleBook) -> None:
        self.book = book
        self._told: dict[str, tuple[float, float | bool]] = {}
        self._since: dict[str, float] = {}
        self._written: dict[str, float] = {}

    def step(self, now_s: float, measured: Mapping[str, float]) -> Pass:
        """Return what the rules make of these values.

        Args:
            now_s: Plant time.
            measured: Newest value of each point by code; what has no value is left out.
        """
        found = Pass()

        def value_of(name: str) -> float | None:
            value = measured.get(name)
            if value is None:
                value = found.values.get(name)
            # A device's own "no value" (not a number) is missing like any other.
            return value if value is not None and value == value else None

        def run(name: str, expression: Expression) -> Value:
            try:
                return expression.run(value_of)
            except RuleFailure as error:
                found.failures[name] = error.message
                return None

        for derived in self.book.derived:
            value = run(derived.name, derived.expression)
            if value is not None:
                found.values[derived.name] = value
        for report in self.book.reports:
            self._report(report, value_of(report.of), now_s, found)
        for output in self.book.outputs:
            if output.when is not None and run(output.name, output.when) is not True:
                continue
            if now_s - self._written.get(output.name, -1e12) < output.every_s:
                continue
            value = run(output.name, output.expression)
            if value is not None:
                found.writes.append((output, float(value)))
        for alarm in self.book.alarms:
            self._alarm(alarm, run(alarm.name, alarm.when), now_s, found)
        return found

    def wrote(self, output: Output, now_s: float) -> None:
        """Note that an output was written, so that it waits its time before the next."""
        self._written[output.name] = now_s

    def _report(self, report: Report, value: Value, now_s: float, found: Pass) -> None:
        if value is None:
            return
        before = self._told.get(report.of)
        if (
            before is None
            or abs(value - before[1]) > report.band
            or now_s - before[0] >= report.max_interval_s
        ):
            self._told[report.of] = (now_s, value)
            found.told.append((report, value))

    def _alarm(self, alarm: AlarmRule, holds: Value, now_s: float, found: Pass) -> None:
        if holds is None:
            return  # nobody knows: an alarm neither comes nor goes
        if not holds:
            self._since.pop(alarm.name, None)
            found.quiet.append(alarm)
        elif now_s - self._since.setdefault(alarm.name, now_s) >= alarm.for_s:
            found.raised.append(alarm)
