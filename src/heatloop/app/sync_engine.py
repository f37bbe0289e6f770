"""What a batch of records means for the ledger and the register; reads both, changes neither."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from heatloop.bridge.sync.decide import OURS, Clash, Kind, decide
from heatloop.bridge.sync.records import Incoming, checked, newest_of
from heatloop.bridge.sync.rules import MADE, REGISTERED, Unfit, Value, of_entity, same
from heatloop.kernel.canonical import canonical
from heatloop.kernel.ids import derived_id
from heatloop.plant.coding import make_code
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset
from heatloop.store.records.sync import SyncRecords
from heatloop.store.records.sync_feed import SyncFeed
from heatloop.store.records.sync_model import HeldRecord, Place

_PARENTS = ("flat", "building")
_LONG_AGO = 0.0


@dataclass(kw_only=True, slots=True)
class Item:
    """A record and what follows from it."""

    record: Incoming
    """The record, checked."""
    held: HeldRecord | None
    """What was held of it before."""
    code: str = ""
    """Asset code; empty: none."""
    made: Asset | None = None
    """A new asset."""
    apply: dict[str, Value] = field(default_factory=dict)
    """Attributes that change."""
    agreed: dict[str, Value] = field(default_factory=dict)
    """Fields both sides agree about afterwards."""
    clashes: list[tuple[str, Clash]] = field(default_factory=list)
    """(Id, disagreement)."""


@dataclass(kw_only=True, slots=True)
class Plan:
    """What is to be done about a batch."""

    items: list[Item] = field(default_factory=list)
    """Records that are new or newer."""
    refused: list[tuple[Incoming, Unfit]] = field(default_factory=list)
    """Records not taken, and why."""
    unchanged: int = 0
    """Records known already."""
    stale: int = 0
    """Records older than what is known."""


class Planner:
    """Plans one batch against one state of ledger and register; used in a thread.

    Args:
        system: Who sent it.
        ledger: The ledger in force.
        records: The register.
        feed: Tells when something changed here.
    """

    def __init__(self, system: str, ledger: Ledger, records: SyncRecords, feed: SyncFeed) -> None:
        self._system, self._ledger = system, ledger
        self._records, self._feed = records, feed
        # Attributes as they will be: a later record of a batch sees what an earlier one changes.
        self._working: dict[str, dict[str, Value]] = {}
        self._made: dict[str, Asset] = {}
        self._numbers: Mapping[str, str] | None = None

    def plan(self, batch: Sequence[Incoming]) -> Plan:
        """Return what is to be done about a batch."""
        plan = Plan()
        good: list[Incoming] = []
        for record in batch:
            try:
                good.append(checked(record))
            except Unfit as unfit:
                plan.refused.append((record, unfit))
        newest = newest_of(good)
        plan.unchanged += len(good) - len(newest)
        places = {(record.entity, record.source_id) for record in newest}
        held = self._records.held(self._system, places) if places else {}
        apart = self._records.kept_apart(self._system, places) if places else set()
        # Flats before their contracts, so that a contract finds the flat of its own batch.
        for record in sorted(newest, key=lambda each: each.entity in MADE):
            try:
                self._one(plan, record, held.get((record.entity, record.source_id)), apart)
            except Unfit as unfit:
                plan.refused.append((record, unfit))
        return plan

    def _one(self, plan: Plan, record: Incoming, held: HeldRecord | None, apart: set[str]) -> None:
        if held is not None and record.revision < held.revision:
            plan.stale += 1
            return
        registered = record.entity in REGISTERED
        # What nobody could place yet was never taken: it is tried again.
        if held is not None and record.revision == held.revision and (held.code or registered):
            if record.checksum != held.checksum:
                raise Unfit(
                    "revision",
                    "同一版本号的内容不同",
                    "the same revision was sent with other content",
                )
            plan.unchanged += 1
            return
        item = Item(record=record, held=held)
        self._match(item)
        if registered:
            item.agreed = dict(record.fields)
        elif not item.code:
            self._note(item, Clash(field="", kind=Kind.UNMATCHED, theirs=record.source_id,
                                   ours=None, agreed=None, winner=""), apart)  # fmt: skip
        elif record.deleted:
            self._note(item, Clash(field="", kind=Kind.DELETED, theirs=None, ours=item.code,
                                   agreed=None, winner=""), apart)  # fmt: skip
        else:
            self._decide(item, apart)
        plan.items.append(item)

    def _match(self, item: Item) -> None:
        """Find the asset of a record: by code, by link, by contract number; or make a contract."""
        record, held = item.record, item.held
        if record.entity in REGISTERED:
            item.code = self._any_asset(record) or ("" if held is None else held.code)
            return
        if record.code:
            asset = self._ledger.assets.get(record.code)
            if asset is None or asset.kind != record.entity:
                raise Unfit(
                    "code",
                    f"台账中没有编码为 {record.code} 的{record.entity}",
                    f"the ledger has no {record.entity} {record.code}",
                )
            item.code = asset.code
        elif held is not None and held.code in self._ledger.assets:
            item.code = held.code
        elif record.entity in MADE:
            number = record.fields.get("contract_no")
            item.code = self._contracts().get(str(number), "") if number else ""
            parent = "" if item.code or record.deleted else self._parent(record)
            if parent:
                item.made = self._new(record, parent)
                item.code = item.made.code

    def _any_asset(self, record: Incoming) -> str:
        """Return the asset a ticket is about: its code, or what its parent is linked to."""
        if record.code in self._ledger.assets:
            return record.code
        return self._parent(record, (*_PARENTS, "contract", "community"))

    def _parent(self, record: Incoming, kinds: Sequence[str] = _PARENTS) -> str:
        """Return the asset code a record's parent means, empty when nobody knows."""
        if not record.parent:
            return ""
        asset = self._ledger.assets.get(record.parent)
        if asset is not None and asset.kind in kinds:
            return asset.code
        places: set[Place] = {(kind, record.parent) for kind in kinds}
        linked = self._records.held(self._system, places)
        codes = {row.code for row in linked.values() if row.code in self._ledger.assets}
        return codes.pop() if len(codes) == 1 else ""

    def _contracts(self) -> Mapping[str, str]:
        """Return contract codes by contract number; numbers that stand twice are none."""
        if self._numbers is None:
            seen: dict[str, list[str]] = {}
            for asset in self._ledger.of_kind("contract"):
                seen.setdefault(str(asset.attributes.get("contract_no", "")), []).append(asset.code)
            self._numbers = {no: codes[0] for no, codes in seen.items() if len(codes) == 1}
        return self._numbers

    def _new(self, record: Incoming, parent: str) -> Asset:
        """Return a new contract below a flat or building, not filled yet."""
        kind = record.entity
        taken = [*self._ledger.of_kind(kind), *self._made.values()]
        last = max((int(asset.code[2:]) for asset in taken), default=0)
        above = self._ledger.assets[parent]
        made = Asset(
            code=make_code(kind, last + 1),
            kind=kind,
            zh=f"{above.zh}合同",
            en=f"contract of {above.en}",
            parent=parent,
            organisation="",
            attributes={},
        )
        self._made[made.code] = made
        return made

    def _decide(self, item: Item, apart: set[str]) -> None:
        code = item.code
        if code not in self._working:
            found = self._ledger.assets.get(code)
            self._working[code] = {} if found is None else dict(found.attributes)
        ours = self._working[code]
        agreed = {} if item.held is None else item.held.agreed
        verdict = decide(
            self._system, item.record, ours, agreed, self._changed_here(item.record.entity, code)
        )
        item.apply, item.agreed = dict(verdict.apply), dict(verdict.agreed)
        rules = of_entity(item.record.entity)
        for clash in verdict.clashes:
            if not self._note(item, clash, apart):
                # A person kept our value against just this one: it holds until theirs changes.
                item.apply.pop(rules[clash.field].attribute, None)
                item.agreed.pop(clash.field, None)
        ours.update(item.apply)

    def _note(self, item: Item, clash: Clash, apart: set[str]) -> bool:
        """Take a disagreement down; return False when a person decided it for our side before."""
        id_ = conflict_id(self._system, item.record, clash)
        if id_ in apart:
            return False
        item.clashes.append((id_, clash))
        return True

    def _changed_here(self, entity: str, code: str) -> Callable[[str], float]:
        def changed(attribute: str) -> float:
            versions = self._feed.began(entity, code)
            if not versions:
                return _LONG_AGO
            since, value = versions[0][0], versions[0][1].get(attribute)
            for began, row in versions[1:]:
                if row.get(attribute) != value:
                    break
                since = began
            return since

        return changed


def conflict_id(system: str, record: Incoming, clash: Clash) -> str:
    """Return the id of a disagreement: the same two values about the same field have the same."""
    rule = of_entity(record.entity).get(clash.field)
    secret = rule is not None and rule.secret
    # A digest of a telephone number could be undone by trying: the revision stands for it.
    values = str(record.revision) if secret else canonical([clash.theirs, clash.ours]).decode()
    return derived_id(
        "sync", system, record.entity, record.source_id, clash.field, clash.kind.value, values
    )


def filled(asset: Asset, apply: Mapping[str, Value]) -> Asset:
    """Return an asset with attributes set, and those that became nothing taken away."""
    attributes = {**asset.attributes, **{n: v for n, v in apply.items() if v is not None}}
    for name, value in apply.items():
        if value is None:
            attributes.pop(name, None)
    return replace(asset, attributes=attributes)


def won_by_us(clash: Clash) -> bool:
    """Return whether a rule gave a field to our side."""
    return clash.winner == OURS


def still(asset: Asset | None, attribute: str, value: Value) -> bool:
    """Return whether an attribute already has a value."""
    return asset is not None and same(asset.attributes.get(attribute), value)
