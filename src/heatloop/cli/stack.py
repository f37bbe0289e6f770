"""The whole system as a list of processes for one data folder, and the order they start in."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path

import httpx

from heatloop.app.supervisor import Program, Supervisor
from heatloop.demo.sizes import DEFAULT_SIZE
from heatloop.kernel.errors import ConfigError

READY_S = 90.0


@dataclass(frozen=True, kw_only=True, slots=True)
class StackOptions:
    """What to run, and where."""

    data: Path
    """Data folder."""
    host: str = "127.0.0.1"
    """Address of the platform."""
    port: int = 8080
    """Port of the platform."""
    config: Path | None = None
    """`heatloop.toml`, if there is one."""
    tls: bool = False
    """Whether the platform serves TLS."""
    historian_password_file: str = ""
    """File with the password at the server that keeps the series."""
    follower_socket: str = ""
    """Socket of a second historian fed with the same data; empty: none."""
    historian_url: str = ""
    """Server that keeps the series; empty: the embedded engine."""
    time_zone: str = "Asia/Shanghai"
    """IANA zone of the company, for day roll-ups."""
    demo: bool = False
    """Whether a demo city answers on the wire."""
    size: str = DEFAULT_SIZE
    """Size of the demo city."""
    seed: int = 1
    """Which city and winter are drawn."""
    speed: float = 10.0
    """Plant seconds a machine second, at start."""
    lockstep: bool = False
    """Whether ticks wait for every edge (headless)."""
    start_s: int | None = None
    """Plant time the city starts at; None: the city's own choice."""
    history: bool = True
    """Whether the city brings 30 days of simulated history."""
    base_port: int = 15020
    """Modbus port of the city's first device."""
    coap_port: int = 15683
    """CoAP port of the first gateway."""
    zone: str = "all"
    """`all`, or the zone that runs alone: `control` or `customer`."""

    @property
    def url(self) -> str:
        """Address of the platform."""
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    @property
    def run_dir(self) -> Path:
        """Folder of sockets and process ids."""
        return self.data / "run"


_KEPT_BY_RUNS = (
    "historian", "historian-replicas", "city", "edge", "run", "logs", "keys", "files", "upgrade",
)  # fmt: skip


def reset(options: StackOptions) -> None:
    """Remove everything a former run kept in the data folder."""
    for name in _KEPT_BY_RUNS:
        shutil.rmtree(options.data / name, ignore_errors=True)
    for path in options.data.glob("records.sqlite*"):
        path.unlink()


async def platform_answers(url: str) -> bool:
    """Return whether the platform's health page answers."""
    try:
        # Only whether it answers: the name in its certificate need not be this address.
        async with httpx.AsyncClient(timeout=4, trust_env=False, verify=False) as client:  # noqa: S501  # nosec B501
            return (await client.get(url + "/api/v1/health")).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


async def _socket_answers(path: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(str(path))
    except OSError:
        return False
    writer.close()
    return True


def historian_program(options: StackOptions) -> Program:
    """The process that owns the time series."""
    socket = options.run_dir / "historian.sock"
    return Program(
        name="historian",
        argv=(
            "-m",
            "heatloop.store.historian",
            "--data",
            str(options.data),
            "--zone",
            options.time_zone,
            *(("--url", options.historian_url) if options.historian_url else ()),
            *(
                ("--password-file", options.historian_password_file)
                if options.historian_password_file
                else ()
            ),
            *(("--config", str(options.config)) if options.config else ()),
        ),
        probe=lambda: _socket_answers(socket),
        ready_within_s=READY_S,
    )


def follower_program(options: StackOptions) -> Program:
    """The second historian, on the folder its socket is in."""
    socket = Path(options.follower_socket)
    folder = socket.parent.parent
    if socket != folder / "run" / "historian.sock":
        raise ConfigError(
            "not a historian's socket",
            thing=f"storage.follower_socket = {socket}",
            fix="give <folder>/run/historian.sock, the folder on another disk",
        )
    argv = ("-m", "heatloop.store.historian", "--data", str(folder), "--zone", options.time_zone)
    return Program(
        name="historian-follower",
        argv=argv,
        probe=lambda: _socket_answers(socket),
        ready_within_s=READY_S,
    )


def platform_program(options: StackOptions) -> Program:
    """The process that takes in, decides and serves."""
    argv = [
        *("heatloop.cli.platform", "--data", str(options.data)),
        *("--host", options.host, "--port", str(options.port)),
    ]
    if options.config is not None:
        argv += ["--config", str(options.config)]
    if options.zone != "all":
        argv += ["--zone", options.zone]
    if not options.demo:
        argv.insert(0, "-m")
    else:
        # What the city really is the platform must find out from the wire.
        argv = ["-m", "heatloop.cli.fence", str(options.data / "city"), *argv]
        argv += ["--clock", str(options.run_dir / "city.sock"), "--demo"]
    return Program(
        name="platform",
        argv=tuple(argv),
        probe=lambda: platform_answers(options.url),
        ready_within_s=READY_S,
    )


def customer_program(options: StackOptions) -> Program:
    """The customer zone: everything it is, in one process."""
    argv = [
        *("-m", "heatloop.web.customer", "--data", str(options.data)),
        *("--host", options.host, "--port", str(options.port)),
    ]
    if options.config is not None:
        argv += ["--config", str(options.config)]
    if options.demo:
        argv.append("--demo")
    return Program(
        name="customer",
        argv=tuple(argv),
        probe=lambda: platform_answers(options.url),
        ready_within_s=READY_S,
    )


def city_program(options: StackOptions) -> Program:
    """The demo city on the wire."""
    argv = [
        *("-m", "heatloop.demo.process", "--data", str(options.data)),
        *("--size", options.size, "--seed", str(options.seed)),
        *(
            "--speed",
            str(options.speed),
            "--coap-port",
            str(options.coap_port),
            "--base-port",
            str(options.base_port),
        ),
    ]
    if options.lockstep:
        argv.append("--lockstep")
    if options.start_s is not None:
        argv += ["--start", str(options.start_s)]
    socket = options.run_dir / "city.sock"
    return Program(
        name="city",
        argv=tuple(argv),
        probe=lambda: _socket_answers(socket),
        ready_within_s=READY_S,
    )


def edge_program(options: StackOptions, gateway: str) -> Program:
    """One gateway."""
    config = options.data / "edge" / gateway / "edge.toml"
    return Program(name=f"edge-{gateway}", argv=("-m", "heatloop.edge", "--config", str(config)))


async def start_all(
    supervisor: Supervisor, options: StackOptions, gateways: list[str], *, historian: bool = True
) -> None:
    """Start every process, each after the one it leans on."""
    if historian:
        await supervisor.start(historian_program(options))
    if options.demo:
        await supervisor.start(city_program(options))
    await supervisor.start(platform_program(options))
    for gateway in gateways:
        await supervisor.start(edge_program(options, gateway))
