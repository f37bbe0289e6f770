"""Flats of a house, and the risers that feed them, against counts and an independent solve."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import root

from heatloop.kernel.errors import InputError
from heatloop.network.building import BuildingState, step_buildings, stored_kj
from heatloop.network.emitter import emitter_heat_kw, emitter_size_kw, heat_shares
from heatloop.network.flats import Fabric, draw_spread, lay_flats, plan_of_flats
from heatloop.network.risers import (
    Risers,
    balanced_openings,
    divided_kgs,
    riser_conductance,
    riser_flows_kgs,
)
from heatloop.network.valve import valve_resistance_kpa_kgs2
from heatloop.network.water import CP_KJ_KGK


def test_every_wall_between_flats_is_counted_once():
    flats = lay_flats(floors=6, columns=4, area_m2=90.0, front=4)
    assert len(flats.area_m2) == 24
    assert len(flats.neighbours) == 6 * 3 + 5 * 4
    assert len({tuple(sorted(p)) for p in flats.neighbours.tolist()}) == len(flats.neighbours)
    slab = flats.neighbour_kw_k[-1]
    assert slab == pytest.approx(1.6e-3 * 90.0)


def test_corner_top_and_bottom_flats_lose_more():
    flats = lay_flats(floors=6, columns=4, area_m2=90.0, front=4)
    loss = flats.loss_kw_k().reshape(6, 4)
    middle = loss[2, 1]
    assert loss[2, 0] > 1.1 * middle
    assert loss[5, 1] > 1.2 * middle
    assert loss[0, 1] > 1.05 * middle
    assert loss[5, 3] == loss.max()
    # Outer walls by hand: two fronts without windows, 0.7 W/m2K.
    fronts = 2 * 90.0 / 11.0 * 2.8
    assert flats.opaque_kw_k.reshape(6, 4)[2, 1] == pytest.approx(0.7e-3 * fronts * 0.75)


def test_a_house_loses_what_northern_houses_lose():
    flats = lay_flats(floors=6, columns=6, area_m2=90.0, front=4)
    w_m2 = flats.loss_kw_k().sum() * 1000.0 * (20.0 + 20.0) / flats.area_m2.sum()
    assert 30.0 < w_m2 < 55.0


def test_a_plan_holds_all_houses_side_by_side():
    rng = np.random.default_rng(4)
    houses = [lay_flats(3, 2, 80.0, 4), lay_flats(5, 4, 100.0, 2, Fabric(wall_w_m2k=1.3))]
    spreads = [draw_spread(h.area_m2, rng) for h in houses]
    plan = plan_of_flats(houses, spreads)
    assert plan.building.tolist() == [0] * 6 + [1] * 20
    assert np.bincount(plan.building, plan.heat_share) == pytest.approx([1.0, 1.0])
    assert plan.neighbours is not None
    assert np.array_equal(
        plan.building[plan.neighbours[:, 0]], plan.building[plan.neighbours[:, 1]]
    )
    # Inner and outer conductance in series are the walls' own loss.
    inner = np.bincount(plan.building, plan.wall_kw_k)
    whole = 1.0 / (1.0 / inner + 1.0 / plan.envelope_kw_k)
    walls = [(h.opaque_kw_k * s.loss).sum() for h, s in zip(houses, spreads, strict=True)]
    assert whole == pytest.approx(walls)
    with pytest.raises(InputError):
        plan_of_flats(houses, spreads[:1])
    with pytest.raises(InputError):
        lay_flats(0, 2, 80.0, 4)


def test_flats_near_the_pump_are_too_warm_and_a_balanced_riser_is_even():
    """From the riser's water over radiators into the rooms, with every kilojoule counted."""
    flats = lay_flats(floors=10, columns=1, area_m2=90.0, front=4, depth_m=10.0)
    even = replace(draw_spread(flats.area_m2, np.random.default_rng(6)), valve=np.ones(10))
    even = replace(even, loss=np.ones(10), gain_kw=np.zeros(10))
    plan = plan_of_flats([flats], [even])
    need_kw = flats.loss_kw_k() * 30.0
    size = emitter_size_kw(need_kw, 50.0, 40.0, 20.0)
    wanted = need_kw / (CP_KJ_KGK * 10.0)
    risers = Risers(
        section_kpa_kgs2=np.full((1, 10), 8.0),
        branch_kpa_kgs2=np.full((1, 10), 300.0),
        kvs_m3h=np.full((1, 10), 1.0),
        entry_kpa_kgs2=np.array([1.0]),
    )
    opening, _ = balanced_openings(risers, wanted[None, :])
    settled = {}
    for name, valves in (("wide", np.full((1, 10), 100.0)), ("balanced", opening)):
        flow = riser_flows_kgs(risers, valves, flow_kgs=np.array([wanted.sum()]))[0]
        state = BuildingState(zone_c=np.full(10, 20.0), envelope_c=np.array([5.0]))
        for _ in range(1000):
            heat = emitter_heat_kw(np.full(10, 50.0), state.zone_c, flow, size)
            before = stored_kj(plan, state)
            flux = step_buildings(
                plan,
                state,
                zone_heat_kw=heat,
                outdoor_c=-10.0,
                wind_ms=0.0,
                sun_kw_m2=0.0,
                gain_factor=1.0,
                dt_s=1800.0,
                facade_kw_m2=np.zeros(8),
                window_kw_k=np.zeros(10),
            )
            gained = heat.sum() * 1800.0 - flux.lost_kj
            assert stored_kj(plan, state) - before == pytest.approx(gained, abs=1e-6)
        settled[name] = state.zone_c[1:-1]
    spread = {name: float(np.ptp(room)) for name, room in settled.items()}
    assert settled["wide"][0] > settled["wide"][-1] + 0.7
    assert spread["balanced"] < 0.5 * spread["wide"]


