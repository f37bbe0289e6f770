"""The tables of the package fit each other."""

from __future__ import annotations

import pytest

from heatloop.kernel.errors import InputError
from heatloop.kernel.units import UNITS
from heatloop.plant.asset_kinds import ORGANISATION, asset_kind, asset_kinds, secret_attributes
from heatloop.plant.check_devices import device_profiles
from heatloop.plant.coding import code_rules
from heatloop.plant.completeness import NODES, required_points, template
from heatloop.plant.derive import COMPUTED
from heatloop.plant.kinds import PERIODS_S, point_kind, point_kinds
from heatloop.plant.profiles import OWN, profile, profile_markdown, profile_names
from heatloop.protocols.register_places import first_overlap

RANGES = {
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
}


@pytest.mark.parametrize("kind", point_kinds().values(), ids=lambda kind: kind.kind)
def test_a_point_kind_is_whole(kind) -> None:
    assert kind.zh
    assert kind.en
    assert kind.unit in UNITS
    assert kind.low < kind.high
    for limit in (kind.alarm_low, kind.alarm_high):
        assert limit is None or kind.low <= limit <= kind.high
    assert kind.period_s in PERIODS_S
    assert kind.access in {"r", "rw"}
    assert kind.writable == (kind.access == "rw")
    assert kind.class_ in {"process", "metering", "status", "setting", "service", "weather"}


def test_counters_are_never_rounded() -> None:
    for kind in point_kinds().values():
        assert (kind.class_ == "metering") == kind.kind.endswith("_total"), kind.kind


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_is_whole(name: str) -> None:
    rows = profile(name)
    about = device_profiles()[name]
    assert rows
    assert set(about.assets) <= set(asset_kinds())
    seen = set()
    for row in rows:
        kind = point_kinds()[row.kind]
        assert row.access == kind.access or (row.access, kind.access) == ("r", "rw"), row
        assert row.child == OWN or row.child in asset_kinds()
        assert (row.child == OWN) == (row.stride == 0)
        assert (row.child, row.kind, row.n) not in seen
        seen.add((row.child, row.kind, row.n))
        if row.access == "rw" or kind.class_ in {"status", "setting"}:
            low, high = RANGES.get(row.dtype, (-(2**15), 2**16))
            assert low * row.factor <= kind.low, row
            assert kind.high <= high * row.factor, row


@pytest.mark.parametrize("name", profile_names())
def test_registers_of_a_profile_do_not_overlap(name: str) -> None:
    assert first_overlap(profile(name)) is None
    for child in {row.child for row in profile(name)} - {OWN}:
        rows = [row for row in profile(name) if row.child == child]
        stride = {row.stride for row in rows}
        assert len(stride) == 1
        assert rows[-1].register + rows[-1].words - rows[0].register <= stride.pop()


def test_the_register_map_is_printed() -> None:
    text = profile_markdown("substation_controller")
    assert text.startswith("# substation_controller\n")
    assert "| 288 | unit k (+128 k) | station_mode | 控制模式 |" in text
    assert "heating_curve_supply.6" in text
    assert text.count("\n| ") == len(profile("substation_controller")) + 1


def test_unknown_names_are_refused() -> None:
    for look in (profile, point_kind, asset_kind):
        with pytest.raises(InputError) as caught:
            look("nonsense")
        assert caught.value.thing == "nonsense"
        assert caught.value.fix


@pytest.mark.parametrize("kind", asset_kinds().values(), ids=lambda kind: kind.kind)
def test_an_asset_kind_is_whole(kind) -> None:
    assert kind.zh
    assert kind.en
    assert kind.parents <= set(asset_kinds())
    assert kind.parents or kind.rootable
    if kind.tree == ORGANISATION:
        assert all(asset_kinds()[parent].tree == ORGANISATION for parent in kind.parents)
    for attribute in kind.attributes.values():
        assert attribute.type in {"text", "number", "bool", "choice", "date", "ref"}
        assert bool(attribute.choices) == (attribute.type in {"choice", "ref"})
        if attribute.type == "ref":
            assert set(attribute.choices) <= set(asset_kinds())
        assert attribute.zh
        assert attribute.en


def test_no_two_columns_of_a_sheet_share_a_heading() -> None:
    for kind in asset_kinds().values():
        zh = [attribute.zh for attribute in kind.attributes.values()]
        assert len(set(zh)) == len(zh), kind.kind


def test_every_kind_has_its_own_prefix() -> None:
    prefixes = [prefix for prefix, _ in code_rules().values()]
    assert len(set(prefixes)) == len(prefixes)


def test_personal_data_is_marked() -> None:
    assert secret_attributes("contract") == {"user_name", "phone", "id_number"}
    assert secret_attributes("person") == {"phone", "email"}
    assert secret_attributes("substation") == frozenset()


def test_required_points_exist_and_can_be_measured() -> None:
    measured = {
        (kind, row.kind)
        for about in device_profiles().values()
        for row in profile(about.profile)
        for kind in (about.assets if row.child == OWN else (row.child,))
    }
    measured |= {(kind, name) for kind, names in COMPUTED.items() for name in names}
    for kind, rows in required_points().items():
        assert len({row.node for row in rows}) == 1, "one node for a kind of asset"
        for row in rows:
            assert row.node in NODES
            assert (kind, row.point_kind) in measured, row


def test_lists_have_the_length_the_standard_gives() -> None:
    lists = ("heat_source", "substation_primary", "unit_secondary", "building_inlet", "household")
    assert [len(template(name)) for name in lists] == [8, 7, 12, 5, 6]
    assert len(template("weather")) == 8
