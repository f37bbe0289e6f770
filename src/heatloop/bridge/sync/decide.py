"""What follows from a record: what changes here, and where the two sides disagree.

A field has three values: theirs (as it came), ours (in the ledger) and the one both had agreed on.
Whoever owns the field has the last word; where both may change it, the later change has. A rule
that overrides somebody is written down, so that a person can see it and turn it round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from heatloop.bridge.sync.records import Incoming
from heatloop.bridge.sync.rules import NEWEST, Rule, Value, of_entity, same


class Kind(StrEnum):
    """How the two sides disagree."""

    NOT_OWNER = "not_owner"
    OVERRIDDEN = "overridden"
    BOTH_CHANGED = "both_changed"
    UNMATCHED = "unmatched"
    DELETED = "deleted"


KINDS: dict[Kind, tuple[str, str]] = {
    Kind.NOT_OWNER: ("对方无权更改此字段", "the other system does not own the field"),
    Kind.OVERRIDDEN: ("本平台的更改被字段所有方覆盖", "the owner overrode a change made here"),
    Kind.BOTH_CHANGED: ("双方都作了更改", "both sides changed it"),
    Kind.UNMATCHED: ("台账中找不到对应对象", "the ledger knows no such thing"),
    Kind.DELETED: ("对方已删除", "it is gone in the other system"),
}
"""Chinese and English of every kind."""

THEIRS, OURS = "theirs", "ours"


@dataclass(frozen=True, kw_only=True, slots=True)
class Clash:
    """A field the two sides disagree about."""

    field: str
    """Which; empty: the record."""
    kind: Kind
    """How."""
    theirs: Value
    """Their value."""
    ours: Value
    """Ours."""
    agreed: Value
    """What both had agreed on."""
    winner: str
    """`theirs` or `ours`, by rule; empty: a person must decide."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What follows from a record of a thing that is known here."""

    apply: dict[str, Value] = field(default_factory=dict)
    """Attributes that change, with their new value; None empties."""
    agreed: dict[str, Value] = field(default_factory=dict)
    """Fields both sides have the same value of after this."""
    clashes: list[Clash] = field(default_factory=list)
    """Where they disagree."""


def decide(
    system: str,
    record: Incoming,
    ours: Mapping[str, Value],
    agreed: Mapping[str, Value],
    changed_here_s: Callable[[str], float],
) -> Verdict:
    """Return what follows from a checked record.

    Args:
        system: Who sent it.
        record: The record.
        ours: Attributes of the asset.
        agreed: Values by field both sides had at the end of the last exchange.
        changed_here_s: Gives when an attribute got its present value here.
    """
    verdict = Verdict()
    known = of_entity(record.entity)
    for name, theirs in record.fields.items():
        rule = known[name]
        if not rule.attribute:
            verdict.agreed[name] = theirs
            continue
        mine = ours.get(rule.attribute)
        if same(theirs, mine):
            verdict.agreed[name] = theirs
            continue
        clash = _clash(system, rule, record, mine, agreed, changed_here_s)
        if clash is not None:
            verdict.clashes.append(clash)
        quiet = clash is None and not _only_ours(rule, theirs, agreed)
        if quiet or (clash is not None and clash.winner == THEIRS):
            verdict.apply[rule.attribute] = theirs
            verdict.agreed[name] = theirs
    return verdict


def _only_ours(rule: Rule, theirs: Value, agreed: Mapping[str, Value]) -> bool:
    """Return whether only we changed a field both may change: they will learn it by the feed."""
    return rule.owner == NEWEST and rule.field in agreed and same(theirs, agreed[rule.field])


def _clash(
    system: str,
    rule: Rule,
    record: Incoming,
    mine: Value,
    agreed: Mapping[str, Value],
    changed_here_s: Callable[[str], float],
) -> Clash | None:
    """Return the disagreement, None when the rule is plain and nobody is overridden."""
    theirs, had = record.fields[rule.field], agreed.get(rule.field)
    known = rule.field in agreed

    def clash(kind: Kind, winner: str) -> Clash:
        return Clash(
            field=rule.field, kind=kind, theirs=theirs, ours=mine, agreed=had, winner=winner
        )

    if rule.owner == system:
        # Filling in what nobody had said here, or following our own last state, overrides nobody.
        if mine is None or (known and same(mine, had)):
            return None
        return clash(Kind.OVERRIDDEN, THEIRS)
    if rule.owner != NEWEST:
        return clash(Kind.NOT_OWNER, "")
    if mine is None or (known and (same(mine, had) or same(theirs, had))):
        return None
    here_s = changed_here_s(rule.attribute)
    if here_s == record.changed_s:
        return clash(Kind.BOTH_CHANGED, "")
    return clash(Kind.BOTH_CHANGED, THEIRS if record.changed_s > here_s else OURS)
