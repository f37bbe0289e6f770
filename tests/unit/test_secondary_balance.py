"""Secondary balance as people get it: ranking, proposals, reasons, scope, and the workbook."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import openpyxl
import pytest

from heatloop.app.history import ThreadedHistorian
from heatloop.app.refusals import Refused
from heatloop.app.secondary_balance import SecondaryBalance
from heatloop.app.views.balance import BalanceView
from heatloop.app.world import World
from heatloop.control.unit_balance import InletHours, balance_unit
from heatloop.kernel.quality import Quality
from heatloop.kernel.scope import Scope
from heatloop.security.access import Role
from heatloop.store.historian.memory import MemoryHistorian
from tests.unit.app_town import TownClock, town
from tests.unit.balance_town import HOUSES, houses_ledger, readings, tell_day

API = "/api/v1/balance"
UNIT, OTHER = "UN0001", "UN0002"


ALL = Scope.everything()


class Here:
    """The service over a ledger and a historian of its own."""

    def __init__(self, *without: str) -> None:
        self.clock = TownClock()
        self.world = World(self.clock, houses_ledger(*without))
        self.historian = ThreadedHistorian(MemoryHistorian(zone=ZoneInfo("Asia/Shanghai")))
        self.balance = SecondaryBalance(self.world, self.historian)

    async def tell(self, values: dict[str, float], **how: Any) -> None:
        await tell_day(self.world, self.historian, values, **how)
        await self.historian.refresh_rollups()

    async def one(self, unit: str = UNIT) -> BalanceView:
        return await self.balance.one(ALL, unit)


async def test_a_unit_is_balanced_by_the_flows_of_the_last_day() -> None:
    here = Here()
    await here.tell(readings(UNIT))
    view = await here.one()
    assert tuple(row.building for row in view.items) == HOUSES[UNIT]
    near, second, third, far = view.items
    assert (near.state, far.state) == ("throttle", "open_more")
    assert near.factor == pytest.approx(10.0 / 12.0, abs=0.01)
    assert near.opening_pct == far.opening_pct == 60.0
    assert (near.proposed_pct or 0.0) < 60.0 < (far.proposed_pct or 0.0)
    assert second.state == third.state == "fine"
    assert second.proposed_pct == 60.0
    card = view.card
    assert (card.method, card.hours, card.reason) == ("flow", 24, "")
    assert (card.buildings, card.known, card.to_move) == (4, 4, 2)
    assert card.spread_pct == pytest.approx(14.4, abs=0.5)
    assert (view.share_by, near.share_pct) == ("area", 25.0)


async def test_without_good_flows_return_temperatures_tell() -> None:
    here = Here()
    await here.tell(readings(UNIT))
    bad = {code: 99.0 for code in readings(UNIT) if code.endswith("building_flow")}
    await here.tell(bad, quality=Quality.BAD)
    view = await here.one()
    assert view.card.method == "return"
    assert view.items[0].flow_m3h is None
    assert [row.state for row in view.items][::3] == ["throttle", "open_more"]


async def test_units_are_ranked_the_worst_first_and_the_silent_last() -> None:
    here = Here()
    await here.tell(readings(UNIT))
    page = await here.balance.page(ALL, 1, 50)
    assert [(row.unit, row.reason) for row in page.items] == [(UNIT, ""), (OTHER, "few_known")]
    assert page.items[1].spread_pct is None
    # Worse than the first, once it has readings; what is known is kept for ten minutes.
    await here.tell(readings(OTHER) | {"BD0006.building_flow": 3.0})
    assert (await here.balance.page(ALL, 1, 50)).items[0].unit == UNIT
    here.clock.advance(600.0)
    page = await here.balance.page(ALL, 1, 1)
    assert (page.total, len(page.items), page.items[0].unit) == (2, 1, OTHER)
    assert (await here.balance.page(ALL, 2, 1)).items[0].unit == UNIT
    # Another ledger is looked at at once.
    here.world.install(houses_ledger("BD0006"))
    assert (await here.balance.page(ALL, 1, 1)).items[0].unit == UNIT


async def test_reasons_are_named_where_nothing_is_proposed() -> None:
    here = Here("BD0006")
    await here.tell(readings(UNIT))
    stopped = {f"{UNIT}.secondary_return_temperature": 54.5, f"{UNIT}.secondary_flow": 0.0}
    await here.tell(stopped, hours=(-1, 0))
    await here.tell({k: v for k, v in readings(OTHER).items() if not k.startswith("BD0006")})
    view = await here.one()
    assert view.card.reason == "not_heating"
    assert {row.state for row in view.items} == {"unknown"}
    assert view.items[0].opening_pct == 60.0
    # A unit with one building has nobody to share with.
    other = await here.one(OTHER)
    assert (other.card.reason, other.card.buildings) == ("few_known", 1)
    assert other.items[0].factor is None
    # The flat and its collector go with the building.
    bare = Here("BD0002", "BD0006", "FL00002", "RC0002")
    assert (await bare.one(OTHER)).card.reason == "no_buildings"
    assert (await bare.one(OTHER)).items == []


async def test_after_a_valve_was_moved_only_what_came_since_counts() -> None:
    here = Here()
    await here.tell(readings(UNIT))
    moved = {"BD0005.building_valve_opening": 75.0, "BD0005.building_flow": 10.0}
    await here.tell(moved, hours=(-2, 0))
    assert (await here.one()).card.reason == "valves_moved"
    await here.tell(moved, hours=(-3, 0))
    here.clock.advance(600.0)
    view = await here.one()
    assert (view.card.reason, view.card.hours) == ("", 3)
    assert (view.items[3].flow_m3h, view.items[3].opening_pct) == (10.0, 75.0)


async def test_what_is_no_unit_or_out_of_sight_is_not_found() -> None:
    here = Here()
    for scope, code in ((ALL, "SS0001"), (ALL, "UN0009"), (Scope.of(["CO01/BR02"]), UNIT)):
        with pytest.raises(Refused, match="no such thing"):
            await here.balance.one(scope, code)


def _cells(data: bytes, sheet: str) -> list[dict[str, Any]]:
    rows = list(openpyxl.load_workbook(io.BytesIO(data))[sheet].iter_rows(values_only=True))
    return [dict(zip(map(str, rows[0]), row, strict=True)) for row in rows[1:]]


async def test_the_interface_keeps_to_the_scope_and_gives_technicians_a_workbook(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as made:
        platform = made.platform
        platform.world.install(houses_ledger())
        await tell_day(platform.world, platform.historian, readings(UNIT))
        async with made.client("li", Role.DISPATCHER, scope="CO01/BR02") as li:
            page = (await li.get(API)).json()
            assert [row["unit"] for row in page["items"]] == [OTHER]
            assert (await li.get(f"{API}/{UNIT}")).status_code == 404
            assert (await li.get(f"{API}/export", params={"unit": UNIT})).status_code == 404
            book = await li.get(f"{API}/export", params={"language": "en"})
            assert [row["unit"] for row in _cells(book.content, "units")] == [OTHER]
            assert [row["unit"] for row in _cells(book.content, "valves")] == [OTHER] * 2
        async with made.client("wang", Role.DISPATCHER) as wang:
            assert (await wang.get(f"{API}/{UNIT}")).json()["card"]["to_move"] == 2
            book = await wang.get(f"{API}/export", params={"language": "en"})
            assert "secondary-balance.xlsx" in book.headers["content-disposition"]
            valves = _cells(book.content, "valves")
            assert [row["unit"] for row in valves] == [UNIT] * 4 + [OTHER] * 2
            assert (valves[0]["building"], valves[0]["what to do"]) == ("BD0001", "throttle")
            assert valves[0]["proposed opening %"] < valves[0]["present opening %"] == 60
            assert _cells(book.content, "units")[1]["why none"].startswith("fewer than two")
            book = await wang.get(f"{API}/export", params={"unit": UNIT})
            valves = _cells(book.content, "楼栋阀门")
            assert [row["建议"] for row in valves] == ["关小", "合适", "合适", "开大"]
        trail = platform.records.audit.list()[1]
        told = {(r.user, r.subject) for r in trail if r.action == "balance.export"}
        assert told == {("li", "all"), ("wang", "all"), ("wang", UNIT)}


def _hours(flows: list[float], **other: Any) -> InletHours:
    n = len(flows)
    shape = (6, n)
    made = InletHours(
        unit_supply_c=np.full(6, 55.0),
        unit_return_c=np.full(6, 45.0),
        unit_flow_m3h=np.full(6, np.nan),
        supply_c=np.full(shape, np.nan),
        return_c=np.full(shape, 45.0),
        flow_m3h=np.tile(flows, (6, 1)),
        opening_pct=np.full(shape, 60.0),
        room_c=np.full(shape, np.nan),
        share=np.ones(n),
    )
    return replace(made, **other)


def test_a_hand_valve_is_told_what_to_do_without_an_opening() -> None:
    opening = np.tile([60.0, np.nan, np.nan], (6, 1))
    found = balance_unit(_hours([10.0, 12.0, 10.9], opening_pct=opening))
    assert found.states == ("open_more", "throttle", "fine")
    assert np.isnan(found.proposed_pct[1:]).all()
    assert np.isfinite(found.factor).all()


def test_a_valve_fully_open_and_short_is_named_and_the_others_give_way() -> None:
    opening = np.tile([99.0, 80.0, 80.0], (6, 1))
    found = balance_unit(_hours([6.0, 10.0, 10.0], opening_pct=opening))
    assert found.states == ("at_stop", "throttle", "throttle")
    assert found.proposed_pct[0] == 99.0


def test_a_warm_house_with_the_same_return_gets_more_than_its_share() -> None:
    nothing = np.full((6, 3), np.nan)
    room = np.tile([24.0, 18.0, np.nan], (6, 1))
    found = balance_unit(_hours([1.0, 1.0, 1.0], flow_m3h=nothing, room_c=room))
    assert found.method == "return"
    # Water leaves warm rooms as warm only if little of it was needed.
    assert found.factor[0] > found.factor[2] > found.factor[1]
    assert found.room_c[2] != found.room_c[2]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"unit_return_c": np.full(6, 54.6)}, "not_heating"),
        ({"unit_flow_m3h": np.zeros(6)}, "not_heating"),
        ({"flow_m3h": np.tile([10.0, np.nan], (6, 1)), "return_c": np.full((6, 2), np.nan)},
         "few_known"),
        ({"unit_supply_c": np.full(6, np.nan), "return_c": np.full((6, 2), np.nan)}, "few_known"),
        ({"opening_pct": np.array([[60.0, 20.0 + 5.0 * n] for n in range(6)])}, "valves_moved"),
    ],
)  # fmt: skip
def test_why_nothing_is_proposed(change: dict[str, Any], reason: str) -> None:
    found = balance_unit(_hours([10.0, 8.0], **change))
    assert (found.reason, found.method, found.states) == (reason, "", ("unknown",) * 2)
    assert np.isnan(found.spread)
    assert balance_unit(_hours([10.0, 8.0])).reason == ""


def test_a_ledger_without_buildings_has_nothing_to_balance() -> None:
    none = _hours([])
    assert balance_unit(none).reason == "no_buildings"
