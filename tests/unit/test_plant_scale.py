"""A large company: ten thousand assets, a quarter of a million points, in seconds."""

from __future__ import annotations

from time import perf_counter

from heatloop.kernel.scope import Scope
from heatloop.plant.build import build_ledger
from heatloop.plant.completeness import missing_points
from heatloop.plant.edge_profile import make_edge_profile
from heatloop.plant.ledger import Ledger
from tests.unit.plant_town import asset, device, gateways

STATIONS, UNITS, BUILDINGS = 1000, 5, 7
ASSETS = 4 + STATIONS * (1 + UNITS + BUILDINGS)


def build() -> Ledger:
    unit = {"zone": "low", "emitter": "floor", "heated_area_m2": 1.0}
    building = {"use": "dwelling", "year": 2000, "floors": 6, "envelope": "good", "area_m2": 1.0}
    everything = [
        asset("CO01", "company"),
        asset("BR01", "branch", "CO01"),
        asset("BR02", "branch", "CO01"),
        asset("HS0001", "heat_source", organisation="BR01", rated_load_kw=1e6),
    ]
    served = []
    for s in range(1, STATIONS + 1):
        code = f"SS{s:04d}"
        everything.append(asset(code, "substation", "HS0001", "BR01", heated_area_m2=5.0))
        units = [f"UN{(s - 1) * UNITS + u:04d}" for u in range(1, UNITS + 1)]
        everything += [asset(u, "unit", code, **unit) for u in units]
        everything += [
            asset(f"BD{(s - 1) * BUILDINGS + b:04d}", "building", units[0], **building)
            for b in range(1, BUILDINGS + 1)
        ]
        served.append(device(s, code, "substation_controller"))
        served.append(device(STATIONS + s, code, "building_meter_concentrator", "GW0002"))
    return build_ledger(everything, served, gateways(), version=1, keys={})


def test_a_large_ledger_is_built_in_seconds_and_asked_in_microseconds() -> None:
    start = perf_counter()
    ledger = build()
    built_s = perf_counter() - start
    assert len(ledger.assets) == ASSETS >= 10_000
    measured = [p for p in ledger.points.values() if not p.asset.startswith("CO")]
    assert len(measured) == 286_000
    assert built_s < 15.0, f"{built_s:.1f} s"  # About 3 s when the machine does nothing else.

    codes = [point.code for point in measured[::240]]
    best = 1.0
    for _ in range(5):
        start = perf_counter()
        for code in codes:
            ledger.binding_of(code)
            ledger.gateway_of(code)
            ledger.paths(ledger.points[code].asset)
        best = min(best, (perf_counter() - start) / len(codes))
    assert best < 20e-6, "three look-ups"

    assert sum(1 for _ in ledger.scoped(Scope.of(["HS0001/SS0500"]))) == 1 + UNITS + BUILDINGS
    assert len(make_edge_profile(ledger, "GW0002", 1).bindings) == STATIONS * BUILDINGS * 5
    assert len(missing_points(ledger)) == 10, "only the source has no controller"
