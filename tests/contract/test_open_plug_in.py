"""The sample plug-in, built, installed, used end to end in real processes, and removed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import heatloop
from heatloop.kernel.clock import machine_s, utc
from tests.contract.edge_peers import Publisher
from tests.contract.test_app_process import answers, free_port, sign_in_first

API = "/api/v1"
CLEAR = {"X-Heatloop-Plain-Reason": "the sample is read here"}
ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "samples" / "plug_in"
CORE = Path(heatloop.__file__).parent
KIND = "x_acme_bearing_temperature"
POINT = f"SS0001.{KIND}"
PREPARE = """
import json, sys
from dataclasses import replace
from pathlib import Path
from heatloop.app.ledger_admin import create_gateway_token, save_ledger
from heatloop.app.settings import load_settings
from heatloop.app.wiring import open_records
from heatloop.plant.build import build_ledger
from heatloop.plant.own_profiles import OwnProfile
from heatloop.plant.profiles import ProfileRow
from tests.unit.app_town import assets, devices, gateways

folder, port = Path(sys.argv[1]), int(sys.argv[2])
own = OwnProfile(
    profile="own_acme_bearing", zh="Acme 轴承监测", en="Acme bearing monitor",
    assets=("substation",), protocols=("x_acme_line",),
    rows=(ProfileRow(child="device", stride=0, register=0, kind="x_acme_bearing_temperature", n=0,
                     dtype="", factor=0.1, access="r", source="bearing"),))
device = replace(devices()[0], code="DV0009", profile="own_acme_bearing", protocol="x_acme_line",
                 port=port)
records, _ = open_records(load_settings(folder))
ledger = build_ledger(assets(), [device], gateways(), version=1, keys={}, profiles=[own])
save_ledger(records, ledger, "system", "test")
print(json.dumps({"token": create_gateway_token(records, "GW0001"),
                  "points": sorted(ledger.points)}))
records.close()
"""


def core_hashes():
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(CORE.rglob("*"))
        if path.suffix in (".py", ".csv") and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the package and install it into a folder, as pip does, without the network."""
    folder = tmp_path_factory.mktemp("site")
    source = folder / "source"
    shutil.copytree(SAMPLE, source)
    site = folder / "packages"
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation",
               "--no-index", "--disable-pip-version-check", "--quiet", "--no-compile",
               "--root-user-action=ignore", "--target", str(site), str(source)]  # fmt: skip
    subprocess.run(command, check=True, timeout=100)
    return site


def environment(*sites):
    path = os.pathsep.join((*map(str, sites), str(ROOT / "src"), str(ROOT)))
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


class Program:
    """A heatloop process with or without the plug-in on its path."""

    def __init__(self, log, *sites):
        self._log, self._env, self._made = log, environment(*sites), []

    async def start(self, *arguments):
        with self._log.open("ab") as log:
            made = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *map(str, arguments), env=self._env, stdout=log, stderr=log
            )
        self._made.append(made)
        return made

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        for made in reversed(self._made):
            if made.returncode is None:
                made.terminate()
        async with asyncio.timeout(30):
            for made in self._made:
                await made.wait()


class Bearing:
    """An instrument of Acme's."""

    def __init__(self):
        self.raw = 790

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    async def _answer(self, reader, writer):
        while line := await reader.readline():
            writer.write(f"{self.raw}\n".encode() if line == b"bearing?\n" else b"what\n")
        writer.close()


async def get(client, path, **params):
    reply = await client.get(f"{API}/{path}", params=params, headers=CLEAR)
    assert reply.status_code == 200, reply.text
    return reply


async def until(check, seconds=40.0):
    async with asyncio.timeout(seconds):
        while not (found := await check()):
            await asyncio.sleep(0.1)
    return found


