"""A subscription at a city's own rate: nothing that was stored is missing, and how late it comes.

Gateways spool, sign and send what 500 substations measure every 30 s; a program listens on
`/api/v1/subscribe`, and another one goes away again and again and comes back with its cursor.
What each got is held against what was spooled. Sender, platform and listeners share the machine.

    python -m bench.subscribe [--quick] [--hour]
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sys
import tempfile
import time
from array import array
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from bench.lines import Lines, main
from bench.loop_ledger import POINTS, STATIONS, city_readings, install, point_keys, sweeps_of
from bench.loop_senders import PERIOD_S, Gateway
from heatloop.app.settings import load_settings
from heatloop.app.supervisor import Supervisor
from heatloop.app.wiring import open_records
from heatloop.cli.api import Api
from heatloop.cli.stack import StackOptions, historian_program, platform_program
from heatloop.edge.uplink import Uplink
from heatloop.kernel.clock import machine_s
from heatloop.plant.ledger import Ledger
from heatloop.security.access import Role
from heatloop.security.keys import SigningKey
from heatloop.security.passwords import hash_password

PASSWORD = "Listens-All-Day-2026"
PUSH_BAR_S = 2.0
TICKS_KEPT = 240
"""Sweeps of the city's day before they repeat."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One length of run."""

    seconds: float
    """How long is measured."""
    stations: int
    """Substations of 60 points, swept every 30 s."""
    gateways: int
    """Gateways, whose sweeps are spread over the 30 s."""
    pace: float
    """How much faster than a city's 30 s sweeps come."""
    break_every_s: float
    """How long the second listener stays."""
    away_s: float
    """How long it is away."""


QUICK = Case(seconds=6, stations=24, gateways=2, pace=30, break_every_s=2, away_s=0.5)
NORMAL = Case(seconds=60, stations=500, gateways=5, pace=1, break_every_s=10, away_s=5)
HOUR = Case(seconds=3600, stations=500, gateways=5, pace=1, break_every_s=300, away_s=30)


@dataclass(slots=True)
class Book:
    """What was spooled when, and what a listener got when."""

    first_s: int
    """Slot of the first sweep."""
    column: dict[str, int]
    """Point code to column."""
    spooled: NDArray[np.float64]
    """Machine time a row was spooled, (tick, point); NaN: never."""

    def new(self) -> NDArray[np.float64]:
        """Return an empty page for a listener."""
        return np.full_like(self.spooled, np.nan)

    def note(self, page: NDArray[np.float64], rows: list[list[Any]], at_s: float) -> None:
        """Note [point, slot, ...] rows that came; the first time counts."""
        for point, slot, *_ in rows:
            tick = (slot - self.first_s) // PERIOD_S
            column = self.column.get(point)
            if column is not None and 0 <= tick < len(page) and np.isnan(page[tick, column]):
                page[tick, column] = at_s


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _messages(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, Any]]:
    async for line in lines:
        if line.startswith("data:"):
            yield json.loads(line[5:])


async def listen(
    api: Api, book: Book, page: NDArray[np.float64], ready: asyncio.Event, stay_s: float | None,
    away_s: float,
) -> None:  # fmt: skip
    """Take what comes into a page until cancelled; stay so long at a time, None: for ever."""
    cursor = ""
    while True:
        try:
            async with (
                asyncio.timeout(stay_s),
                api.http.stream(
                    "GET", "/subscribe", params={"events": "", "cursor": cursor}, timeout=60
                ) as reply,
            ):
                reply.raise_for_status()
                async for message in _messages(reply.aiter_lines()):
                    ready.set()
                    if message["event"] == "values":
                        book.note(page, message["rows"], machine_s())
                    # Only what was worked off counts as had.
                    cursor = message["cursor"]
        except (TimeoutError, httpx.TransportError):
            await asyncio.sleep(away_s)


async def send(stack: StackOptions, gateways: list[Gateway], book: Book, case: Case) -> int:
    """Sweep every gateway at its own moment of the period; return the sweeps a gateway made."""
    uplinks = [Uplink(stack.url, [gateway.session]) for gateway in gateways]
    tasks = [asyncio.create_task(uplink.run()) for uplink in uplinks]
    period_s = PERIOD_S / case.pace
    ticks = max(int(case.seconds / period_s), 1)
    try:
        while not all(uplink.online for uplink in uplinks):  # noqa: ASYNC110 - has no event
            await asyncio.sleep(0.05)
        began, first = machine_s(), 0
        offsets = []
        for gateway in gateways:
            offsets.append(first)
            first += len(gateway.keys)
        for tick in range(ticks):
            for number, (gateway, uplink) in enumerate(zip(gateways, uplinks, strict=True)):
                due = began + (tick + number / len(gateways)) * period_s
                await asyncio.sleep(max(due - machine_s(), 0))
                await asyncio.to_thread(gateway.sweep, book.first_s)
                uplink.wake()
                at = offsets[number]
                book.spooled[tick, at : at + len(gateway.keys)] = machine_s()
        async with asyncio.timeout(120):
            while any(gateway.spool.rows for gateway in gateways):  # noqa: ASYNC110 - has no event
                await asyncio.sleep(0.05)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for gateway in gateways:
            gateway.spool.close()
    return ticks


