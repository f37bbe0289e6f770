"""The whole system with everything around it breakable: links, broker, clocks, disks, processes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from random import Random
from typing import Any

from bench.faulty_link import FaultyLink
from bench.zero_loss_clock import WrongClock
from heatloop.app.supervisor import Supervisor
from heatloop.cli.prepare import first_login, local_gateways, prepare
from heatloop.cli.stack import (
    StackOptions,
    city_program,
    edge_program,
    historian_program,
    platform_program,
    reset,
)
from heatloop.demo.web import ask_city
from heatloop.kernel.errors import LinkError
from heatloop.plant.ledger import Ledger

START_S = 1_766_246_400
_DISK_MB = 24
_SETTINGS = """
channel = "{channel}"
failover_s = 1.0
failback_s = 3.0
away_patience_s = 1.0
timeout_s = 1.0
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _free_block(count: int, first: int) -> int:
    """Return the first of `count` ports nobody uses, below those the system gives out."""
    for base in range(first, 32_000, count):
        try:
            for port in range(base, base + count):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    with socket.socket(socket.AF_INET, kind) as probe:
                        probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise SystemExit("zero_loss: no free block of ports")


def find_mosquitto() -> str | None:
    """Return the path of the broker, None if it is not installed."""
    return shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")


class Broker:
    """A real MQTT broker that can be killed and started again."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder, self.port = program, folder, _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, unless it runs."""
        if self._process is not None and self._process.poll() is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([self._program, "-c", config], stdout=log, stderr=log)

    def kill(self) -> None:
        """End it without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Disk:
    """A small disk of its own for one gateway, which can be filled to the last byte."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.mounted = False

    def mount(self) -> None:
        """Put a file system of some megabytes there, if this user may."""
        self._folder.mkdir(parents=True, exist_ok=True)
        argv = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MB}m", "tmpfs", str(self._folder)]
        if os.geteuid() == 0 and shutil.which("mount"):
            self.mounted = subprocess.run(argv, capture_output=True, check=False).returncode == 0

    def unmount(self) -> None:
        """Take it away."""
        if self.mounted:
            subprocess.run(["umount", "-l", str(self._folder)], check=False)

    def fill(self) -> None:
        """Leave not a byte free."""
        with contextlib.suppress(OSError), (self._folder / "filler").open("wb", 0) as file:
            while True:
                file.write(bytes(1 << 16))
        with contextlib.suppress(OSError), (self._folder / "filler").open("ab", 0) as file:
            while True:
                file.write(b"0")

    def empty(self) -> None:
        """Give the room back."""
        (self._folder / "filler").unlink(missing_ok=True)


class World:
    """One running system.

    Args:
        folder: Data folder.
        seed: City and winter, and what the networks lose.
        small_spool: Whether the first gateway's spool holds 1 MB only.
    """

    def __init__(self, folder: Path, seed: int, *, small_spool: bool) -> None:
        self.folder, self._small_spool = folder, small_spool
        base = _free_block(160, 20_000 + 160 * (seed % 40))
        self.stack = StackOptions(
            data=folder,
            port=_free_port(),
            config=folder / "heatloop.toml",
            demo=True,
            size="tiny",
            seed=1 + seed % 5,
            history=False,
            lockstep=True,
            start_s=START_S,
            base_port=base,
            coap_port=base + 140,
        )
        self.gateways: list[str] = []
        program = find_mosquitto()
        self.broker = Broker(program, folder / "broker") if program else None
        rng = Random(seed)
        self.links = [FaultyLink(self.stack.port, rng) for _ in range(2)]
        city = self.stack.run_dir / "city.sock"
        run = self.stack.run_dir
        self.clocks = [WrongClock(city, run / f"clock{n}.sock") for n in range(2)]
        self.disk = Disk(folder / "edge" / "GW0002")
        self.supervisor = Supervisor(run, folder / "logs")
        self.ledger: Ledger | None = None
        self.login: tuple[str, str] | None = None

    async def start(self) -> None:
        """Start everything."""
        reset(self.stack)
        self.disk.mount()
        lines = ["[twin]", "enabled = false"]
        if self.broker is not None:
            self.broker.start()
            lines += ["[mqtt]", f'url = "mqtt://127.0.0.1:{self.broker.port}"']
        assert self.stack.config is not None
        self.stack.config.write_text("\n".join(lines) + "\n")
        self.ledger = prepare(self.stack)
        self.login = first_login(self.stack)
        self.gateways = local_gateways(self.stack)
        for link in self.links:
            await link.start()
        for number, gateway in enumerate(self.gateways):
            self._settings(number, gateway)
        await self.supervisor.start(historian_program(self.stack))
        await self.supervisor.start(city_program(self.stack))
        for clock in self.clocks:
            await clock.start()
        await self.supervisor.start(platform_program(self.stack))
        for gateway in self.gateways:
            await self.supervisor.start(edge_program(self.stack, gateway))

    def _settings(self, number: int, gateway: str) -> None:
        path = self.folder / "edge" / gateway / "edge.toml"
        kept = [
            line
            for line in path.read_text().splitlines()
            if line.partition("=")[0].strip() not in ("platform_url", "clock_socket")
        ]
        kept.append(f'platform_url = "http://127.0.0.1:{self.links[number].port}"')
        kept.append(f'clock_socket = "{self.clocks[number].path.resolve()}"')
        kept.append(_SETTINGS.format(channel=("fibre", "4g")[number % 2]))
        if self.broker is not None:
            kept.append(f'spare_url = "mqtt://127.0.0.1:{self.broker.port}"')
            kept.append(f'spare_channel = "{("4g", "nb_iot")[number % 2]}"')
        if self._small_spool and number == 0:
            kept.append("spool_max_mb = 1")
        path.write_text("\n".join(kept) + "\n")

    async def stop(self) -> None:
        """Stop everything and give the disk back."""
        await self.supervisor.stop()
        for clock in self.clocks:
            await clock.stop()
        for link in self.links:
            await link.stop()
        if self.broker is not None:
            self.broker.kill()
        self.disk.unmount()

    def kill(self, name: str) -> None:
        """Kill a process without a word of warning; the supervisor starts it again."""
        pid = self.supervisor.pids().get(name)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def city(self, op: str, **values: Any) -> dict[str, Any]:
        """Ask the city."""
        return await ask_city(self.stack.run_dir / "city.sock", op, **values)

    async def plant_s(self) -> float:
        """Return plant time."""
        while True:
            try:
                return float((await self.city("status"))["plant_s"])
            except LinkError:
                await asyncio.sleep(0.1)

    def errors(self) -> list[str]:
        """Return lines of the logs that speak of a crash."""
        found = []
        for path in sorted((self.folder / "logs").glob("*.log")):
            text = path.read_text(errors="replace")
            found += [f"{path.stem}: {line}" for line in text.splitlines() if "Error" in line]
        return found

    def table(self) -> dict[str, int]:
        """Return the process table, for people who look on."""
        path = self.stack.run_dir / "pids.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}
