"""Sign-in under attack: a thousand wrong passwords, and how long others wait meanwhile.

The platform runs as a process of its own, as it does at work. Half of the attack names one
account, half a thousand; it comes as fast as forty connections can send.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from heatloop.app.settings import load_settings
from heatloop.app.wiring import open_records
from heatloop.kernel.clock import machine_s
from heatloop.security.access import Role
from heatloop.security.passwords import hash_password, new_token, token_hash

_ROOT = Path(__file__).resolve().parent.parent
_PASSWORD = "Warm-Rooms-2026"
_CONNECTIONS, _SOURCES = 40, 8
_LOOK = "/api/v1/session"


def _prepare(folder: Path) -> tuple[str, str]:
    """Make the records with one person signed in and one who will sign in; return a token."""
    records, _ = open_records(load_settings(folder))
    token, now = new_token(), machine_s()
    for name in ("wang", "li"):
        records.users.create(
            name,
            password_hash=hash_password(_PASSWORD),
            roles=[Role.MANAGER.value],
            scope=[""],
            at=now,
            must_change=False,
        )
    records.sessions.create(token_hash(token), user="wang", at=now, expires_at=now + 3600.0)
    records.close()
    return token, "li"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def _ready(http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(120.0):
        while True:
            try:
                if (await http.get("/api/v1/info")).is_success:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)


async def _latencies(http: httpx.AsyncClient, until: asyncio.Event, least: int) -> list[float]:
    """Return how long requests of a signed-in person take, milliseconds."""
    took: list[float] = []
    while len(took) < least or not until.is_set():
        began = time.perf_counter()
        (await http.get(_LOOK)).raise_for_status()
        took.append(1000.0 * (time.perf_counter() - began))
        await asyncio.sleep(0.01)
    return took


async def _attack(url: str, count: int) -> dict[int, int]:
    answers: dict[int, int] = {}
    numbers = iter(range(count))

    async def worker(http: httpx.AsyncClient) -> None:
        for n in numbers:
            user = "wang" if n % 2 else f"user{n}"
            body = {"user": user, "password": f"Wrong-{n:05d}"}
            status = (await http.post(_LOOK, json=body)).status_code
            answers[status] = answers.get(status, 0) + 1

    async with contextlib.AsyncExitStack() as stack:
        sources = [
            await stack.enter_async_context(
                httpx.AsyncClient(
                    base_url=url,
                    headers={"X-Heatloop": "1"},
                    timeout=60.0,
                    # Not from where the others are: limits by address must not hide what it costs.
                    transport=httpx.AsyncHTTPTransport(local_address=f"127.0.0.{n}"),
                )
            )
            for n in range(2, 2 + _SOURCES)
        ]
        await asyncio.gather(*(worker(sources[n % _SOURCES]) for n in range(_CONNECTIONS)))
    return answers


def attack(url: str, count: int) -> None:
    """Attack, and print how often which status came back."""
    # An attacker sits at another machine: here he must not take the platform's cores.
    os.nice(10)
    sys.stdout.write(json.dumps(asyncio.run(_attack(url, count))))


async def _attack_apart(url: str, count: int) -> dict[str, int]:
    """Attack from a process of its own, so that the clock of the others measures the platform."""
    code = f"from bench.security_signin import attack; attack({url!r}, {count})"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, cwd=_ROOT
    )
    told, _ = await process.communicate()
    answers: dict[str, int] = json.loads(told)
    return answers


async def _measure(url: str, token: str, other: str, count: int) -> tuple[float, str]:
    cookies = {"heatloop_session": token}
    async with httpx.AsyncClient(
        base_url=url, cookies=cookies, headers={"X-Heatloop": "1"}, timeout=60.0, trust_env=False
    ) as http:
        await _ready(http)
        never, over = asyncio.Event(), asyncio.Event()
        never.set()
        await _latencies(http, never, 20)  # warm
        calm = await _latencies(http, never, 200)
        looking = asyncio.create_task(_latencies(http, over, 20))
        began = time.perf_counter()
        answers = await _attack_apart(url, count)
        lasted_s = time.perf_counter() - began
        over.set()
        attacked = await looking
    async with httpx.AsyncClient(
        base_url=url, headers={"X-Heatloop": "1"}, timeout=60.0, trust_env=False
    ) as http:
        await http.post(_LOOK, json={"user": other, "password": _PASSWORD})
    ratio = statistics.median(attacked) / statistics.median(calm)
    said = ", ".join(f"{status}: {n}" for status, n in sorted(answers.items()))
    return ratio, (
        f"{count} wrong passwords in {lasted_s:.1f} s ({said}); others' median "
        f"{statistics.median(calm):.1f} -> {statistics.median(attacked):.1f} ms, worst "
        f"{max(calm):.0f} -> {max(attacked):.0f} ms over {len(attacked)} requests"
    )


def attack_ratio(quick: bool) -> tuple[float, str]:
    """Return by which factor an attack on sign-in slows others, and the figures in words.

    Args:
        quick: Whether 300 wrong passwords do instead of 1,000.
    """
    with tempfile.TemporaryDirectory(prefix="heatloop-attack-") as scratch:
        folder = Path(scratch)
        token, other = _prepare(folder)
        port = _free_port()
        historian = _start("heatloop.store.historian", "--data", scratch)
        platform = _start(
            "heatloop.cli.platform", "--data", scratch, "--port", str(port),
        )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{port}"
            return asyncio.run(_measure(url, token, other, 300 if quick else 1000))
        finally:
            for process in (platform, historian):
                process.send_signal(signal.SIGTERM)
            for process in (platform, historian):
                process.wait(30)


def _start(*words: str) -> subprocess.Popen[bytes]:
    environ = {**os.environ, "HEATLOOP_IDENTITY_SECOND_FACTOR": "off"}
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
