"""The twin's model: perfect meters give the truth back, a wrong one is found."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heatloop.app.twin_ledger import pump_sides
from heatloop.app.twin_model import TwinModel
from heatloop.app.twin_readings import TwinPlant
from heatloop.app.twin_state import Failed, TwinRun, TwinState, WhatIf
from heatloop.app.twin_worker import UNKNOWN, estimate, think
from heatloop.network.arrays import Floats
from heatloop.network.model.state import State
from heatloop.network.topology.from_ledger import LedgerNetwork
from tests.unit.twin_town import ledger, plant_and_values

Town = tuple[TwinPlant, Floats, LedgerNetwork, State]


@pytest.fixture(scope="module")
def town() -> Town:
    return plant_and_values(ledger())


def _run(model: TwinModel, t_s: float, values: Floats) -> TwinRun:
    run = model.run(t_s, values)
    assert isinstance(run, TwinRun), run
    return run


def test_perfect_meters_give_the_state_back(town: Town) -> None:
    plant, values, made, truth = town
    run = _run(TwinModel(plant), 60.0, values)
    assert run.state is TwinState.OK
    assert run.metered == 5 * 4
    nodes, links = made.network.node_index(), made.network.link_index()
    at = [nodes[name] for name in run.names.nodes]
    assert run.pressure_kpa == pytest.approx(truth.pressure_kpa[at], abs=1.0)
    assert run.node_c == pytest.approx(truth.node_c[at], abs=0.2)
    pipes = [n for n, name in enumerate(run.names.links) if name in links and "PS" in name]
    known = truth.flow_kgs[[links[run.names.links[n]] for n in pipes]]
    assert run.flow_kgs[pipes] == pytest.approx(known, abs=0.05)
    assert (run.flow_sigma_kgs[pipes] > 0.0).all()


def test_a_meter_that_lies_is_named_and_left_out(town: Town) -> None:
    plant, values, _, _ = town
    liar = plant.readings.index(("SS0002", "primary_flow"))
    wrong = values.copy()
    wrong[liar] *= 1.5
    run = _run(TwinModel(plant), 60.0, wrong)
    assert run.state is TwinState.SUSPICIOUS
    (misfit,) = run.misfits
    assert misfit.reading == liar
    assert misfit.value == pytest.approx(wrong[liar])
    assert misfit.expected == pytest.approx(values[liar], rel=0.03)
    assert misfit.score > 4.0


def test_a_station_that_is_not_metered_gets_what_is_left(town: Town) -> None:
    plant, values, made, truth = town
    blind = values.copy()
    blind[[n for n, (code, _) in enumerate(plant.readings) if code == "SS0003"]] = math.nan
    run = _run(TwinModel(plant), 60.0, blind)
    pipe = made.network.link_index()["PS00006.s"]
    at = run.names.links.index("PS00006.s")
    assert run.flow_kgs[at] == pytest.approx(truth.flow_kgs[pipe], rel=0.03)


def test_without_pressures_there_is_no_data(town: Town) -> None:
    plant, values, _, _ = town
    model = TwinModel(plant)
    assert model.run(60.0, np.full(len(values), math.nan)) == Failed(
        code="no_data", message="no flow or no pressure is measured now"
    )
    assert isinstance(model.run(120.0, values), TwinRun)


def test_a_worker_asks_for_a_ledger_it_does_not_know(town: Town) -> None:
    plant, values, _, _ = town
    assert estimate("never heard", None, 60.0, values) == UNKNOWN
    assert isinstance(estimate(plant.token, plant, 60.0, values), TwinRun)
    assert isinstance(estimate(plant.token, None, 120.0, values), TwinRun)


def _asked(town: Town, what: WhatIf) -> dict[str, tuple[float, float, float]]:
    plant, values, _, _ = town
    run = estimate(plant.token, plant, 60.0, values)
    assert isinstance(run, TwinRun)
    answer = think(plant.token, plant, run, values, what)
    assert not isinstance(answer, Failed), answer
    return {
        unit: (float(a), float(b), float(c))
        for unit, a, b, c in zip(
            answer.units,
            answer.flow_kgs,
            answer.flow_after_kgs,
            answer.dp_after_kpa,
            strict=True,
        )
    }


def test_the_fitted_model_stands_where_the_estimate_stands(town: Town) -> None:
    truth, links = town[3], town[2].network.link_index()
    found = _asked(town, WhatIf())
    assert set(found) == {f"UN000{n}" for n in range(1, 7)}
    for unit, (now, then, _) in found.items():
        assert then == pytest.approx(now, rel=1e-6)
        assert now == pytest.approx(truth.flow_kgs[links[unit]], rel=0.02)


def test_closing_a_main_cuts_off_what_it_feeds_and_others_get_more(town: Town) -> None:
    found = _asked(town, WhatIf(close=("PS00005",)))
    assert found["UN0005"][1] == pytest.approx(0.0, abs=1e-6)
    assert math.isnan(found["UN0005"][2])
    assert found["UN0001"][1] > found["UN0001"][0]


def test_a_slower_source_gives_flow_in_proportion(town: Town) -> None:
    found = _asked(town, WhatIf(pump_speed={"HS0001": 0.8}))
    for now, then, _ in found.values():
        # All losses go with the square of the flow, the head with that of the speed.
        assert then / now == pytest.approx(0.8, abs=0.01)


def test_a_valve_further_shut_gives_less_there_alone(town: Town) -> None:
    found = _asked(town, WhatIf(opening={"UN0002": 30.0}))
    assert found["UN0002"][1] < 0.7 * found["UN0002"][0]
    assert found["UN0001"][1] > found["UN0001"][0]


def test_what_is_not_in_the_network_is_refused(town: Town) -> None:
    plant, values, _, _ = town
    run = estimate(plant.token, plant, 60.0, values)
    assert isinstance(run, TwinRun)
    for what in (
        WhatIf(close=("WS0001",)),
        WhatIf(pump_speed={"SS0001": 0.5}),
        WhatIf(source_dp_kpa={"SS0001": 100.0}),
    ):
        answer = think(plant.token, plant, run, values, what)
        assert isinstance(answer, Failed)
        assert answer.code == "invalid"


def test_a_booster_that_lifts_the_return_is_recognised() -> None:
    kinds = (
        "booster_inlet_pressure",
        "booster_outlet_pressure",
        "primary_return_pressure",
        "primary_supply_pressure",
    )
    number = {("BS0001", kind): n for n, kind in enumerate(kinds)}

    def side(*values: float) -> bool | None:
        return pump_sides(["BS0001"], number, np.array(values))["BS0001"]

    assert side(300.0, 500.0, 501.0, 900.0) is True
    assert side(700.0, 899.0, 501.0, 900.0) is False
    assert side(899.0, 1100.0, 501.0, 900.0) is False
    # Supply and return stand at one pressure: it may be either.
    assert side(300.0, 500.0, 501.0, 499.0) is None
    assert side(math.nan, 500.0, 501.0, math.nan) is None
