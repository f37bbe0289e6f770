"""A year's daily trend of a point through a running platform's HTTP (clause 6.2 f #2)."""

from __future__ import annotations

import shutil
import socket
import time
from pathlib import Path

import numpy as np

from bench.history_data import START_S, windows
from bench.loop_ledger import install
from heatloop.app.supervisor import Supervisor
from heatloop.cli.api import Api
from heatloop.cli.prepare import first_login
from heatloop.cli.stack import StackOptions, historian_program, platform_program
from heatloop.security.keys import SigningKey
from heatloop.store.historian.client import HistorianClient
from heatloop.store.historian.port import DAY_S

DAYS = 365


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def trends(folder: Path, *, quick: bool) -> tuple[float, str]:
    """Return the 95th percentile of a year's daily trend, seconds, and a note."""
    stations = 4 if quick else 500
    stack = StackOptions(data=folder, port=_free_port())
    ledger = install(stack, stations, {"GW0001": SigningKey.generate()})
    points = sorted(ledger.points.values(), key=lambda point: point.key)
    keys = np.array([point.key for point in points], "u4")
    supervisor = Supervisor(stack.run_dir, folder / "logs")
    try:
        await supervisor.start(historian_program(stack))
        client = HistorianClient(stack.run_dir / "historian.sock", timeout_s=600)
        start = START_S - DAYS * DAY_S
        for part in windows(keys, start, DAYS, DAY_S):
            await client.seed_rollup(DAY_S, part)
        await client.close()
        await supervisor.start(platform_program(stack))
        login = first_login(stack)
        assert login is not None
        api = await Api.sign_in(stack.url, *login)
        took = []
        random = np.random.default_rng(11)
        for index in random.choice(len(points), 10 if quick else 200).tolist():
            query = {
                "points": points[index].code,
                "start": _iso(start),
                "end": _iso(START_S),
                "step": "1d",
            }
            began = time.perf_counter()
            reply = await api.http.get("/trends", params=query)
            took.append(time.perf_counter() - began)
            line = reply.raise_for_status().json()["series"][0]
            if len(line["value"]) != DAYS:
                raise SystemExit(f"history: a year's trend has {len(line['value'])} days")
        await api.close()
    finally:
        await supervisor.stop()
        shutil.rmtree(folder, ignore_errors=True)
    note = f"{len(took)} trends of {DAYS} days over HTTP, {len(points):,} points with a year each"
    return float(np.percentile(took, 95)), note


def _iso(at_s: int) -> str:
    return np.datetime_as_string(np.datetime64(at_s, "s")) + "Z"
