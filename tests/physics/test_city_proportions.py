"""The demo city in real proportions, its heat accounted for from the sources to the stations."""

import numpy as np
import pytest

from heatloop.demo.city import City
from heatloop.demo.mains import lay_mains, primary_design_kgs
from heatloop.demo.streets import draw_streets
from heatloop.demo.truth import draw_truth

START = 1767571200.0
STEP_S = 300.0
DAY = round(86400 / STEP_S)


class Books:
    """Counts what passes through the primary network of a city."""

    def __init__(self, works):
        self.works, self._step = works, works.step
        self.produced = self.delivered = self.lost = self.outside = 0.0
        self.source_kgs, self.makeup_kgs = 0.0, 0.0
        works.step = self.step

    def step(self, commands, dt_s):
        self._step(commands, dt_s)
        works = self.works
        self.produced += works.plants.heater_kw.sum() * dt_s
        self.delivered += works.exchanger_kw.sum() * dt_s
        self.lost += works.primary.lost_kj
        self.outside += works.primary.makeup_kj
        self.source_kgs += works.plants.kgs.sum() * dt_s
        self.makeup_kgs += works.primary.makeup_kgs.sum() * dt_s

    def stored_kj(self):
        return self.works.plants.stored_kj() + self.works.primary.water.stored_kj()


@pytest.fixture(scope="module", params=["small", "medium"])
def day(request):
    """A city after a winter day in long steps, its books, and what its network held before."""
    city = City(1, request.param, START)
    city.controllers.self_regulating = True
    books = Books(city.works)
    before = books.stored_kj()
    for _ in range(DAY):
        city.step(STEP_S, show=False)
    city.show()
    return city, books, before


@pytest.fixture(scope="module", params=["small", "medium"])
def streets(request):
    return draw_streets(request.param, 1)


def test_what_the_sources_made_was_delivered_lost_or_stored(day):
    city, books, before = day
    stored = books.stored_kj() - before
    out = books.delivered + books.lost + stored - books.outside
    assert out == pytest.approx(books.produced, rel=1e-6)
    share = books.produced / 86400.0 / city.works.truth.primary.heater_kw.sum()
    assert 0.3 < share < 0.9


def test_the_primary_network_loses_a_few_per_cent_and_little_water(day):
    _, books, _ = day
    assert 0.01 < books.lost / books.produced < 0.06
    assert 0.0003 < books.makeup_kgs / books.source_kgs < 0.01


def test_meters_of_sources_and_stations_agree_within_their_classes(day):
    city, _, _ = day
    for _ in range(20):
        city.step(30.0)

    def total(prefix, kind, of=None):
        codes = [c for c in city.measured if c.startswith(prefix) and c.endswith("." + kind)]
        return sum(city.shown[city.measured[c]] for c in codes)

    made = total("HS", "source_heat_power")
    taken = total("SS", "primary_heat_power")
    # Pipes fill and empty meanwhile.
    assert taken == pytest.approx(made, rel=0.1)
    assert total("HS", "source_flow") == pytest.approx(
        total("SS", "primary_flow") + total("IS", "primary_flow") - behind(city), rel=0.05
    )


def behind(city):
    """Return the flow of the stations in isolation stations' zones, m3/h: counted twice."""
    zone = city.works.primary.at.junction_zone > 0
    codes = [f"SS{k + 1:04d}.primary_flow" for k in np.flatnonzero(zone)]
    return sum(city.shown[city.measured[c]] for c in codes)


def test_every_station_has_pressure_and_warm_water(day):
    city, _, _ = day
    primary, at = city.works.primary, city.works.primary.at
    assert primary.dp_kpa("station_supply", "station_return").min() > 60.0
    assert primary.pressure_kpa.min() > 100.0
    assert primary.pressure_kpa.max() < 1600.0
    warm = np.array([plan.primary_c for plan in city.streets.substations])
    assert (primary.node_c[at.station_supply] > warm - 20.0).all()
    rooms = city.works.rooms.zone_c[: len(city.streets.flats.building)]
    assert 19.5 < rooms.mean() < 22.0
    assert np.mean(rooms >= 18.0) > 0.96


