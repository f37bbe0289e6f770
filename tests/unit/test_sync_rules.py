"""Records of other systems: what they must hold, who owns which field, and what follows."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatloop.bridge.sync.decide import OURS, THEIRS, Kind, decide
from heatloop.bridge.sync.records import (
    Incoming,
    checked,
    checksum_of,
    from_plain,
    from_row,
    newest_of,
)
from heatloop.bridge.sync.rules import ENTITIES, Unfit, of_entity, rules, same, typed
from heatloop.plant.asset_kinds import asset_kinds

NOW_S = 1_800_000_000.0


def record(entity: str = "contract", revision: int = 5, **fields: Any) -> Incoming:
    return Incoming(
        entity=entity, source_id="B-1", revision=revision, changed_s=NOW_S, fields=fields
    )


def test_every_rule_stands_on_an_attribute_of_its_kind() -> None:
    for (entity, field), rule in rules().items():
        assert entity in ENTITIES
        assert all((rule.zh, rule.en)), field
        if entity == "ticket":
            assert not rule.attribute
            continue
        if rule.attribute:
            attribute = asset_kinds()[entity].attributes[rule.attribute]
            # What the ledger seals, the exchange seals.
            assert attribute.secret == rule.secret, (entity, field)
            if rule.choices:
                assert set(rule.choices) == set(attribute.choices)


def _verdict(system: str, incoming: Incoming, ours: Any, agreed: Any, here_s: float = 0.0) -> Any:
    return decide(system, incoming, ours, agreed, lambda _: here_s)


def test_the_owner_changes_and_overrides_nobody() -> None:
    verdict = _verdict("billing", record(area_m2=90.0), {"area_m2": 88.0}, {"area_m2": 88.0})
    assert verdict.apply == {"area_m2": 90.0}
    assert verdict.clashes == []
    assert verdict.agreed == {"area_m2": 90.0}


def test_the_owner_wins_over_a_change_made_here_and_it_is_written_down() -> None:
    verdict = _verdict("billing", record(area_m2=90.0), {"area_m2": 80.0}, {"area_m2": 88.0})
    assert verdict.apply == {"area_m2": 90.0}
    (clash,) = verdict.clashes
    assert (clash.kind, clash.winner) == (Kind.OVERRIDDEN, THEIRS)
    assert (clash.theirs, clash.ours, clash.agreed) == (90.0, 80.0, 88.0)


def test_who_does_not_own_changes_nothing_and_asks() -> None:
    for system, fields, attribute in (
        ("customer", {"area_m2": 90.0}, "area_m2"),
        ("customer", {"heat_off": True}, "stopped"),
    ):
        verdict = _verdict(system, record(**fields), {attribute: 1.0}, {})
        assert verdict.apply == {}
        (clash,) = verdict.clashes
        assert (clash.kind, clash.winner) == (Kind.NOT_OWNER, "")


def test_valve_position_belongs_to_the_platform() -> None:
    told = record("flat", valve_open=False)
    verdict = _verdict("billing", told, {"connected": True}, {"valve_open": True})
    assert verdict.apply == {}
    assert verdict.clashes[0].kind is Kind.NOT_OWNER


@pytest.mark.parametrize(
    ("ours", "agreed", "here_s", "apply", "winner"),
    [
        ("old", {"address": "old"}, NOW_S + 9, {"address": "new"}, None),  # only they changed
        ("mine", {"address": "new"}, NOW_S - 9, {}, None),  # only we changed
        ("mine", {"address": "old"}, NOW_S - 9, {"address": "new"}, THEIRS),
        ("mine", {"address": "old"}, NOW_S + 9, {}, OURS),
        ("mine", {"address": "old"}, NOW_S, {}, ""),  # at the same moment: a person decides
        ("mine", {}, NOW_S + 9, {}, OURS),  # first contact
        (None, {}, NOW_S + 9, {"address": "new"}, None),  # nothing was said here
    ],
)
def test_where_both_may_change_the_later_change_holds(
    ours: Any, agreed: Any, here_s: float, apply: Any, winner: Any
) -> None:
    mine = {} if ours is None else {"address": ours}
    verdict = _verdict("billing", record("flat", address="new"), mine, agreed, here_s)
    assert verdict.apply == apply
    assert [clash.winner for clash in verdict.clashes] == ([] if winner is None else [winner])


def test_fields_of_the_register_never_clash() -> None:
    verdict = _verdict("billing", record(fee_state="unpaid", balance_yuan=-120.5), {}, {})
    assert verdict.apply == {}
    assert verdict.clashes == []
    assert verdict.agreed == {"fee_state": "unpaid", "balance_yuan": -120.5}


_VALUES = st.one_of(st.none(), st.floats(0, 500_000, allow_nan=False), st.just(88.0))


@given(
    theirs=_VALUES,
    ours=_VALUES,
    agreed=st.one_of(st.none(), st.fixed_dictionaries({"area_m2": _VALUES})),
    system=st.sampled_from(["billing", "customer"]),
)
def test_taken_twice_changes_nothing_more(theirs: Any, ours: Any, agreed: Any, system: str) -> None:
    attributes = {"area_m2": ours} if ours is not None else {}
    first = _verdict(system, record(area_m2=theirs), attributes, agreed or {})
    after = {**attributes, **first.apply}
    second = _verdict(system, record(area_m2=theirs), after, {**(agreed or {}), **first.agreed})
    assert second.apply == {} or system == "billing"
    if system == "billing":
        # The owner's word stands here afterwards, whatever stood before.
        assert same(after.get("area_m2"), theirs)
        assert second.apply == {}
        assert second.clashes == []
    else:
        assert same(after.get("area_m2"), ours)


def test_a_checksum_is_over_canonical_json() -> None:
    told = record(area_m2=88, contract_no="H-7")
    text = ('{"deleted":false,"entity":"contract","fields":{"area_m2":88,"contract_no":"H-7"},'
            '"id":"B-1","revision":5}')  # fmt: skip
    assert checksum_of(told) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"checksum": "0" * 64}, "checksum"),
        ({"entity": "valve"}, "entity"),
        ({"source_id": ""}, "id"),
        ({"code": "../../etc"}, "code"),
        ({"revision": -1}, "revision"),
        ({"fields": {"colour": "red"}}, "colour"),
        ({"fields": {"area_m2": "large"}}, "area_m2"),
        ({"fields": {"area_m2": True}}, "area_m2"),
        ({"fields": {"area_m2": 1e7}}, "area_m2"),
        ({"fields": {"heat_off": "maybe"}}, "heat_off"),
        ({"fields": {"signed": "31.12.2025"}}, "signed"),
        ({"fields": {"tariff": "free"}}, "tariff"),
        ({"fields": {"user_name": "x" * 3000}}, "user_name"),
    ],
)
def test_what_is_not_to_be_taken_says_which_field_and_why(change: Any, field: str) -> None:
    plain = {"entity": "contract", "source_id": "B-1", "revision": 5, "changed_s": NOW_S}
    with pytest.raises(Unfit) as refused:
        checked(Incoming(**(plain | change)))
    assert refused.value.field == field
    assert refused.value.zh
    assert refused.value.en


def test_words_of_files_become_values() -> None:
    fields = of_entity("contract")
    assert typed(fields["heat_off"], "是") is True
    assert typed(fields["heat_off"], "0") is False
    assert typed(fields["area_m2"], "88.5") == 88.5
    assert typed(fields["area_m2"], "") is None
    assert typed(fields["signed"], "2025-10-15") == "2025-10-15"
    assert typed(of_entity("ticket")["opened"], "2025-12-01T08:00:00+08:00") is not None
    with pytest.raises(Unfit, match="zone"):
        typed(of_entity("ticket")["opened"], "2025-12-01T08:00:00")


def test_rows_and_objects_of_files() -> None:
    row = {"entity": "contract", "id": "B-1", "revision": "7", "area_m2": "90", "heat_off": None,
           "changed": "2026-01-05T10:00:00+08:00", "deleted": None}  # fmt: skip
    found = from_row(row)
    assert (found.source_id, found.revision, found.fields) == ("B-1", 7, {"area_m2": "90"})
    text = "|".join("" if value is None else value for value in row.values())
    sound = row | {"checksum": hashlib.sha256(text.encode()).hexdigest()}
    assert from_row(sound).fields == {"area_m2": "90"}
    with pytest.raises(Unfit, match="checksum"):
        from_row(sound | {"area_m2": "91"})
    for bad in ({"changed": "2026-01-05T10:00:00"}, {"revision": "x"}, {"deleted": "perhaps"}):
        with pytest.raises(Unfit):
            from_row(row | bad)
    with pytest.raises(Unfit):
        from_plain({"entity": "flat", "id": "1", "revision": 1,
                    "changed": "2026-01-05T10:00:00Z", "fields": {"address": ["a"]}})  # fmt: skip
    with pytest.raises(Unfit):
        from_plain(json.loads('{"fields": 3}'))


def test_of_one_thing_in_a_batch_the_newest_revision_counts() -> None:
    batch = [record(revision=3, area_m2=1), record(revision=5, area_m2=2), record(revision=4)]
    (newest,) = newest_of(batch)
    assert (newest.revision, newest.fields) == (5, {"area_m2": 2})
