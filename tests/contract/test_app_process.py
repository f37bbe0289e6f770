"""The true processes: historian with chdb, platform, and the edge's own uplink as the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pyarrow as pa
import pytest

from heatloop.app.ledger_admin import create_gateway_token, install_ledger
from heatloop.app.settings import load_settings
from heatloop.app.wiring import open_records
from heatloop.cli.platform import main
from heatloop.edge.spool import Spool
from heatloop.edge.uplink import Uplink
from heatloop.edge.uplink_session import UplinkSession
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.clock import machine_s
from heatloop.security.keys import SigningKey
from tests.unit.app_town import PASSWORD, assets, devices, gateways

API = "/api/v1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a heatloop process; stop it by SIGTERM if it still runs."""
    made = await asyncio.create_subprocess_exec(sys.executable, "-m", *arguments)
    try:
        yield made
    finally:
        if made.returncode is None:
            made.terminate()
        async with asyncio.timeout(20):
            await made.wait()


async def until(condition, seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def answers(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(f"{API}/info")).is_success:
                    return
            await asyncio.sleep(0.1)


async def sign_in_first(client: httpx.AsyncClient, folder: Path) -> None:
    user, password = (folder / "keys" / "first-login.txt").read_text().split()
    body = {"user": user, "password": password}
    assert (await client.post(f"{API}/session", json=body)).json()["must_change"]
    change = {"old": password, "new": PASSWORD}
    assert (await client.post(f"{API}/session/password", json=change)).status_code == 204


async def enrolled(client: httpx.AsyncClient, token: str) -> SigningKey:
    key = SigningKey.generate()
    body = {"gateway": "GW0001", "public_key": key.public.hex(), "token": token}
    assert (await client.post(f"{API}/gateways/enrol", json=body)).status_code == 200
    return key


async def test_killed_platform_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    folder, port = tmp_path / "data", free_port()
    records, _ = open_records(load_settings(folder))
    ledger = install_ledger(records, assets(), devices(), gateways())
    token = create_gateway_token(records, "GW0001")
    records.close()
    keys = [point.key for point in ledger.points.values() if point.asset in ("SS0001", "UN0001")]
    platform = ("heatloop.cli.platform", "--data", str(folder), "--port", str(port))
    async with (
        process("heatloop.store.historian", "--data", str(folder)),
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"X-Heatloop": "1"}, timeout=30
        ) as client,
    ):
        spool = Spool(tmp_path / "spool", 50_000_000)
        start = int(machine_s()) // 30 * 30 - 30 * 200
        async with process(*platform) as first:
            await answers(client)
            await sign_in_first(client, folder)
            session = UplinkSession(
                gateway="GW0001", spool=spool, key=await enrolled(client, token), profile_version=1
            )
            uplink = Uplink(str(client.base_url), [session])
            task = asyncio.create_task(uplink.run())
            await until(lambda: uplink.online)
            for n in range(200):
                values = [40.0 + 0.1 * (n % 7)] * len(keys)
                spool.append(
                    SampleBatch(keys, [start + 30 * n] * len(keys), values, [0] * len(keys))
                )
                uplink.wake()
                if n == 100:
                    os.kill(first.pid, signal.SIGKILL)
                    await first.wait()
                await asyncio.sleep(0.002)
        assert spool.rows > 0
        async with process(*platform):
            await answers(client)
            await until(lambda: spool.rows == 0)
            # Nobody was signed out by the restart.
            ask = {"all": True, "start": "2020-01-01T00:00:00Z", "end": "2020-01-01T00:00:00Z"}
            ask["start"] = _iso(start)
            ask["end"] = _iso(start + 30 * 200)
            reply = await client.get(f"{API}/samples", params=ask)
            assert reply.status_code == 200, reply.text
            table = pa.ipc.open_stream(io.BytesIO(reply.content)).read_all()
            rows = set(zip(table["key"].to_pylist(), table["slot"].to_pylist(), strict=True))
            assert table.num_rows == len(rows) == 200 * len(keys)
            health = (await client.get(f"{API}/health")).json()
            assert health["layers"]["data"], health
            lost = (await client.get(f"{API}/quarantine")).json()
            assert lost["items"] == []
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _iso(at_s: int) -> str:
    from heatloop.kernel.clock import utc

    return utc(at_s).isoformat().replace("+00:00", "Z")


def test_refuses_to_start_with_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "--host", "0.0.0.0"]) == 2
    assert "plain HTTP is served on loopback only" in capsys.readouterr().err
    assert not (tmp_path / "keys").exists()


def test_damaged_or_open_key_file_stops_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records, _ = open_records(load_settings(tmp_path))
    records.close()
    key = tmp_path / "keys" / "platform.ed25519"
    key.chmod(0o644)
    assert main(["--data", str(tmp_path), "--port", str(free_port())]) == 2
    assert "can be read by others" in capsys.readouterr().err
    key.chmod(0o600)
    key.write_bytes(b"short")
    assert main(["--data", str(tmp_path), "--port", str(free_port())]) == 2
    assert "has 32 bytes" in capsys.readouterr().err