async def test_4_2_3_5_1_and_6_1_3_h_a_package_outside_the_tree_is_added_used_and_removed(
    site, tmp_path
):
    before = core_hashes()
    data, port = tmp_path / "data", free_port()
    start = int(machine_s()) // 30 * 30 - 3600
    async with (
        Bearing() as bearing,
        Publisher(tmp_path / "city.sock", start=start) as clock,
        Program(tmp_path / "log", site) as programs,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"X-Heatloop": "1"}, timeout=20
        ) as client,
    ):
        made = await asyncio.to_thread(
            subprocess.check_output, [sys.executable, "-c", PREPARE, str(data), str(bearing.port)],
            env=environment(site), timeout=60,
        )  # fmt: skip
        told = json.loads(made.splitlines()[-1])
        assert POINT in told["points"]
        await programs.start("heatloop.store.historian", "--data", data)
        await programs.start("heatloop.cli.platform", "--data", data, "--port", port)
        await answers(client)
        await sign_in_first(client, data)
        modules = {m["name"]: m for m in (await get(client, "extensions")).json()["items"]}
        for name in (
            "x_acme_line", "x_acme_kinds", "x_acme_bearing", "x_acme_report", "x_acme_frame",
        ):  # fmt: skip
            assert (modules[name]["state"], modules[name]["distribution"]) == (
                "running", "heatloop-acme 1.0.0",
            )  # fmt: skip
        # Driver and kind: polled by the gateway, stored and shown with the plug-in's own words.
        (tmp_path / "token").write_text(told["token"])
        (tmp_path / "edge.toml").write_text(
            f'gateway = "GW0001"\nplatform_url = "http://127.0.0.1:{port}"\ndata = "edge"\n'
            'token_file = "token"\nclock_socket = "city.sock"\ntimeout_s = 1.0\n'
        )
        await programs.start("heatloop.edge", "--config", tmp_path / "edge.toml")
        await asyncio.wait_for(clock.done.wait(), 60)
        for raw in (795, 788, 800, 806, 815, 823, 832, 840, 848, 856, 864, 872, 880):
            bearing.raw = raw
            await clock.step(within_s=30)

        async def latest():
            found = (await get(client, "points", asset="SS0001")).json()["items"]
            return next((p for p in found if p["code"] == POINT and p["value"] == 88.0), None)

        shown = await until(latest)
        assert (shown["zh"], shown["en"], shown["unit"]) == (
            "循环泵轴承温度", "pump bearing temperature", "degC",
        )  # fmt: skip

        # Detector: three hot values are an alarm in the plug-in's own words.
        async def alarm():
            found = (await get(client, "alarms")).json()["items"]
            return next((a for a in found if a["rule"] == "x_acme_bearing.hot"), None)

        raised = await until(alarm)
        assert (raised["point"], raised["priority"], raised["value"]) == (POINT, 2, 87.2)
        assert "轴承温度持续过高" in raised["text_zh"]
        assert "bearing runs hot" in raised["text_en"]
        for raw in (870, 858, 845, 832, 820, 808, 797, 786):
            bearing.raw = raw
            await clock.step(within_s=30)

        async def cleared():
            found = await alarm()
            return found is None or found["cleared"]

        await until(cleared)
        # Report: a file made of what the user may see.
        ends = {"start": utc(start - 60).isoformat(), "end": utc(start + 3600).isoformat()}
        report = await get(client, "extensions/reports/x_acme_report", **ends, language="en")
        assert report.headers["content-type"].startswith("text/csv")
        rows = report.content.decode("utf-8-sig").splitlines()
        assert rows[0] == "point,count,lowest degC,mean degC,highest degC"
        assert rows[1].startswith(f"{POINT},")
        assert rows[1].endswith(",88.0")
    assert core_hashes() == before
    # Removed: the package is off the path, and everything else works as before.
    bare = tmp_path / "bare"
    async with (
        Program(tmp_path / "log2") as programs,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"X-Heatloop": "1"}, timeout=20
        ) as client,
    ):
        await programs.start("heatloop.store.historian", "--data", bare)
        await programs.start("heatloop.cli.platform", "--data", bare, "--port", port)
        await answers(client)
        await sign_in_first(client, bare)
        kinds = {m["kind"] for m in (await get(client, "extensions")).json()["items"]}
        assert kinds == {"application"}
        parts = (await get(client, "health")).json()["parts"]
        bad = [p for p in parts if not p["ok"] and p["layer"] == "application"]
        assert [p["name"] for p in bad if p["name"] != "event loop"] == []  # a busy test machine
        gone = await client.get(
            f"{API}/extensions/reports/x_acme_report", params=ends, headers=CLEAR
        )
        assert gone.status_code == 404
    assert core_hashes() == before
    assert "heatloop_acme" not in "".join(path.read_text("utf-8") for path in CORE.rglob("*.py"))
