"""How dangerous a write is: one table of point kind and value says what it takes to pass the door.

`normal` goes straight through; `dangerous` needs a second step and a fresh proof of identity;
`network` also needs a second person. A kind that is not in the table is dangerous.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

NORMAL, DANGEROUS, NETWORK = "normal", "dangerous", "network"
CLASSES = (NORMAL, DANGEROUS, NETWORK)
"""From the mildest to the gravest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandRule:
    """One row of `command_classes.csv`."""

    kind: str
    """Point kind."""
    when: str
    """`any`, `le`, `ge` or `eq`: which values the row is for."""
    limit: float
    """What the value is compared with, in the point's unit."""
    command_class: str
    """`normal`, `dangerous` or `network`."""
    physics: bool
    """Whether it moves the water of the primary network, so that the twin is asked first."""
    step: float | None
    """Largest change within `step_s`, in the point's unit; None: no such bound."""
    step_s: float
    """Plant seconds that bound counts over."""
    zh: str
    """What it does, in Chinese."""
    en: str
    """What it does, in English."""

    def fits(self, value: float) -> bool:
        """Return whether the row is for this value."""
        match self.when:
            case "le":
                return value <= self.limit
            case "ge":
                return value >= self.limit
            case "eq":
                return value == self.limit
            case _:
                return True


@cache
def command_rules() -> Mapping[str, tuple[CommandRule, ...]]:
    """Return the table by point kind, rows in their order."""
    text = resources.files(__package__).joinpath("command_classes.csv").read_text("utf-8")
    found: dict[str, tuple[CommandRule, ...]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        rule = CommandRule(
            kind=row["kind"],
            when=row["when"],
            limit=float(row["limit"] or 0.0),
            command_class=row["class"],
            physics=row["physics"] == "yes",
            step=float(row["step"]) if row["step"] else None,
            step_s=float(row["step_s"] or 0.0),
            zh=row["zh"],
            en=row["en"],
        )
        found[rule.kind] = (*found.get(rule.kind, ()), rule)
    return found


def rule_of(kind: str, value: float) -> CommandRule:
    """Return the first row that fits; for a kind nobody described, one that calls it dangerous."""
    for rule in command_rules().get(kind, ()):
        if rule.fits(value):
            return rule
    return CommandRule(
        kind=kind,
        when="any",
        limit=0.0,
        command_class=DANGEROUS,
        physics=False,
        step=None,
        step_s=0.0,
        zh="影响未登记的写入",
        en="a write whose effect is not described",
    )


def gravest(classes: Iterable[str]) -> str:
    """Return the gravest of some classes, `normal` of none."""
    return max(classes, key=CLASSES.index, default=NORMAL)


def class_of_commands(rules: Iterable[CommandRule], stations: int, network_stations: int) -> str:
    """Return the class of several writes at once.

    Args:
        rules: Row of each write.
        stations: Stations they touch.
        network_stations: So many stations at once are the whole network's business.
    """
    found = gravest(rule.command_class for rule in rules)
    return NETWORK if stations >= network_stations else found


def steps_of_kinds() -> dict[str, tuple[float, float]]:
    """Return (largest change, within plant seconds) by point kind, where there is a bound."""
    return {
        kind: (rule.step, rule.step_s)
        for kind, rules in command_rules().items()
        for rule in rules[:1]
        if rule.step is not None
    }


def network_kinds() -> tuple[str, ...]:
    """Return the point kinds whose every write is the whole network's business."""
    return tuple(
        sorted(
            kind
            for kind, rules in command_rules().items()
            if all(rule.command_class == NETWORK for rule in rules)
        )
    )
