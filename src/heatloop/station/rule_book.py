"""What a checked rule document is made of; `rule_check` makes it, `rule_run` runs it."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.station.rule_language import Expression


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleTarget:
    """A point of the gateway, as far as rules must know it."""

    kind: str
    """Point kind."""
    writable: bool
    """Whether its register can be written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Derived:
    """A value worked out at the gateway."""

    name: str
    """Name other rules use."""
    asset: str
    """Asset it belongs to."""
    expression: Expression
    """How it is worked out."""
    unit: str
    """Unit, for whoever reads it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A value that is told when it leaves its dead-band, or when it was not for long."""

    of: str
    """Point or derived value."""
    subject: str
    """Point, or asset of a derived value, the event is about."""
    unit: str
    """Unit of a derived value."""
    band: float
    """Change that is worth telling."""
    max_interval_s: float
    """Longest silence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """A set-point the gateway works out and writes itself."""

    name: str
    """Name of the rule."""
    point: str
    """Writable point."""
    expression: Expression
    """What is to be written."""
    when: Expression | None
    """Only while this says yes."""
    every_s: float
    """Shortest time between writes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmRule:
    """A condition that is raised when it holds for a while."""

    name: str
    """Name of the rule."""
    subject: str
    """Asset or point it is about."""
    when: Expression
    """The condition."""
    for_s: float
    """How long it must hold."""
    priority: int
    """1 emergency to 4 notice."""
    zh: str
    """What it means, Chinese."""
    en: str
    """What it means, English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleBook:
    """A checked document."""

    version: int
    """Rises with every document."""
    derived: tuple[Derived, ...]
    """In an order in which each needs only those before it."""
    reports: tuple[Report, ...]
    """What is told."""
    outputs: tuple[Output, ...]
    """What is written."""
    alarms: tuple[AlarmRule, ...]
    """What is raised."""
    cost: int
    """Parts of all expressions: what one pass costs at most."""
    names: frozenset[str]
    """Points whose values are needed."""
