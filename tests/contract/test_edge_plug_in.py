"""A third party's driver: one distribution on the path, nothing of the core changed (6.1.3 h)."""

import importlib
import sys
import textwrap
from dataclasses import replace

import pytest

from heatloop.edge.drivers.registry import NO_DRIVER
from heatloop.edge.index import LatestValues, ProfileIndex
from heatloop.edge.poller import Poller
from heatloop.plant.build import build_ledger
from heatloop.plant.edge_profile import make_edge_profile
from heatloop.plant.own_profiles import OwnProfile
from heatloop.plant.profiles import ProfileRow
from tests.unit.plant_town import assets, device, gateways

SLOT = 1_800_000_000
DRIVER = """
    import asyncio

    from heatloop.edge.drivers.port import Driver
    from heatloop.kernel.errors import LinkError


    class LineDriver(Driver):
        '''Asks `name?` of a device that answers with a number a line.'''

        async def _read(self, planned, reading):
            device = self.device
            async with asyncio.timeout(self.tools.timeout_s):
                reader, writer = await asyncio.open_connection(device.host, device.port)
            try:
                for rows in planned:
                    raws = []
                    for binding in rows.bindings:
                        self.tools.stats.asked(device.code)
                        writer.write(f"{binding.source}?\\n".encode())
                        async with asyncio.timeout(self.tools.timeout_s):
                            line = await reader.readline()
                        if not line:
                            raise LinkError("closed", thing=device.code)
                        self.tools.stats.answered(device.code, 0.001, len(line), 10)
                        raws.append(float(line))
                    reading.add(rows.bindings, raws)
            finally:
                writer.close()

        def _drop(self):
            pass
"""
ROWS = (
    ("primary_flow", "flow", 0.1),
    ("primary_supply_temperature", "supply", 1.0),
)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Put a distribution with the driver on the path, as pip does."""
    (tmp_path / "acme_meters.py").write_text(textwrap.dedent(DRIVER))
    about = tmp_path / "acme_meters-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-meters\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[heatloop.drivers]\nx_acme = acme_meters:LineDriver\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield
    sys.modules.pop("acme_meters", None)


def profile_of_a_gateway(port):
    own = OwnProfile(
        profile="own_acme_meter", zh="某厂仪表", en="Acme meter", assets=("substation",),
        protocols=("x_acme",),
        rows=tuple(
            ProfileRow(child="device", stride=0, register=4 * n, kind=kind, n=0, dtype="",
                       factor=factor, access="r", source=source)
            for n, (kind, source, factor) in enumerate(ROWS)
        ),
    )  # fmt: skip
    made = replace(device(1, "SS0001", "own_acme_meter"), protocol="x_acme", port=port)
    ledger = build_ledger(assets(), [made], gateways(), version=1, keys={}, profiles=[own])
    return make_edge_profile(ledger, "GW0001", 1)


async def test_6_1_3_h_a_plug_in_driver_and_an_own_profile_are_polled(installed, unused_tcp_port):
    import asyncio

    async def answer(reader, writer):
        while line := await reader.readline():
            writer.write({b"flow?\n": b"125\n", b"supply?\n": b"95.5\n"}[line])
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", unused_tcp_port)
    index = ProfileIndex(profile_of_a_gateway(unused_tcp_port))
    poller = Poller(index, LatestValues(), timeout_s=0.5)
    sweep = await poller.sweep(SLOT, 0.0)
    names = {b.key: b.point for b in index.profile.bindings}
    values = {names[k]: v for k, v in zip(sweep.batch.keys, sweep.batch.values, strict=True)}
    assert values == {
        "SS0001.primary_flow": pytest.approx(12.5), "SS0001.primary_supply_temperature": 95.5,
    }  # fmt: skip
    assert sweep.answered == ["DV0001"]
    server.close()
    await server.wait_closed()
    dead = await poller.sweep(SLOT + 30, 1.0)
    assert dead.missed == {"DV0001": "device_unreachable"}
    poller.close()


async def test_without_the_plug_in_the_device_is_a_gap_that_says_why(unused_tcp_port):
    index = ProfileIndex(profile_of_a_gateway(unused_tcp_port))
    poller = Poller(index, LatestValues(), timeout_s=0.5)
    sweep = await poller.sweep(SLOT, 0.0)
    assert sweep.missed == {"DV0001": NO_DRIVER}
    poller.close()