def test_loads_and_flows_an_m2_are_those_of_real_towns(streets):
    for station in streets.substations:
        assert 40_000 <= station.area_m2 <= 120_000
    for unit in streets.units:
        assert 30.0 <= unit.load_kw * 1000.0 / unit.area_m2 <= 45.0
        kgs = unit.load_kw / (4.187 * (unit.supply_c - unit.return_c))
        assert 2.5 <= kgs * 3600.0 / unit.area_m2 <= 3.5
    source_kw = sum(sum(plan.boiler_kw) + plan.chp_kw for plan in streets.sources)
    load_kw = sum(unit.load_kw for unit in streets.units)
    assert 1.05 < source_kw / load_kw < 1.6


def test_static_heads_follow_the_heights_of_the_houses(streets):
    truth = draw_truth(streets)
    for index, unit in enumerate(streets.units):
        tallest = max(b.floors for b in streets.buildings if streets.units[b.unit] is unit) * 2.9
        head_m = truth.hold_kpa[index] / 9.81
        assert tallest + 3.0 < head_m < tallest + 12.0
    high = [u.static_head_m for u in streets.units if u.zone == "high"]
    low = [u.static_head_m for u in streets.units if u.zone == "low"]
    assert min(high) > max(low)


def test_mains_are_no_steeper_than_designers_lay_them(streets):
    mains = lay_mains(streets)
    # From the measured side: velocity in the pipes at design flow.
    speed = mains.design_kgs / 970.0 / (np.pi * mains.inner_m**2 / 4.0)
    assert (speed < 3.0).all()
    assert np.median(speed) > 0.3
    assert primary_design_kgs(streets).min() > 0.5


def test_secondary_loops_give_more_to_the_nearer_houses(streets):
    truth = draw_truth(streets)
    plan = truth.secondary
    booked = np.array([b.area_m2 * b.load_w_m2 for b in streets.buildings])
    share = booked / np.bincount(plan.unit, booked)[plan.unit]
    richness = plan.flow_share / share
    first = np.concatenate([[True], np.diff(plan.unit) > 0])
    last = np.concatenate([np.diff(plan.unit) > 0, [True]])
    assert 1.05 < richness[first].mean() / richness[last].mean() < 1.6
    assert np.bincount(plan.unit, plan.flow_share) == pytest.approx(1.0)


def test_the_medium_city_is_two_sources_on_rings_with_a_zone_and_a_booster():
    streets = draw_streets("medium", 1)
    assert len(streets.substations) == 40
    assert (len(streets.sources), len(streets.isolations), len(streets.boosters)) == (2, 1, 1)
    assert streets.sources[0].chp_kw > 0.0
    assert streets.sources[0].tank_m3 > 500.0
    places = {end for t in streets.trenches for end in (t.start, t.end)}
    # Each independent ring is a trench more than a tree of the same places would have; the two
    # sides of the isolation station count as two places.
    assert len(streets.trenches) - (len(places) + 1 - 2) == 5
    city = City(1, "medium", START, settled=False)
    for _ in range(40):
        city.step(30.0, show=False)
    sent = city.works.plants.kgs
    assert (sent > 0.15 * sent.sum()).all()
    primary, at = city.works.primary, city.works.primary.at
    lift = primary.pressure_kpa[at.booster_out] - primary.pressure_kpa[at.booster_in]
    assert lift[0] > 50.0
    # The zone stands at its own pressure, whatever happens on the other side of the plates.
    held = primary.pressure_kpa[at.held]
    assert held == pytest.approx([450.0, 350.0], abs=10.0)


def test_the_truth_stands_around_the_books_as_wide_as_it_should():
    streets = draw_streets("large", 3)
    mains, truth = lay_mains(streets), draw_truth(streets)
    real = truth.primary
    rough = real.roughness_mm / 0.5
    assert 0.69 < rough.min() < 0.8
    assert 1.2 < rough.max() < 1.31
    loss = real.loss_w_mk / (0.3 + 0.5 * mains.inner_m)
    assert 0.74 < loss.min() < 0.82
    assert 1.18 < loss.max() < 1.26
    wrong = real.inner_m != mains.inner_m
    assert 0.008 < wrong.mean() < 0.035
    assert rough.std() == pytest.approx(0.15, rel=0.15)
    other = draw_truth(draw_streets("large", 4)).primary
    assert not np.allclose(other.roughness_mm, real.roughness_mm)
