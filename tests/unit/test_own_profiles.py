"""A company's own device profiles: in the ledger, checked, versioned, and used by its devices."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from heatloop.plant.bad_rows import LedgerErrors
from heatloop.plant.build import build_ledger
from heatloop.plant.changes import changes, revise
from heatloop.plant.own_profiles import MOST_ROWS, OwnProfile
from heatloop.plant.profiles import ProfileRow, rows_markdown
from heatloop.plant.rows import from_rows, to_rows
from tests.unit.plant_town import asset, contents, device, gateways
from tests.unit.plant_town import assets as town_assets


def row(register: int, kind: str, **rest) -> ProfileRow:
    usual = {"child": "device", "stride": 0, "n": 0, "dtype": "uint16", "factor": 1.0}
    return ProfileRow(register=register, kind=kind, **{**usual, "access": "r", **rest})


def own(*rows: ProfileRow, **rest) -> OwnProfile:
    usual = {
        "profile": "own_heat_inlet",
        "zh": "热力入口采集器",
        "en": "heat inlet",
        "assets": ("substation",),
        "protocols": ("modbus_tcp",),
    }
    return OwnProfile(**{**usual, **rest}, rows=rows)


INLET = own(
    row(10, "primary_supply_temperature", dtype="float32:CDAB"),
    row(12, "primary_return_temperature", dtype="float32:CDAB", offset=0.5),
    row(100, "building_flow", child="building", stride=20, dtype="uint32", factor=0.01),
    row(102, "building_supply_temperature", child="building", stride=20, factor=0.1),
)


def ledger(profile: OwnProfile = INLET):
    devices = [device(1, "SS0001", profile.profile)]
    return build_ledger(town_assets(), devices, gateways(), version=1, keys={}, profiles=[profile])


def test_a_device_with_an_own_profile_gets_points_and_bindings():
    made = ledger()
    bindings = {b.point: b for b in made.bindings_of_device("DV0001")}
    assert list(bindings) == [
        "SS0001.primary_supply_temperature",
        "SS0001.primary_return_temperature",
        "BD0001.building_flow",
        "BD0001.building_supply_temperature",
        "BD0002.building_flow",
        "BD0002.building_supply_temperature",
        "BD0003.building_flow",
        "BD0003.building_supply_temperature",
    ]
    second = bindings["BD0002.building_flow"]
    assert (second.register, second.dtype, second.factor) == (120, "uint32", 0.01)
    assert bindings["SS0001.primary_return_temperature"].offset == 0.5
    assert "| 100 | building k (+20 k) |" in rows_markdown("x", made.profiles.rows(INLET.profile))


def test_the_ledger_keeps_its_profiles_through_rows_changes_and_processes():
    made = ledger()
    sheets = to_rows(made)
    assert [r["code"] for r in sheets["profile"]] == ["own_heat_inlet"]
    assert len(sheets["profile_row"]) == 4
    again = from_rows(sheets, version=1, keys=made.keys)
    assert contents(again) == contents(made)
    assert dict(again.profiles.own) == dict(made.profiles.own)
    assert dict(pickle.loads(pickle.dumps(made)).profiles.own) == dict(made.profiles.own)
    house = {"use": "dwelling", "year": 1998, "floors": 6, "envelope": "fair", "area_m2": 900}
    more = revise(made, version=2, put=[asset("BD0009", "building", "UN0002", **house)])
    assert more.profiles.own == made.profiles.own
    assert len(more.bindings) == len(made.bindings) + 2
    wider = replace(INLET, rows=(*INLET.rows[:-1], replace(INLET.rows[-1], factor=0.01)))
    changed = revise(made, version=2, put=[wider])
    assert {c.code for c in changes(made, changed)} == {"own_heat_inlet"}
    bindings = changed.bindings_of_device("DV0001")
    assert {b.factor for b in bindings if b.kind == "building_supply_temperature"} == {0.01}
    with pytest.raises(LedgerErrors):  # its device would have no profile left
        revise(made, version=2, remove=["own_heat_inlet"])
    bare = revise(made, version=2, remove=["DV0001"])
    assert not revise(bare, version=3, remove=["own_heat_inlet"]).profiles.own
    assert "profile" not in to_rows(revise(bare, version=3, remove=["own_heat_inlet"]))


def test_chinese_headings_and_defaults_are_read():
    sheets = to_rows(ledger())
    sheets["自有设备类型"] = [
        {"编码": "own_a", "名称": "某设备", "服务资产类型": "substation", "通讯协议": "mbus"}
    ]
    sheets["自有设备类型明细"] = [
        {"设备类型": "own_a", "测点类型": "primary_flow", "数据来源": "flow", "寄存器": 0}
    ]
    made = from_rows(sheets, version=1, keys={})
    (one,) = made.profiles.rows("own_a")
    assert (one.child, one.factor, one.access, one.source) == ("device", 1.0, "r", "flow")
    assert made.profiles.own["own_a"].en == "某设备"


BAD = [
    ("code", own(row(0, "primary_flow"), profile="own_Big")),
    ("code", own(row(0, "primary_flow"), profile="substation_controller")),
    ("code", own()),
    ("zh", own(row(0, "primary_flow"), zh=" ")),
    ("assets", own(row(0, "primary_flow"), assets=("palace",))),
    ("protocols", own(row(0, "primary_flow"), protocols=())),
    ("kind", own(row(0, "no_such_kind"))),
    ("kind", own(row(0, "primary_flow"), row(4, "primary_flow"))),
    ("child", own(row(0, "primary_flow", child="planet", stride=9))),
    ("access", own(row(0, "primary_flow", access="rw"))),
    ("access", own(row(0, "primary_flow", access="w"))),
    ("factor", own(row(0, "primary_flow", factor=0.0))),
    ("factor", own(row(0, "primary_flow", factor=float("nan")))),
    ("dtype", own(row(0, "primary_flow", dtype="float128"))),
    ("dtype", own(row(0, "primary_flow", dtype=""))),
    ("dtype", own(row(0, "primary_flow", dtype="string:8"))),
    ("source", own(row(0, "primary_flow", source="somewhere"))),
    ("source", own(row(0, "primary_flow", dtype=""), protocols=("mbus",))),
    ("register", own(row(65535, "primary_flow", dtype="uint32"))),
    ("register", own(row(-1, "primary_flow"))),
    ("register", own(row(0, "primary_flow", dtype="uint32"), row(1, "tank_level"))),
    ("stride", own(row(0, "building_flow", child="building"))),
    ("stride", own(row(0, "primary_flow", stride=4))),
    ("stride", own(row(0, "building_flow", child="building", stride=1, dtype="uint32"))),
    (
        "stride",
        own(
            row(0, "building_flow", child="building", stride=8),
            row(2, "building_supply_temperature", child="building", stride=9),
        ),
    ),
    ("n", own(row(0, "primary_flow", n=100))),
]


@pytest.mark.parametrize(("column", "profile"), BAD, ids=lambda x: x if isinstance(x, str) else "")
def test_what_is_wrong_is_told_by_its_column(column: str, profile: OwnProfile):
    with pytest.raises(LedgerErrors) as caught:
        build_ledger(town_assets(), [], gateways(), version=1, keys={}, profiles=[profile])
    found = [bad for bad in caught.value.rows if bad.column == column]
    assert found, caught.value.rows
    assert all(bad.message_zh and bad.message_en and " / " in bad.fix for bad in found)


def test_bits_of_one_register_and_tables_side_by_side_do_not_overlap():
    profile = own(
        row(5, "station_flood", dtype="bit0"),
        row(5, "circulation_pump_fault", dtype="bit1", n=1),
        row(5, "primary_flow", source="input"),
    )
    made = build_ledger(town_assets(), [], gateways(), version=1, keys={}, profiles=[profile])
    assert len(made.profiles.rows(profile.profile)) == 3


def test_two_profiles_of_one_name_and_too_many_rows_are_refused():
    for profiles in ([INLET, INLET], [own(*(row(2 * i, "primary_flow") for i in range(2001)))]):
        with pytest.raises(LedgerErrors) as caught:
            build_ledger(town_assets(), [], gateways(), version=1, keys={}, profiles=profiles)
        assert any(bad.column == "code" for bad in caught.value.rows)
    assert MOST_ROWS == 2000


def test_a_device_must_fit_its_own_profile():
    for of, protocol in (("HS0001", "modbus_tcp"), ("SS0001", "coap")):
        with pytest.raises(LedgerErrors):
            build_ledger(
                town_assets(),
                [replace(device(1, of, INLET.profile), protocol=protocol, port=502)],
                gateways(),
                version=1,
                keys={},
                profiles=[INLET],
            )
