"""Fault scenes over the platform's HTTP API, against a running stack or one of its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from heatloop.app.jobs import AWAY_MACHINE_S
from heatloop.app.supervisor import Supervisor
from heatloop.cli.api import Api
from heatloop.cli.prepare import first_login, local_gateways, prepare
from heatloop.cli.stack import StackOptions, reset, start_all
from heatloop.demo.ledger import demo_ledger
from heatloop.demo.scenes_list import scenes_of
from heatloop.demo.scenes_run import SceneResult, SeenAlarm, SeenPoint, report_of, run_scenes
from heatloop.kernel.errors import InputError
from heatloop.plant.build import build_ledger
from heatloop.plant.ledger import Ledger


class ApiCity:
    """A live city seen and changed through the platform's API.

    Args:
        api: A session that may view and may use the demo's controls.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    async def now_s(self) -> float:
        """Return plant time."""
        return _seconds((await self._api.send("GET", "/demo/status"))["plant_time"])

    async def switch(self, fault: str, active: bool) -> None:
        """Switch a fault on or off."""
        await self._api.send("PUT", f"/demo/faults/{quote(fault)}", {"active": active})

    async def alarms(self, asset: str) -> list[SeenAlarm]:
        """Return the open alarms of an asset, those gone but not yet seen too, newest first."""
        query = urlencode({"subject": asset, "size": 200})
        found = await self._api.send("GET", f"/alarms?{query}")
        return [
            SeenAlarm(
                id=item["id"],
                subject=item["point"] or item["subject"],
                rule=item["rule"],
                onset_s=_seconds(item["onset"]),
                cleared=item["cleared"] is not None,
            )
            for item in found["items"]
        ]

    async def latest(self, points: Sequence[str]) -> dict[str, SeenPoint]:
        """Return the latest values of points."""
        found = await self._api.send("GET", "/points/latest?codes=" + ",".join(points))
        return {
            p["code"]: SeenPoint(
                value=p["value"],
                quality=p["quality"],
                at_s=_seconds(p["at"]) if p["at"] else None,
            )
            for p in found
        }


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def run_against(
    url: str, login: tuple[str, str], *, size: str, seed: int, only: str = ""
) -> dict[str, Any]:
    """Run the scenes against a running platform and return the report.

    Args:
        url: Its address.
        login: User and password; the first password must have been changed before.
        size: Size of its city.
        seed: Seed of its city.
        only: Text a scene's fault must contain.

    Raises:
        InputError: The login is refused.
        LinkError: The platform does not answer.
    """
    http = httpx.AsyncClient(
        base_url=url + "/api/v1", headers={"X-Heatloop": "1"}, timeout=60, trust_env=False
    )
    api = Api(http)
    try:
        user, password = login
        session = await api.send("POST", "/session", {"user": user, "password": password})
        if session["must_change"]:
            raise InputError("password must be changed", thing=user, fix="sign in once by browser")
        rows = demo_ledger(size, seed)
        ledger = build_ledger(*rows, version=1, keys={})
        return await _report(api, ledger, only, url=url, size=size, seed=seed)
    finally:
        await api.close()


async def run_own(stack: StackOptions, *, only: str = "") -> dict[str, Any]:
    """Start a stack of its own, run the scenes against it and return the report.

    Args:
        stack: What to run, and where; its data folder is emptied first.
        only: Text a scene's fault must contain.

    Raises:
        LinkError: The stack does not come up.
    """
    reset(stack)
    ledger = prepare(stack)
    login = first_login(stack)
    assert login is not None
    supervisor = Supervisor(stack.run_dir, stack.data / "logs")
    try:
        await start_all(supervisor, stack, local_gateways(stack))
        api = await Api.sign_in(stack.url, *login)
        try:
            about = {"url": stack.url, "size": stack.size, "seed": stack.seed}
            return await _report(api, ledger, only, apart_after_s=AWAY_MACHINE_S, **about)
        finally:
            await api.close()
    finally:
        await supervisor.stop()


async def _report(
    api: Api, ledger: Ledger, only: str, *, apart_after_s: float = 0.0, **about: Any
) -> dict[str, Any]:
    scenes = [scene for scene in scenes_of(ledger) if only in scene.fault]
    began = time.perf_counter()
    results = await run_scenes(ApiCity(api), scenes, _tell, apart_after_s=apart_after_s)
    return report_of(results, **about, wall_s=round(time.perf_counter() - began, 1))


def _tell(result: SceneResult) -> None:
    mark = "ok  " if result.passed else "FAIL"
    seen = result.told or result.why
    print(f"{mark} {result.device_type:28} {result.fault:58} {seen}", file=sys.stderr, flush=True)
