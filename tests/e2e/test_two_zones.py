"""Both zones as a person starts them: paired by files, joined by a folder, and the feed cut."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from heatloop.cli.api import Api
from heatloop.kernel.errors import InputError
from tests.e2e.city_runs import free_block, free_port

HEATLOOP = (sys.executable, "-m", "heatloop")
_SILENT_S = 8


class Zone:
    """One zone: its processes, its folder and a signed-in user."""

    def __init__(self, name: str, folder: Path, *arguments: str) -> None:
        self.name, self.folder = name, folder
        self.config = folder.parent / f"{name}.toml"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.argv = (
            *(*HEATLOOP, "run", "--zone", name, "--demo", "--data", str(folder)),
            *("--config", str(self.config), "--port", str(self.port), *arguments),
        )
        self.run: subprocess.Popen[str] | None = None
        self.login = ("", "")

    def start(self) -> None:
        """Start it and read its first login from what it prints."""
        self.run = subprocess.Popen(
            self.argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self.run.stdout is not None
        told = ""
        for line in self.run.stdout:
            told += line
            if "Ctrl-C" in line:
                break
        found = re.search(r"user 用户 (\S+)\s+password 密码 (\S+)", told)
        if found:
            self.login = (found[1], found[2])
        assert self.login[0], told

    def stop(self) -> int:
        """Stop it with Ctrl-C and return its exit code."""
        if self.run is None:
            return 0
        assert self.run.stdout is not None
        self.run.send_signal(signal.SIGINT)
        code = self.run.wait(60)
        self.run.stdout.close()
        self.run = None
        return code


async def _fresh(api: Api, wanted: bool, within_s: float) -> dict[str, Any]:
    async with asyncio.timeout(within_s):
        while True:
            state = await api.send("GET", "/zone")
            if bool(state["fresh"]) is wanted:
                return dict(state)
            await asyncio.sleep(0.3)


async def _told(api: Api, place: str) -> bool:
    return bool((await api.send("GET", f"/zone/places/{place}"))["code"] == place)


def _carry(*arguments: str) -> None:
    subprocess.run((*HEATLOOP, "zone", *arguments), check=True, capture_output=True, timeout=60)


@pytest.mark.timeout(300)
async def test_6_3_d_2_two_zones_run_apart_and_a_cut_feed_harms_only_freshness(
    tmp_path: Path,
) -> None:
    feed, base = tmp_path / "feed", free_block(40)
    feed.mkdir()
    control = Zone(
        "control", tmp_path / "control",
        *("--size", "tiny", "--no-history", "--speed", "10"),
        *("--base-port", str(base), "--coap-port", str(base + 30)),
    )  # fmt: skip
    customer = Zone("customer", tmp_path / "customer")
    for zone in (control, customer):
        zone.config.write_text(f'[zones]\nfeed_folder = "{feed}"\nsilent_s = {_SILENT_S}\n')
    offer, answer = tmp_path / "offer.json", tmp_path / "answer.json"
    _carry("offer", "--data", str(control.folder), "--out", str(offer))
    joined = ("--offer", str(offer), "--out", str(answer))
    _carry("join", "--data", str(customer.folder), *joined)
    _carry("admit", "--data", str(control.folder), "--answer", str(answer))
    async with AsyncExitStack() as stack:
        for zone in (control, customer):
            stack.callback(zone.stop)
        control.start()
        customer.start()
        api = await Api.sign_in(customer.url, *customer.login)
        stack.push_async_callback(api.close)
        state = await _fresh(api, True, 90)
        assert state["zone"] == "customer"
        (stream,) = [each for each in state["streams"] if each["name"] == "feed"]
        assert stream["role"] == "receives"
        assert stream["refused"] == 0 == stream["gaps"]
        places = await api.pages("/zone/places")
        house = next(each["code"] for each in places if each["kind"] == "building")
        assert await _told(api, house)
        # The road to a command does not exist here, whoever asks.
        for method, path in (("POST", "/commands"), ("GET", "/ledger/assets"), ("POST", "/stop")):
            with pytest.raises(InputError, match=r"40[45]"):
                await api.send(method, path, {})
        assert control.stop() == 0
        state = await _fresh(api, False, 4 * _SILENT_S)
        assert await _told(api, house)  # old answers go on, and say how old they are
        control.start()
        await _fresh(api, True, 90)
    assert customer.stop() == control.stop() == 0
