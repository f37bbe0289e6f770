"""The sizing report: load from areas and indices, ratios, the band, missing data."""

from __future__ import annotations

from typing import Any

import pytest

from heatloop.kernel.errors import InputError
from heatloop.plant.build import build_ledger
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset
from heatloop.plant.sizing import (
    SizingSettings,
    heat_index_w_m2,
    log_mean_k,
    sizing_of_station,
    sizing_report,
)
from tests.unit.plant_town import asset, town

# 40,000 m2 of dwellings at 42.5 W/m2: 1,700 kW, at 60/45 degC behind 110 degC primary.
_MEAN_K = log_mean_k(110.0 - 60.0, 6.0)
_FLOW = 1700.0 / (4.187 * 975.0 / 3600.0 * 15.0)
_HEAD = 7.0 + 2 * 200.0 * 0.008 * 1.3 + 3.0
_GOOD = {
    "hx_ua_kw_k": 1.15 * 1700.0 / _MEAN_K,
    "pump_rated_flow_m3h": 1.1 * _FLOW,
    "pump_count": 2,
    "pump_rated_head_m": 1.2 * _HEAD,
    "design_supply_c": 60.0,
    "design_return_c": 45.0,
}


def book(drop: tuple[str, ...] = (), buildings: bool = True, **own: Any) -> Ledger:
    given = {key: value for key, value in {**_GOOD, **own}.items() if key not in drop}
    unit = {"zone": "low", "emitter": "radiator", "heated_area_m2": 40000.0, **given}
    house = {"use": "dwelling", "year": 2015, "floors": 18, "envelope": "good"}
    assets: list[Asset] = [
        asset("CO01", "company"),
        asset("HS0001", "heat_source", organisation="CO01", rated_load_kw=58000),
        asset("SS0001", "substation", "HS0001", heated_area_m2=40000.0),
        asset("UN0001", "unit", "SS0001", **unit),
    ]
    if buildings:
        assets += [
            asset(f"BD000{n}", "building", "UN0001", area_m2=20000.0, **house) for n in (1, 2)
        ]
        assets += [
            asset(f"PS0000{n}", "pipe_segment", "HS0001", network="secondary", length_m=100.0,
                  dn_mm=150, from_node=start, to_node=end)
            for n, (start, end) in enumerate([("UN0001", "BD0001"), ("BD0001", "BD0002")], 1)
        ]  # fmt: skip
    return build_ledger(assets, [], [], version=1, keys={})


def verdicts(ledger: Ledger, settings: SizingSettings | None = None) -> dict[str, str]:
    (station,) = sizing_report(ledger, settings)
    return {item.what: item.verdict for item in station.units[0].items}


def test_a_well_sized_station() -> None:
    (station,) = sizing_report(book())
    (unit,) = station.units
    assert unit.load_kw == station.load_kw == pytest.approx(1700.0)
    assert unit.index_w_m2 == 42.5
    exchanger, flow, head = unit.items
    assert exchanger.ratio == station.exchanger.ratio == pytest.approx(1.15)
    assert flow.ratio == pytest.approx(1.1)
    assert head.ratio == pytest.approx(1.2)
    assert head.needed == pytest.approx(_HEAD)
    assert {item.verdict for item in unit.items} == {"ok"}
    assert station.worst == "ok"


@pytest.mark.parametrize("attribute,what", [
    ("hx_ua_kw_k", "exchanger"), ("pump_rated_flow_m3h", "pump_flow"),
    ("pump_rated_head_m", "pump_head"),
])  # fmt: skip
def test_too_small_too_large_and_missing(attribute: str, what: str) -> None:
    for share, verdict in ((0.6, "undersized"), (1.6, "oversized")):
        ledger = book(**{attribute: _GOOD[attribute] * share})
        found = verdicts(ledger)
        assert found.pop(what) == verdict
        assert set(found.values()) == {"ok"}
        assert sizing_report(ledger)[0].worst == verdict
    (station,) = sizing_report(book(drop=(attribute,)))
    lacking = next(item for item in station.units[0].items if item.what == what)
    assert (lacking.verdict, lacking.installed, lacking.ratio) == ("missing", None, None)
    assert attribute in lacking.missing
    assert station.worst == "missing"


def test_the_band_is_a_setting() -> None:
    loose = SizingSettings(low=0.5, high=2.0)
    tight = SizingSettings(low=1.15, high=1.16)
    assert set(verdicts(book(), loose).values()) == {"ok"}
    assert verdicts(book(), tight)["pump_flow"] == "undersized"
    assert verdicts(book(), tight)["pump_head"] == "oversized"
    with pytest.raises(InputError, match="band"):
        SizingSettings(low=1.3, high=1.0)


def test_the_ends_of_the_band_are_good() -> None:
    for share in (1.0, 1.3):
        ledger = book(hx_ua_kw_k=share * 1700.0 / _MEAN_K)
        assert verdicts(ledger)["exchanger"] == "ok"


def test_plates_stand_in_for_conductance() -> None:
    settings = SizingSettings()
    area = 1.15 * 1700.0 / _MEAN_K / settings.plate_kw_m2k
    (station,) = sizing_report(book(drop=("hx_ua_kw_k",), hx_area_m2=area))
    assert station.exchanger.ratio == pytest.approx(1.15)


def test_without_buildings_the_load_is_missing_not_guessed() -> None:
    (station,) = sizing_report(book(buildings=False))
    (unit,) = station.units
    assert unit.load_kw is None
    assert {item.verdict for item in unit.items} == {"missing"}
    assert "building.area_m2" in unit.items[0].missing
    assert unit.items[2].missing == ("pipe_segment",)


def test_heat_index_by_use_year_and_retrofit() -> None:
    def house(use: str, year: int, **own: Any) -> float:
        return heat_index_w_m2(asset("BD0001", "building", use=use, year=year, **own), settings)

    settings = SizingSettings()
    assert house("dwelling", 1998) == 61.0
    assert house("dwelling", 1998, retrofit_year=2016) == 42.5
    assert house("hospital", 2015) == 62.5
    assert house("school", 2001, heat_index_w_m2=51.0) == 51.0


def test_a_station_without_units_and_a_whole_town() -> None:
    report = sizing_report(town())
    assert [station.station for station in report] == ["SS0001", "SS0002"]
    # The town gives plates and head, but no pump flow: missing, named.
    flows = [item for s in report for u in s.units for item in u.items if item.what == "pump_flow"]
    assert {item.verdict for item in flows} == {"missing"}
    bare = build_ledger(
        [asset("CO01", "company"),
         asset("HS0001", "heat_source", organisation="CO01", rated_load_kw=58000),
         asset("SS0001", "substation", "HS0001", heated_area_m2=1.0)],
        [], [], version=1, keys={},
    )  # fmt: skip
    alone = sizing_of_station(bare, bare.asset("SS0001"))
    assert alone.worst == "missing"
    assert alone.exchanger.missing == ("unit",)


def test_log_mean() -> None:
    assert log_mean_k(10.0, 10.0) == 10.0
    assert log_mean_k(50.0, 6.0) == pytest.approx(20.752, abs=1e-3)
    assert log_mean_k(-1.0, 5.0) == 0.0
