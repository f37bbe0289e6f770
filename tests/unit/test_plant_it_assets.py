"""The information side of the ledger: what must be there, what is watched, how video comes in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from heatloop.plant.asset_kinds import asset_kinds
from heatloop.plant.bad_rows import Findings, Place
from heatloop.plant.build import build_ledger
from heatloop.plant.it_assets import (
    REQUIRED,
    WATCHED,
    check_video_transport,
    it_findings,
    it_types,
    watched_points,
)
from heatloop.plant.model import Device
from tests.unit.plant_town import asset, assets, gateways


def it_assets(**changed):
    """One IT asset of every type a company must have, and a camera."""
    found = [
        asset(f"IT{n:04d}", "it_asset", organisation="BR01", it_type=it_type)
        for n, it_type in enumerate(REQUIRED, 1)
    ]
    own = {"it_type": "video_source", "transport": "vpn", **changed}
    return [*found, asset("IT0007", "it_asset", "SS0001", **own)]


def watch(*codes):
    return [
        Device(
            code=f"DV9{code[2:]}", asset=code, gateway="GW0001", profile="it_asset_ping",
            protocol="ping", host=f"10.0.0.{int(code[2:])}", port=7,
        )
        for code in codes
    ]  # fmt: skip


def ledger(its, watching):
    return build_ledger([*assets(), *its], watching, gateways(), version=1, keys={})


ALL = watch("IT0001", "IT0002", "IT0003", "IT0004", "IT0007")


def test_a_company_with_everything_has_no_findings():
    made = ledger(it_assets(), ALL)
    assert it_findings(made) == []
    assert watched_points(made)["IT0004"] == "IT0004.it_asset_up"
    kinds = {point.kind for point in made.points_of("IT0004")}
    assert kinds == {"it_asset_up", "it_asset_rtt_ms", "it_asset_loss"}


@pytest.mark.parametrize("it_type", REQUIRED)
def test_every_missing_type_is_a_finding_in_two_languages(it_type):
    its = [a for a in it_assets() if a.attributes["it_type"] != it_type]
    made = ledger(its, [d for d in ALL if d.asset in {a.code for a in its}])
    (finding,) = it_findings(made)
    assert (finding.rule, finding.it_type, finding.asset) == ("it_type_missing", it_type, "")
    assert finding.clause == "6.1.3 b #1"
    assert finding.zh
    assert it_type.replace("_", " ") in finding.en


def test_an_asset_on_the_network_that_nobody_watches_is_a_finding():
    (finding,) = it_findings(ledger(it_assets(), ALL[1:]))
    assert (finding.rule, finding.asset) == ("it_asset_unwatched", "IT0001")


@pytest.mark.parametrize("transport", ["public", "private_line", "local", None])
def test_video_that_does_not_come_by_vpn_is_refused(transport):
    its = it_assets(**({"transport": transport} if transport else {}))
    if transport is None:
        camera = its[-1]
        its[-1] = replace(camera, attributes={"it_type": "video_source"})
    findings = Findings()
    check_video_transport(findings, [(Place("it_asset", n), a) for n, a in enumerate(its, 2)])
    (row,) = findings.rows
    assert (row.sheet, row.row, row.column, row.value) == (
        "it_asset", 8, "transport", transport or "",
    )  # fmt: skip


def test_types_of_the_rules_are_types_of_the_table():
    assert set(REQUIRED) <= set(it_types())
    assert set(it_types()) >= WATCHED
    assert "vpn" in asset_kinds()["it_asset"].attributes["transport"].choices
