"""Where numbers come from: raw samples, repairs, roll-ups, model inputs, terms of figures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from heatloop.app.lineage import Lineages
from heatloop.app.lineage_figures import FIGURES
from heatloop.app.lineage_samples import below, runs_of
from heatloop.kernel.clock import utc
from heatloop.kernel.quality import Quality
from heatloop.kernel.scope import Scope
from heatloop.kernel.series import Columns
from heatloop.security.access import Role
from heatloop.store.historian.port import Traced
from tests.unit.app_town import START_S, Town, town
from tests.unit.test_app_quality import spiked

API = "/api/v1"
SUPPLY = "UN0001.secondary_supply_temperature"
ALL = Scope.everything()


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path / "town") as made:
        yield made


def span(seconds: int = 7200) -> dict[str, str]:
    return {"start": utc(START_S - seconds).isoformat(), "end": utc(START_S).isoformat()}


async def test_a_repaired_sample_leads_to_what_was_measured_and_who_repaired_it(
    here: Town,
) -> None:
    case = await spiked(here)
    async with here.client("eva", Role.OPERATION_ENGINEER) as client:
        body = {"cause": "sensor", "correction": "mark_bad"}
        done = await client.post(f"{API}/quality/cases/{case}/handle", json=body)
        assert done.status_code == 200, done.text
        here.platform.historian.engine.refresh_rollups()
        answer = await client.get(f"{API}/lineage", params={"point": SUPPLY, **span()})
    assert answer.status_code == 200, answer.text
    line = answer.json()
    assert (line["point"]["unit"], line["point"]["role"]) == ("degC", "measured")
    assert line["computed_by"] is None
    (binding,) = line["bindings"]
    assert (binding["device"], binding["gateway"], binding["protocol"]) == (
        "DV0001", "GW0001", "modbus_tcp",
    )  # fmt: skip
    assert (binding["register"] > 0, binding["period_s"]) == (True, 30)
    assert line["ledger_version"] == 1
    (reception,) = line["receptions"]
    assert (reception["epoch"], reception["through"]) == (f"{77:016x}", 60)
    assert line["samples_total"] == len(line["samples"]) == 60
    counts = {row["quality"]: row["samples"] for row in line["qualities"]}
    assert counts == {"good": 59, "bad": 1}
    (repair,) = line["revisions"]
    assert (repair["method"], repair["who"], repair["case"]) == ("marked_bad", "eva", case)
    assert (repair["rule"], repair["cause"], repair["samples"]) == ("rate", "sensor", 1)
    (marked,) = [row for row in line["samples"] if row["revision"] is not None]
    assert (marked["value"], marked["quality"], marked["revision"]) == (60.0, "bad", 0)
    assert line["raw_kept"] is True
    assert (marked["measured"], marked["measured_quality"]) == (60.0, "uncertain")
    assert (int(marked["reception"]) > 0, marked["versions"]) == (True, 1)
    plain = [row for row in line["samples"] if row["revision"] is None]
    assert all(row["measured"] == row["value"] for row in plain)
    ten = [row for row in line["windows"] if row["step_s"] == 600]
    assert sum(row["samples"] for row in ten) == 59
    assert {row["origin"] for row in ten} == {"measured"}
    assert {row["step_s"] for row in line["windows"]} == {600, 3600, 86400}


async def test_a_computed_point_leads_to_its_inputs(here: Town) -> None:
    world = here.platform.world
    lineages = Lineages.of(here.platform)
    point = next(p for p in world.ledger.points.values() if p.kind == "leak_state")
    line = await lineages.of_point(ALL, point.code, START_S - 60, START_S, 10)
    assert (line.computed_by, line.bindings, line.profile_version) == ("leak_watch", [], None)
    made = {each.kind for each in line.inputs}
    assert made <= {
        "source_makeup_flow", "source_flow", "source_return_pressure",
        "source_supply_temperature", "source_return_temperature",
    }  # fmt: skip
    assert {each.role for each in line.inputs} <= {"balance_input"}
    by, inputs = lineages._inputs(ALL, _twin_point(world.ledger))
    assert by == "twin"
    assert "SS0001.primary_flow" in {each.point for each in inputs}
    # Inputs outside the reader's scope are not told.
    _, fewer = lineages._inputs(Scope.of(["CO01/BR02"]), _twin_point(world.ledger))
    assert {each.asset for each in fewer} & {"SS0001", "UN0001"} == set()
    assert "SS0002.primary_flow" in {each.point for each in fewer}


def _twin_point(ledger):
    from heatloop.plant.model import Point

    return Point(code="PN0001.twin_flow", key=9_999, asset="HS0001", kind="twin_flow")


async def test_who_may_not_see_a_point_does_not_see_its_lineage(here: Town) -> None:
    async with here.client("wu", Role.MANAGER, scope="CO01/BR02") as client:
        ask = {"point": SUPPLY, **span()}
        assert (await client.get(f"{API}/lineage", params=ask)).status_code == 404
        ask = {"point": "UN0002.secondary_supply_temperature", **span(40 * 86400)}
        assert (await client.get(f"{API}/lineage", params=ask)).status_code == 422


def counter(here: Town, point: str, readings: list[float]) -> None:
    slots = int(START_S) - 600 * np.arange(len(readings), 0, -1) + 30
    rows = Columns(
        np.full(len(readings), here.key(point), "u4"), slots.astype("u4"), np.array(readings),
        np.full(len(readings), Quality.GOOD, "u1"),
    )  # fmt: skip
    here.platform.historian.engine.append(rows)


async def test_a_heat_balance_leads_to_the_meters_and_their_samples(here: Town) -> None:
    counter(here, "SS0001.primary_heat_total", [100.0, 150.0, 220.0, 300.0])
    # A meter that was replaced begins anew.
    counter(here, "SS0002.primary_heat_total", [5000.0, 5040.0, 10.0, 30.0])
    here.platform.historian.engine.refresh_rollups()
    async with here.client("li", Role.MANAGER) as client:
        ask = {"figure": "heat_balance", **span(1800)}
        figure = (await client.get(f"{API}/lineage/figure", params=ask)).json()
        terms = {row["point"]["asset"]: row for row in figure["terms"]}
        # Three windows lie inside; the reading before them is where counting begins.
        assert (terms["SS0001"]["value"], terms["SS0001"]["factor"]) == (200.0, -1.0)
        assert terms["SS0002"]["value"] == 40.0 + 10.0 + 20.0
        assert figure["value"] == -(200.0 + 70.0)
        assert (terms["SS0001"]["samples"], terms["SS0001"]["windows"]) == (3, 3)
        assert terms["SS0001"]["expected"] == 60
        ask["asset"] = "SS0001"
        assert (await client.get(f"{API}/lineage/figure", params=ask)).json()["value"] == -200.0
        assert set(FIGURES) == {"completeness", "heat_balance", "water_balance"}


async def test_completeness_leads_to_the_points_that_lack(here: Town) -> None:
    slots = int(START_S) - 30 * np.arange(1, 61)
    for point, some in ((SUPPLY, slots), ("UN0001.secondary_return_temperature", slots[:30])):
        n = len(some)
        rows = Columns(np.full(n, here.key(point), "u4"), some.astype("u4"), np.full(n, 45.0),
                       np.zeros(n, "u1"))  # fmt: skip
        here.platform.historian.engine.append(rows)
    async with here.client("li", Role.MANAGER) as client:
        ask = {"figure": "completeness", "asset": "UN0001", **span(1800)}
        figure = (await client.get(f"{API}/lineage/figure", params=ask)).json()
    terms = {row["point"]["point"]: row for row in figure["terms"]}
    assert terms[SUPPLY]["value"] == 100.0
    half = terms["UN0001.secondary_return_temperature"]
    assert (half["value"], half["samples"], half["expected"]) == (50.0, 30, 60)
    assert figure["terms"][0]["value"] == 0.0
    expected = sum(row["expected"] for row in figure["terms"])
    assert figure["value"] == pytest.approx(100.0 * 90 / expected)


def test_repairs_are_told_apart_by_an_hour() -> None:
    assert runs_of([0, 30, 60, 3700, 3730]) == [[0, 30, 60], [3700, 3730]]
    assert runs_of([5]) == [[5]]


def test_of_several_versions_the_last_lies_below() -> None:
    def rows(*values: float) -> Columns:
        n = len(values)
        slots = np.array([30, 30, 60][:n], "u4")
        return Columns(np.ones(n, "u4"), slots, np.array(values), np.zeros(n, "u1"))

    laid = rows(7.0, 8.0)
    words = [("interpolated", "eva"), ("neighbour", "li")]
    counters = np.array([9, 4, 5])
    under = below(Traced.of(rows(1.0, 2.0, 3.0), counters, laid, np.array([6, 7]), words, 100))
    assert under.measured.values.tolist() == [1.0, 3.0]
    assert (under.reception.tolist(), under.versions.tolist()) == ([9, 5], [2, 1])
    assert (under.revised.values.tolist(), under.methods) == ([8.0], ["neighbour"])
    empty = Traced.of(Columns.empty(), np.empty(0), Columns.empty(), np.empty(0), [], 1)
    assert len(below(empty).measured.keys) == len(below(empty).versions) == 0
