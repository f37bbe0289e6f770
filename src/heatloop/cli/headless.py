"""A demo run without screens: the whole chain at full speed, then an exact account of it.

The account holds the devices' own logs against the read API, lists every command with its end,
and says how warm the rooms were.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import datetime
from typing import Any

import numpy as np

from heatloop.app.supervisor import Supervisor
from heatloop.cli.api import Api
from heatloop.cli.prepare import first_login, local_gateways, prepare
from heatloop.cli.progress import Progress
from heatloop.cli.stack import StackOptions, reset, start_all
from heatloop.demo.verify import compare, produced
from heatloop.demo.web import ask_city
from heatloop.kernel.clock import utc
from heatloop.kernel.errors import LinkError
from heatloop.kernel.series import Columns
from heatloop.plant.ledger import Ledger

TICK_S = 30
DRAIN_S = 60.0
CHUNK_S = 6 * 3600
WARM_C = 18.0
SETTLE_SPEED = 30
OPEN_STATES = ("queued", "sent", "acknowledged")


async def run_headless(stack: StackOptions, days: float) -> dict[str, Any]:
    """Run the city for `days` of plant time through the whole chain and return the report.

    Raises:
        LinkError: The run did not come to its end, or the platform cannot be read.
    """
    reset(stack)
    assert stack.start_s is not None
    end_s = stack.start_s + round(days * 86400 / TICK_S) * TICK_S
    ledger = prepare(stack)
    login = first_login(stack)
    assert login is not None
    supervisor = Supervisor(stack.run_dir, stack.data / "logs")
    started = time.perf_counter()
    try:
        await start_all(supervisor, stack, local_gateways(stack))
        ready = time.perf_counter()
        await _wait_for_end(stack, end_s, days)
        api = await Api.sign_in(stack.url, *login)
        try:
            ended = time.perf_counter()
            await _settle(stack, api, end_s)
            report = await _account(api, ledger, stack, end_s)
        finally:
            await api.close()
        restarts = supervisor.restarts()
    finally:
        await supervisor.stop()
    return {
        "size": stack.size,
        "seed": stack.seed,
        "plant_start": utc(stack.start_s).isoformat(),
        "plant_end": utc(end_s).isoformat(),
        "plant_s": end_s - stack.start_s,
        "wall_s": round(ended - ready, 1),
        "start_up_s": round(ready - started, 1),
        "speed": round((end_s - stack.start_s) / (ended - ready), 1),
        "restarts": restarts,
        **report,
    }


async def _wait_for_end(stack: StackOptions, end_s: int, days: float) -> None:
    bar = Progress(f"{days:g} days of winter", days * 86400)
    assert stack.start_s is not None
    silent_since = time.monotonic()
    seen = -1.0
    while True:
        try:
            status = await ask_city(stack.run_dir / "city.sock", "status")
            now = float(status["plant_s"])
        except LinkError:
            now = seen
        if now != seen:
            seen, silent_since = now, time.monotonic()
        bar.show(seen - stack.start_s)
        if seen >= end_s:
            break
        if time.monotonic() - silent_since > DRAIN_S:
            raise LinkError(
                "plant time stands still",
                thing=utc(max(seen, 0)).isoformat(),
                place=str(stack.data / "logs"),
                fix="look into the logs",
            )
        await asyncio.sleep(0.1)
    bar.end()


async def _settle(stack: StackOptions, api: Api, end_s: int) -> None:
    """Let the last commands be read back and the spools run empty; what comes is not counted."""
    city = stack.run_dir / "city.sock"
    await ask_city(city, "speed", speed=SETTLE_SPEED)
    deadline = time.monotonic() + DRAIN_S
    while any(c["state"] in OPEN_STATES for c in await _commands_until(api, end_s)):
        if time.monotonic() > deadline:
            break  # the account says which, and where they stand
        await asyncio.sleep(0.5)
    # Time crawls now, so that nothing new comes while the spools run empty.
    await ask_city(city, "speed", speed=1)
    await drain(api)


async def _commands_until(api: Api, end_s: int) -> list[dict[str, Any]]:
    found = await api.pages("/commands")
    return [c for c in found if datetime.fromisoformat(c["issued"]).timestamp() < end_s]


async def drain(api: Api) -> None:
    """Wait until nothing new has been stored for a while: the spools are empty."""
    deadline = time.monotonic() + DRAIN_S
    before: list[Any] = []
    quiet = 0
    while quiet < 4:
        gateways = (await api.send("GET", "/gateways"))["items"]
        now = [(g["code"], g["epoch"], g["through"]) for g in gateways]
        quiet = quiet + 1 if now == before else 0
        before = now
        if time.monotonic() > deadline:
            raise LinkError("the spools do not run empty", thing=str(now))
        await asyncio.sleep(0.5)


async def _account(api: Api, ledger: Ledger, stack: StackOptions, end_s: int) -> dict[str, Any]:
    start_s = stack.start_s
    assert start_s is not None
    given = produced(ledger, stack.data / "city", start_s, end_s)
    totals = dict.fromkeys(("produced", "stored", "missing", "wrong", "duplicates", "invented"), 0)
    missing: list[np.ndarray[Any, np.dtype[np.uint64]]] = []
    rooms = Rooms(ledger)
    # Piece by piece: neither side ever holds the whole run in memory.
    for piece in range(start_s, end_s, CHUNK_S):
        until = min(piece + CHUNK_S, end_s)
        stored = await api.samples(piece, until)
        found = compare(given.take((given.slots >= piece) & (given.slots < until)), stored)
        for name in totals:
            totals[name] += getattr(found, name)
        missing.append(found.missing_ids)
        rooms.add(stored)
    gaps = await api.pages("/gaps")
    unexplained = explain(np.concatenate(missing), gaps, ledger)
    return {
        "samples": {**totals, "missing_unexplained": unexplained},
        "gaps": gaps,
        "commands": await _commands(api, end_s),
        "rooms": rooms.summary(),
        "alarms": Counter(a["rule"] for a in await api.pages("/alarms", state="all")),
        "quarantined": len(await api.pages("/quarantine")),
    }


def _seconds(text: str) -> np.uint64:
    return np.uint64(datetime.fromisoformat(text).timestamp())


def explain(
    missing: np.ndarray[Any, np.dtype[np.uint64]], gaps: list[dict[str, Any]], ledger: Ledger
) -> int:
    """Return how many missing (key << 32 | slot) no gap record covers."""
    covered = np.zeros(len(missing), bool)
    keys, slots = missing >> np.uint64(32), missing & np.uint64(0xFFFFFFFF)
    for gap in gaps:
        own = [b.key for b in ledger.bindings_of_device(gap["device"])]
        first = _seconds(gap["start"])
        last = _seconds(gap["end"]) if gap["end"] else np.uint64(0xFFFFFFFF)
        covered |= np.isin(keys, own) & (slots >= first) & (slots <= last)
    return int((~covered).sum())


class Rooms:
    """How warm the rooms were, from stored room temperatures."""

    def __init__(self, ledger: Ledger) -> None:
        self._keys = np.array(
            [p.key for p in ledger.points.values() if p.kind == "room_temperature"], "u4"
        )
        self._count = self._warm = 0
        self._sum = 0.0

    def add(self, stored: Columns) -> None:
        """Count the room readings among these samples."""
        values = stored.values[np.isin(stored.keys, self._keys)]
        self._count += len(values)
        self._warm += int((values >= WARM_C).sum())
        self._sum += float(values.sum())

    def summary(self) -> dict[str, float]:
        """Return readings, their mean and the share of at least 18 degC."""
        if not self._count:
            return {"readings": 0}
        return {
            "readings": self._count,
            "mean_c": round(self._sum / self._count, 2),
            "share_18_pct": round(100 * self._warm / self._count, 2),
        }


async def _commands(api: Api, end_s: int) -> dict[str, Any]:
    commands = await _commands_until(api, end_s)
    states = Counter(c["state"] for c in commands)
    explained = [
        {
            "id": c["id"],
            "point": c["point"],
            "state": c["state"],
            "reason": c["events"][-1]["reason"] if c["events"] else "",
        }
        for c in commands
        if c["state"] != "verified"
    ]
    return {
        "total": len(commands),
        **states,
        "not_verified": explained[:200],
        "unexplained": sum(1 for c in explained if not c["reason"]),
    }