def test_heat_is_handed_to_flats_by_their_water_without_loss():
    group = np.array([0, 0, 0, 1, 1, 2])
    given = {
        "supply_c": np.full(6, 50.0),
        "room_c": np.array([20.0, 21.0, 22.0, 20.0, 20.0, 20.0]),
        "emitter_kw": np.array([0.02, 0.02, 0.02, 0.02, 0.04, 0.03]),
    }
    flow = np.array([0.1, 0.05, 0.0, 0.0, 0.0, 0.1])
    share = heat_shares(group, 3, flow_kgs=flow, **given)
    assert np.bincount(group, share) == pytest.approx([1.0, 1.0, 1.0])
    assert share[0] > share[1] > 0.0
    assert share[2] == pytest.approx(0.0, abs=1e-6)
    # A riser that stands still gives what it holds by the size of its radiators.
    assert share[3:5] == pytest.approx([1 / 3, 2 / 3], rel=1e-6)


def test_some_valves_are_turned_down_and_a_few_shut():
    spread = draw_spread(np.full(5000, 90.0), np.random.default_rng(5))
    assert 0.08 < np.mean(spread.valve < 0.65) < 0.2
    assert 0.005 < np.mean(spread.valve == 0.0) < 0.04
    assert spread.valve.max() <= 1.0
    assert np.median(spread.gain_kw) == pytest.approx(0.3, rel=0.1)


def ladder(n_floor=7, n_riser=3, seed=1):
    rng = np.random.default_rng(seed)
    return Risers(
        section_kpa_kgs2=rng.uniform(0.5, 6.0, (n_riser, n_floor)),
        branch_kpa_kgs2=rng.uniform(100.0, 900.0, (n_riser, n_floor)),
        kvs_m3h=np.full((n_riser, n_floor), 1.6),
        entry_kpa_kgs2=rng.uniform(2.0, 8.0, n_riser),
    )


def pressures_of(risers, index, opening, dp_kpa):
    """Solve one riser by its node pressures, supply and return apart."""
    n = risers.section_kpa_kgs2.shape[1]
    branch = risers.branch_kpa_kgs2[index] + valve_resistance_kpa_kgs2(
        risers.kvs_m3h[index], opening[index]
    )
    half = risers.section_kpa_kgs2[index] / 2.0
    entry = risers.entry_kpa_kgs2[index]

    def miss(x):
        m, supply, back = x[:n], x[n : 2 * n], x[2 * n :]
        through = np.cumsum(m[::-1])[::-1]
        before = np.concatenate([[dp_kpa - entry * through[0] ** 2], supply[:-1]])
        after = np.concatenate([[0.0], back[:-1]])
        return np.concatenate(
            [
                supply - before + half * through**2,
                back - after - half * through**2,
                branch * m * np.abs(m) - (supply - back),
            ]
        )

    guess = np.concatenate([np.full(n, 0.1), np.full(n, dp_kpa), np.zeros(n)])
    found = root(miss, guess, method="hybr", tol=1e-13)
    assert np.abs(found.fun).max() < 1e-8
    return found.x[:n]