def _gateways(
    ledger: Ledger, keys: dict[str, SigningKey], folder: Path, start_s: int, ticks: int
) -> list[Gateway]:
    readings, found, first = city_readings(start_s, min(ticks, TICKS_KEPT)), [], 0
    for code, key in keys.items():
        own = array("I", point_keys(ledger, code))
        stations = len(own) // POINTS
        sweeps = sweeps_of(readings, first % STATIONS, stations)
        first += stations
        found.append(Gateway.make(code, own, key, folder / "spool" / code, sweeps))
    return found


async def trial(case: Case, folder: Path) -> tuple[Book, list[NDArray[np.float64]], int]:
    """Run one case; return the book, the pages of both listeners and the sweeps."""
    stack = StackOptions(data=folder, port=_free_port())
    keys = {f"GW{i + 1:04d}": SigningKey.generate() for i in range(case.gateways)}
    ledger = install(stack, case.stations, keys)
    records, _ = open_records(load_settings(stack.data))
    users = ("listener", "wanderer")
    for user in users:
        records.users.create(
            user, password_hash=hash_password(PASSWORD), roles=[Role.INTEGRATOR.value],
            scope=[""], at=machine_s(), must_change=False,
        )  # fmt: skip
    records.close()
    # A faster pace must not run ahead of the platform's clock: such slots are refused.
    ahead_s = case.seconds * (case.pace - 1)
    start_s = int(machine_s() - ahead_s) // PERIOD_S * PERIOD_S
    most = int(case.seconds * case.pace / PERIOD_S) + 1
    gateways = _gateways(ledger, keys, folder, start_s, most)
    points = {point.key: point.code for point in ledger.points.values()}
    codes = [points[key] for gateway in gateways for key in gateway.keys]
    book = Book(
        first_s=start_s,
        column={code: at for at, code in enumerate(codes)},
        spooled=np.full((most, len(codes)), np.nan),
    )
    pages = [book.new() for _ in users]
    supervisor = Supervisor(stack.run_dir, folder / "logs")
    apis: list[Api] = []
    listeners: list[asyncio.Task[None]] = []
    try:
        await supervisor.start(historian_program(stack))
        await supervisor.start(platform_program(stack))
        for user, page, stay_s in zip(users, pages, (None, case.break_every_s), strict=True):
            apis.append(await Api.sign_in(stack.url, user, PASSWORD))
            ready = asyncio.Event()
            listeners.append(
                asyncio.create_task(listen(apis[-1], book, page, ready, stay_s, case.away_s))
            )
            async with asyncio.timeout(60):
                await ready.wait()
        ticks = await send(stack, gateways, book, case)
        # The wanderer may be away just now.
        until = machine_s() + case.away_s + 20
        sent = ~np.isnan(book.spooled)
        while machine_s() < until and any((sent & np.isnan(page)).any() for page in pages):  # noqa: ASYNC110 - has no event
            await asyncio.sleep(0.2)
    finally:
        for task in listeners:
            task.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)
        for api in apis:
            await api.close()
        await supervisor.stop()
    return book, pages, ticks


def measure(lines: Lines, case: Case) -> None:
    """Print what is missing and how late values came."""
    folder = Path(tempfile.mkdtemp(prefix="heatloop-subscribe-"))
    began = time.perf_counter()
    try:
        book, (steady, wandering), ticks = asyncio.run(trial(case, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sent = ~np.isnan(book.spooled)
    late = (steady - book.spooled)[sent & ~np.isnan(steady)]
    note = (
        f"{int(sent.sum()):,} values of {sent.shape[1]:,} points in {ticks} sweeps, "
        f"{time.perf_counter() - began:.0f} s"
    )
    lines.add(
        "subscribe.missing", int((sent & np.isnan(steady)).sum()), "values", at_most=0, note=note
    )
    lines.add(
        "subscribe.missing_coming_back", int((sent & np.isnan(wandering)).sum()), "values",
        at_most=0, note=f"away {case.away_s:g} s after every {case.break_every_s:g} s",
    )  # fmt: skip
    lines.add(
        "subscribe.push_p95_s", float(np.percentile(late, 95)) if len(late) else 1e9, "s",
        at_most=PUSH_BAR_S, note=f"spool to listener; slowest {late.max(initial=0):.2f} s",
    )  # fmt: skip


def run(lines: Lines, quick: bool) -> None:
    """Measure a minute, or a few seconds."""
    measure(lines, QUICK if quick else NORMAL)


if __name__ == "__main__":
    if sys.argv[1:] == ["--hour"]:
        found = Lines()
        measure(found, HOUR)
        sys.exit(found.end("subscribe"))
    sys.exit(main(run, "subscribe", sys.argv[1:]))
