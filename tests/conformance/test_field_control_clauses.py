"""Clauses the control-system, building and IT-asset protocols prove."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from heatloop.edge.index import LatestValues, ProfileIndex
from heatloop.edge.poller import Poller
from heatloop.plant.bad_rows import LedgerErrors
from heatloop.plant.build import build_ledger
from heatloop.plant.edge_profile import EdgeProfile
from heatloop.plant.it_assets import it_findings, watched_points
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Device
from tests.contract.control_field import START, swept
from tests.unit.plant_town import asset, assets, gateways
from tests.unit.test_plant_it_assets import ALL, it_assets, ledger, watch

SLOT = START // 600 * 600
CASES = {
    "opc_ua": ("heat_source_dcs_opcua", "HS0001", {"parameters": "security=none publish_ms=100"}),
    "iec104": ("heat_source_dcs_iec104", "HS0001", {"unit_id": 1}),
    "bacnet": ("building_heat_inlet_bacnet", "BD0001", {"address": "4711"}),
    "snmp": ("it_asset_snmp", "IT0001", {"parameters": "version=2c community=watch"}),
}


class Shown:
    """A device that shows a value of its own at every point, at full resolution."""

    def __init__(self, device, bindings):
        self.device, self.bindings, self.silent = device, bindings, False
        self.values = {}
        for number, binding in enumerate(bindings):
            kind = point_kinds()[binding.kind]
            share = (number * 0.37 + 0.13) % 1.0
            low, high = max(kind.low, -3e6), min(kind.high, 4e6)
            self.values[binding.key] = round(low + share * (high - low), kind.decimals)
        self.told = set()

    def value(self, binding):
        return self.values[binding.key]

    def answered(self, bindings):
        self.told |= {binding.key for binding in bindings}

    def write(self, binding, value):
        if binding.access == "rw":
            self.values[binding.key] = value
        return binding.access == "rw"


@pytest.mark.parametrize("protocol", CASES)
async def test_6_3_e_1_control_and_building_systems_are_read_whole(protocol, tmp_path) -> None:
    """6.3 e #1: every point of a device of each protocol comes in as the device shows it."""
    profile, of, own = CASES[protocol]
    extra = asset("CP0001", "chp", "HS0001", rated_load_kw=90000)
    tank = asset("ST0001", "storage_tank", "HS0001", volume_m3=500)
    about = Device(
        code="DV0001", asset=of, gateway="GW0001", profile=profile, protocol=protocol,
        port=4000, **own,
    )  # fmt: skip
    made = build_ledger(
        [*assets(), extra, tank, *it_assets()], [about], gateways(), version=1, keys={}
    )
    bindings = made.bindings_of_device("DV0001")
    shown = Shown(about, bindings)
    module = __import__(f"heatloop.demo.devices.{protocol}", fromlist=["serve"])
    (tmp_path / "watch").write_text("public")
    server = await module.serve([shown], "127.0.0.1", 0)
    there = EdgeProfile(
        gateway="GW0001", version=1, ledger_version=1,
        devices=(replace(about, port=server.port),), bindings=bindings,
    )  # fmt: skip
    poller = Poller(
        ProfileIndex(there), LatestValues(), timeout_s=2.0, lockstep=True, secrets=tmp_path
    )
    try:
        for slot in (SLOT, SLOT + 600):  # a rate is known from the second reading on
            sweep = await poller.sweep(slot, slot)
        assert sweep.missed == {}
        rows = zip(sweep.batch.keys, sweep.batch.values, strict=True)
        got = dict(rows)
        assert got == {key: pytest.approx(value, rel=1e-9) for key, value in shown.values.items()}
        assert set(sweep.batch.quality) == {0}
        assert shown.told == set(shown.values)
        for binding in bindings:
            if binding.access == "rw":
                kind = point_kinds()[binding.kind]
                wanted = round(kind.low + 0.61 * (kind.high - kind.low), kind.decimals)
                back = await poller.drivers["DV0001"].write(binding, wanted)
                assert back == pytest.approx(wanted, rel=1e-9), binding.point
    finally:
        poller.close()
        await asyncio.sleep(0.02)
        await server.close()


async def test_6_1_3_b_1_it_assets_stand_in_the_ledger_and_are_seen_up_or_down() -> None:
    """6.1.3 b #1: every type, each watched, a missing hardware firewall is a finding."""
    assert it_findings(ledger(it_assets(), ALL)) == []
    without = [a for a in it_assets() if a.attributes["it_type"] != "hardware_firewall"]
    codes = {a.code for a in without}
    (finding,) = it_findings(ledger(without, [d for d in ALL if d.asset in codes]))
    assert (finding.rule, finding.it_type) == ("it_type_missing", "hardware_firewall")

    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    (row,) = watch("IT0001")
    about = replace(row, host="127.0.0.1", port=port, parameters="method=tcp count=1")
    made = ledger(it_assets(), [about])
    there = EdgeProfile(
        gateway="GW0001", version=1, ledger_version=1, devices=(about,),
        bindings=made.bindings_of_device(about.code),
    )  # fmt: skip
    poller = Poller(ProfileIndex(there), LatestValues(), timeout_s=1.0, lockstep=True)
    sweep = await poller.sweep(SLOT, SLOT)
    got = swept(sweep, there.bindings)
    assert (got["it_asset_up"], got["it_asset_loss"]) == (1.0, 0.0)
    assert watched_points(made) == {"IT0001": "IT0001.it_asset_up"}
    poller.close()
    server.close()


def test_6_1_3_d_2_every_video_source_comes_in_by_vpn() -> None:
    """6.1.3 d #2: a ledger with any other transport is refused, and the row named."""
    assert ledger(it_assets(transport="vpn"), ALL).of_kind("it_asset")
    for transport in ("public", "local", "private_line"):
        with pytest.raises(LedgerErrors) as caught:
            ledger(it_assets(transport=transport), ALL)
        (row,) = caught.value.rows
        assert (row.sheet, row.row, row.column, row.value) == (
            "it_asset",
            8,
            "transport",
            transport,
        )