@pytest.mark.parametrize("seed", range(4))
def test_a_riser_divides_as_its_pressures_say(seed):
    risers = ladder(seed=seed)
    opening = np.random.default_rng(seed + 9).uniform(20.0, 100.0, risers.kvs_m3h.shape)
    dp = np.array([30.0, 20.0, 45.0])
    flows = riser_flows_kgs(risers, opening, dp_kpa=dp)
    for index in range(3):
        assert flows[index] == pytest.approx(
            pressures_of(risers, index, opening, dp[index]), rel=1e-7
        )


def test_near_flats_get_too_much_until_the_riser_is_balanced():
    risers = ladder(n_floor=12)
    wide = np.full(risers.kvs_m3h.shape, 100.0)
    even = Risers(
        section_kpa_kgs2=np.full((3, 12), 4.0),
        branch_kpa_kgs2=np.full((3, 12), 150.0),
        kvs_m3h=risers.kvs_m3h,
        entry_kpa_kgs2=risers.entry_kpa_kgs2,
    )
    flows = riser_flows_kgs(even, wide, flow_kgs=np.full(3, 1.8))
    assert flows.sum(axis=1) == pytest.approx(1.8)
    assert np.all(np.diff(flows, axis=1) < 0.0)
    assert flows[0, 0] > 1.5 * flows[0, -1]
    wanted = np.full((3, 12), 0.15)
    opening, dp = balanced_openings(even, wanted)
    assert riser_flows_kgs(even, opening, dp_kpa=dp) == pytest.approx(wanted, rel=1e-9)
    assert np.all(np.diff(opening, axis=1) > 0.0)


def test_risers_of_one_loop_share_its_flow():
    risers = ladder()
    opening = np.full(risers.kvs_m3h.shape, 70.0)
    whole, _ = riser_conductance(risers, opening)
    shared = divided_kgs(np.array([0, 0, 1]), whole, np.array([2.0, 1.0]))
    assert shared.sum() == pytest.approx(3.0)
    # The two risers of the first loop stand under one difference.
    by_flow = riser_flows_kgs(risers, opening, flow_kgs=shared)
    dp = (shared / whole) ** 2
    assert dp[0] == pytest.approx(dp[1])
    assert by_flow == pytest.approx(riser_flows_kgs(risers, opening, dp_kpa=dp))


def test_a_shut_flat_gets_next_to_nothing_and_the_others_more():
    risers = ladder()
    opening = np.full(risers.kvs_m3h.shape, 70.0)
    before = riser_flows_kgs(risers, opening, dp_kpa=np.full(3, 30.0))
    opening[:, 3] = 0.0
    after = riser_flows_kgs(risers, opening, dp_kpa=np.full(3, 30.0))
    assert np.all(after[:, 3] < 1e-3 * before[:, 3])
    assert np.all(np.delete(after, 3, axis=1) > np.delete(before, 3, axis=1))


def test_risers_that_are_none_are_refused():
    good = ladder()
    opening = np.full(good.kvs_m3h.shape, 70.0)
    with pytest.raises(InputError):
        riser_flows_kgs(good, opening)
    bad = Risers(
        section_kpa_kgs2=good.section_kpa_kgs2,
        branch_kpa_kgs2=-good.branch_kpa_kgs2,
        kvs_m3h=good.kvs_m3h,
        entry_kpa_kgs2=good.entry_kpa_kgs2,
    )
    with pytest.raises(InputError):
        riser_flows_kgs(bad, opening, dp_kpa=np.ones(3))
    with pytest.raises(InputError):
        balanced_openings(good, np.zeros(good.kvs_m3h.shape))
