"""Clauses the network's shape, places, series and the sizing report prove."""

from __future__ import annotations

import numpy as np

from heatloop.kernel.joins import as_of_join, gap_fill, time_bucket
from heatloop.network.topology.outage import affected, isolate
from heatloop.network.topology.places import in_polygon
from heatloop.network.topology.roles import roles
from heatloop.network.topology.trace import laid_direction, trace
from heatloop.plant.sizing import sizing_report
from tests.unit.test_sizing import book
from tests.unit.topology_nets import built


def test_4_2_1_2_1_sizing_report_flags_an_undersized_station() -> None:
    """4.2.1 -2 #1: ratios outside 1.0-1.3 are listed, undersized flagged, gaps named."""
    (good,) = sizing_report(book())
    assert good.worst == "ok"
    small = book(hx_ua_kw_k=40.0, pump_rated_flow_m3h=40.0, pump_rated_head_m=9.0)
    (station,) = sizing_report(small)
    assert station.worst == "undersized"
    assert station.exchanger.verdict == "undersized"
    for item in station.units[0].items:
        assert item.verdict == "undersized"
        assert item.ratio is not None
        assert item.ratio < 1.0
    (large,) = sizing_report(book(pump_rated_head_m=50.0))
    assert [i.verdict for i in large.units[0].items] == ["ok", "ok", "oversized"]
    (gap,) = sizing_report(book(drop=("pump_rated_flow_m3h",)))
    assert gap.units[0].items[1].missing == ("pump_rated_flow_m3h",)


def test_6_2_g_time_series() -> None:
    """6.2 g: time-bucket, gap-fill and as-of join give a reference's answers."""
    rng = np.random.default_rng(7)
    slots = np.sort(rng.choice(86_400, 2_000, replace=False)).astype(np.int64)
    values = rng.normal(50.0, 5.0, len(slots))
    buckets = time_bucket(slots, values, 600)
    for start, count, mean, low in zip(
        buckets.starts.tolist(), buckets.counts, buckets.mean, buckets.low, strict=True
    ):
        inside = [v for s, v in zip(slots, values, strict=True) if start <= s < start + 600]
        assert (count, low) == (len(inside), min(inside))
        assert abs(mean - sum(inside) / len(inside)) < 1e-9
    grid, filled, made = gap_fill(slots, values, 0, 86_400, 30, most_s=300)
    at = {int(slot // 30): value for slot, value in zip(slots, values, strict=True)}
    for n, (value, invented) in enumerate(zip(filled, made, strict=True)):
        if n in at:
            assert (value, invented) == (at[n], False)
        elif not np.isnan(value):
            assert invented
            assert grid[n] - slots[np.searchsorted(slots, grid[n], side="right") - 1] <= 300
    outdoor, age = as_of_join(grid, slots, values, most_s=120)
    for n in range(0, len(grid), 97):
        known = np.flatnonzero(slots <= grid[n])
        if len(known) and grid[n] - slots[known[-1]] <= 120:
            assert outdoor[n] == values[known[-1]]
            assert age[n] == grid[n] - slots[known[-1]]
        else:
            assert np.isnan(outdoor[n])


def test_6_2_g_stations_within_a_polygon() -> None:
    """6.2 g: the stations inside a district with a hole, in WGS84, are the expected set."""
    rng = np.random.default_rng(8)
    places = np.column_stack([rng.uniform(125.2, 125.5, 4000), rng.uniform(43.8, 44.0, 4000)])
    turn = np.linspace(0.0, 2.0 * np.pi, 360, endpoint=False)
    outline = [(125.35 + 0.1 * np.cos(a), 43.9 + 0.08 * np.sin(a)) for a in turn]
    hole = [(125.33, 43.88), (125.37, 43.88), (125.37, 43.92), (125.33, 43.92)]
    found = in_polygon(places, [outline, hole])
    x, y = (places[:, 0] - 125.35) / 0.1, (places[:, 1] - 43.9) / 0.08
    inside = np.abs(places - [125.35, 43.9]).max(axis=1) <= 0.02
    expected = (np.hypot(x, y) < 1.0) & ~inside
    # A polygon of 360 corners lies within 4e-5 of its ellipse.
    close = np.abs(np.hypot(x, y) - 1.0) < 1e-4
    assert np.array_equal(found[~close], expected[~close])
    assert found.sum() > 1000


def test_6_2_g_network_trace() -> None:
    """6.2 g: what lies upstream and downstream of a valve, and who it cuts off."""
    network, operation = built()
    stop = roles(network, operation).crossing
    laid = laid_direction(network, operation)
    down = trace(network, laid, "v", stop=stop)
    assert (set(down.nodes), set(down.links)) == ({"F", "E"}, {"v", "p5", "uE"})
    up = trace(network, laid, "F", upstream=True, stop=stop)
    assert set(up.links) == {"v", "p4", "p3", "p2", "p1", "plant"}
    assert affected(network, operation, ["v"]).lost == ("uE",)
    assert isolate(network, operation, "p5").valves == ("v", "vr")
