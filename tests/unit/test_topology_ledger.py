"""A network from the ledger: the demo's, one with everything in it, and one with mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heatloop.demo.ledger import demo_ledger
from heatloop.kernel.errors import InputError
from heatloop.network.flow.solver import Solver
from heatloop.network.fluid import water
from heatloop.network.model.kinds import LinkKind
from heatloop.network.steady import solve_steady
from heatloop.network.topology.findings import check_shape
from heatloop.network.topology.from_ledger import network_of
from heatloop.network.topology.outage import affected, isolate
from heatloop.network.topology.steel import bore_m, loss_w_mk, wall_kj_mk
from heatloop.plant.build import build_ledger
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset


def asset(code: str, kind: str, parent: str = "", **own: Any) -> Asset:
    organisation = "" if parent or kind == "company" else "CO01"
    return Asset(
        code=code, kind=kind, zh=code, en=code, parent=parent, organisation=organisation,
        attributes=own,
    )  # fmt: skip


def pipe(code: str, start: str, end: str, length: float = 500.0, dn: float = 200.0, **own: Any):
    return asset(
        code, "pipe_segment", "HS0001", network="primary", from_node=start, to_node=end,
        length_m=length, dn_mm=dn, **own,
    )  # fmt: skip


def node(code: str, **own: Any) -> Asset:
    return asset(code, "pipe_node", "HS0001", network="primary", **own)


def station(code: str, parent: str, units: int = 1) -> list[Asset]:
    made = [asset(code, "substation", parent, heated_area_m2=40000.0 * units)]
    for n in range(units):
        number = int(code[2:]) * 10 + n
        made.append(
            asset(
                f"UN{number:04d}", "unit", code, heated_area_m2=40000.0, zone="low",
                emitter="radiator", design_load_kw=1600.0, design_supply_c=60.0,
                design_return_c=45.0,
            )
        )  # fmt: skip
    return made


def everything() -> list[Asset]:
    """Two sources, a valve in the line, a booster, an isolation station with its own zone."""
    return [
        asset("CO01", "company"),
        asset("HS0001", "heat_source", rated_load_kw=20000.0, design_supply_c=110.0),
        asset("HS0002", "heat_source", rated_load_kw=5000.0, design_supply_c=105.0),
        node("PN00001"), node("PN00002", node_kind="valve"), node("PN00003"),
        asset("BS0001", "booster_station", "HS0001", rated_flow_m3h=60.0),
        asset("IS0001", "isolation_station", "HS0001", rated_load_kw=3500.0),
        *station("SS0001", "HS0001", 2), *station("SS0002", "BS0001"),
        *station("SS0003", "IS0001"), *station("SS0004", "IS0001"),
        pipe("PS00001", "HS0001", "PN00001", dn=300.0),
        pipe("PS00002", "PN00001", "SS0001"),
        pipe("PS00003", "PN00001", "PN00002"),
        pipe("PS00004", "PN00002", "PN00003"),
        pipe("PS00005", "HS0002", "PN00003"),
        pipe("PS00006", "PN00003", "BS0001"),
        pipe("PS00007", "BS0001", "SS0002"),
        pipe("PS00008", "PN00001", "IS0001"),
        pipe("PS00009", "IS0001", "SS0003"),
        pipe("PS00010", "SS0003", "SS0004"),
    ]  # fmt: skip


def ledger(assets: list[Asset]) -> Ledger:
    return build_ledger(assets, [], [], version=1, keys={})


def small() -> Ledger:
    assets, devices, gateways = demo_ledger("small", 1)
    return build_ledger(assets, devices, gateways, version=1, keys={})


def solved(made):
    return solve_steady(Solver(made.network, fluid=water()), made.operation)


def test_the_demo_is_one_sound_network() -> None:
    book = small()
    made = network_of(book)
    assert check_shape(made.network, made.operation, degrees=True) == ()
    pipes = book.of_kind("pipe_segment")
    assert int((made.network.kind == LinkKind.PIPE).sum()) == 2 * len(pipes)
    units = book.of_kind("unit")
    assert all(made.links[unit.code] == (unit.code, f"{unit.code}.valve") for unit in units)
    assert {f.kind for f in made.findings} <= {"default"}
    assert "hold_pressure_kpa" in {f.attribute for f in made.findings}
    lengths = sum(float(p.attributes["length_m"]) for p in pipes)
    assert made.network.length_m.sum() == pytest.approx(2 * lengths)
    assert set(made.asset_of) == {*made.network.node_names, *made.network.link_names}


@pytest.mark.parametrize("form", ["valve", "flow", "heat"])
def test_the_demo_can_be_solved(form: str) -> None:
    book = small()
    made = network_of(book, consumers=form)
    state = solved(made)
    assert state.islands == ()
    at = made.network.link_index()
    units = [at[unit.code] for unit in book.of_kind("unit")]
    load = sum(float(unit.attributes["design_load_kw"]) for unit in book.of_kind("unit"))
    given = state.flow_kgs[units] * 4.187 * (state.inlet_c[units] - state.outlet_c[units])
    assert given.sum() == pytest.approx(load, rel=1e-6)
    plant = at["HS0001"]
    sent = state.flow_kgs[plant] * 4.187 * (state.outlet_c[plant] - state.inlet_c[plant])
    assert load < sent < 1.05 * load


def test_everything_is_modelled_and_solves() -> None:
    made = network_of(ledger(everything()))
    network = made.network
    at = network.link_index()
    assert made.links["IS0001"] == (
        "IS0001.valve", "IS0001", "IS0001.pump", "IS0001.cold"
    )  # fmt: skip
    assert made.links["BS0001"][0] == "BS0001"
    assert made.links["PN00002"] == ("PN00002.valve.s", "PN00002.valve.r")
    # One pressure held a zone: at the larger source, and behind the isolation station.
    held = [network.node_names[n] for n in np.flatnonzero(network.pressure_held)]
    assert held == ["HS0001.r", "IS0001.out.r"]
    state = solved(made)
    assert state.islands == ()
    kw = state.flow_kgs * 4.187 * (state.inlet_c - state.outlet_c)
    hot, cold = kw[at["IS0001"]], kw[at["IS0001.cold"]]
    assert hot == pytest.approx(-cold, rel=1e-6)
    assert hot == pytest.approx(2 * 1600.0, rel=0.05)
    assert check_shape(network, made.operation) == ()


def test_valves_of_the_ledger_isolate_a_burst() -> None:
    book = everything()
    book += [node("PN00004", node_kind="valve")]
    book = [each for each in book if each.code != "PS00006"]
    book += [pipe("PS00006", "PN00003", "PN00004"), pipe("PS00011", "PN00004", "BS0001")]
    made = network_of(ledger(book))
    line = np.zeros(made.network.n_link, np.bool_)
    for name in made.links["PN00002"] + made.links["PN00004"]:
        line[made.network.link_index()[name]] = True
    found = isolate(made.network, made.operation, "PS00007.s", closable=line)
    assert found.valves == ("PN00004.valve.s", "PN00004.valve.r")
    assert found.outage.lost == ("UN0020",)
    cut = affected(made.network, made.operation, ["PS00008.s"])
    assert set(cut.lost) == {"IS0001", "UN0030", "UN0040"}


def test_secondary_loops_carry_the_same_heat() -> None:
    made = network_of(ledger(everything()), secondary=True)
    state = solved(made)
    at = made.network.link_index()
    for unit in ("UN0010", "UN0020", "UN0030"):
        load = at[f"{unit}.load"]
        given = state.flow_kgs[load] * 4.187 * (state.inlet_c[load] - state.outlet_c[load])
        assert given == pytest.approx(1600.0, rel=1e-6)
    assert check_shape(made.network, made.operation) == ()


def test_what_is_missing_or_impossible_is_told() -> None:
    book = everything()
    book += [
        asset("SS0009", "substation", "HS0001", heated_area_m2=1.0),
        asset("SS0010", "substation", "HS0001", heated_area_m2=1000.0),
        node("PN00008"), node("PN00009", node_kind="valve"),
        pipe("PS00020", "PN00001", "SS0010", inner_diameter_mm=900.0),
        pipe("PS00021", "PN00008", "PN00009"),
        pipe("PS00022", "PN00001", "PN00001"),
        pipe("PS00023", "PN00001", "PN00003", dn=1990.0, roughness_mm=0.0),
    ]  # fmt: skip
    made = network_of(ledger(book))
    found = {(f.kind, f.asset, f.attribute) for f in made.findings}
    assert ("unconnected", "SS0009", "") in found
    assert ("unconnected", "PN00008", "") in found
    assert ("impossible", "PN00009", "node_kind") in found
    assert ("impossible", "PS00022", "from_node") in found
    assert ("impossible", "PS00020", "inner_diameter_mm") in found
    assert ("missing", "SS0010", "") in found
    assert ("impossible", "PS00023", "roughness_mm") in found
    assert "PS00021" not in made.links
    assert all(f.zh and f.en for f in made.findings)
    assert solved(made).islands == ()


def test_no_source_no_network() -> None:
    with pytest.raises(InputError, match="no heat source"):
        network_of(ledger([asset("CO01", "company")]))
    with pytest.raises(InputError, match="no such form"):
        network_of(small(), consumers="wish")


def test_steel_by_nominal_diameter() -> None:
    assert bore_m(100.0) == pytest.approx(0.1063)
    assert bore_m(500.0) == pytest.approx(0.513)
    # The usual range of a single pre-insulated DN 100 in the ground.
    assert 0.22 < loss_w_mk(100.0) < 0.40
    assert loss_w_mk(100.0, 100.0) < loss_w_mk(100.0) < loss_w_mk(100.0, 10.0)
    # 10.9 kg of steel a metre, and half of 18 l of foam.
    assert wall_kj_mk(100.0) == pytest.approx(10.88 * 0.46 + 0.5 * 0.0182 * 90.0, rel=0.01)
    with pytest.raises(InputError, match="nominal"):
        bore_m(5.0)
