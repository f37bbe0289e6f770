"""Secondary balance on the demo city, where nearer houses get more than their share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from heatloop.control.unit_balance import InletHours, balance_unit
from heatloop.demo.city import City
from heatloop.network.valve import kv_share

START_S = 1_800_000_000.0
HOURS = 5
UNIT = {
    "unit_supply_c": "secondary_supply_temperature",
    "unit_return_c": "secondary_return_temperature",
    "unit_flow_m3h": "secondary_flow",
}
INLET = {
    "supply_c": "building_supply_temperature",
    "return_c": "building_return_temperature",
    "flow_m3h": "building_flow",
    "opening_pct": "building_valve_opening",
}


@pytest.fixture(scope="module")
def units() -> dict[str, InletHours]:
    """Return some hours of each unit as the meters show them, houses in the order of distance."""
    city = City(7, "tiny", START_S - 3 * 3600.0, settled=False)
    for _ in range(36):
        city.step(300.0, show=False)
    means = []
    for _ in range(HOURS):
        shown = []
        for _ in range(6):
            city.step(600.0)
            shown.append(city.shown)
        means.append(np.mean(shown, axis=0))
    table = np.array(means)
    found = {}
    for unit in city.ledger.of_kind("unit"):
        houses = [a for a in city.ledger.below(unit.code) if a.kind == "building"]
        houses.sort(key=lambda asset: asset.code)
        own = [a.attributes for a in houses]
        size = [float(each["area_m2"]) * float(each["heat_index_w_m2"]) for each in own]
        found[unit.code] = InletHours(
            **{k: table[:, city.measured[f"{unit.code}.{kind}"]] for k, kind in UNIT.items()},
            **{
                k: np.column_stack([table[:, city.measured[f"{a.code}.{kind}"]] for a in houses])
                for k, kind in INLET.items()
            },
            room_c=np.full((HOURS, len(houses)), np.nan),
            share=np.array(size),
        )
    return found


@pytest.mark.parametrize("method", ["flow", "return"])
def test_near_houses_are_throttled_and_far_ones_opened(
    units: dict[str, InletHours], method: str
) -> None:
    assert len(units) >= 4
    for code, hours in units.items():
        if method == "return":
            hours = replace(hours, flow_m3h=np.full(hours.flow_m3h.shape, np.nan))
        found = balance_unit(hours)
        assert (found.reason, found.method, found.hours) == ("", method, HOURS), code
        assert (found.states[0], found.states[-1]) == ("throttle", "open_more"), code
        assert found.proposed_pct[0] < found.opening_pct[0] - 1.0
        assert found.proposed_pct[-1] > found.opening_pct[-1] + 1.0
        # The farther, the more it lacks: not of every pair, for houses differ, but on the whole.
        rank = np.arange(len(found.factor))
        assert np.corrcoef(rank, found.factor)[0, 1] > 0.7


def test_what_is_proposed_brings_the_flows_together(units: dict[str, InletHours]) -> None:
    for hours in units.values():
        before = balance_unit(hours)
        gain = kv_share(before.proposed_pct) / kv_share(before.opening_pct)
        # The pump moves what it moved; the valves divide it otherwise.
        flow = hours.flow_m3h * gain
        flow *= hours.flow_m3h.sum(axis=1, keepdims=True) / flow.sum(axis=1, keepdims=True)
        moved = np.broadcast_to(before.proposed_pct, flow.shape)
        after = balance_unit(replace(hours, flow_m3h=flow, opening_pct=moved))
        assert before.spread > 0.08
        assert after.spread < 0.5 * before.spread
