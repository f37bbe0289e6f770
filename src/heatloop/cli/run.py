"""`heatloop run`: the supervisor of everything on this machine."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from heatloop.app.settings import load_settings
from heatloop.app.zone_settings import CUSTOMER, ZONES
from heatloop.cli.stack import StackOptions
from heatloop.demo.sizes import DEFAULT_SIZE, SIZES, SIZES_HELP
from heatloop.kernel.errors import InputError


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "run",
        help="start the platform (and with --demo a city that heats itself)",
        description="Starts historian, platform and gateways, restarts what ends, and stops "
        "everything on Ctrl-C.",
        epilog="example: heatloop run --demo --speed 60",
    )
    parser.add_argument("--data", type=Path, default=Path("heatloop-data"), help="data folder")
    parser.add_argument("--config", type=Path, help="heatloop.toml")
    parser.add_argument("--host", help="address to serve on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to serve on (default 8080)")
    parser.add_argument("--demo", action="store_true", help="with the demo city")
    parser.add_argument("--size", choices=list(SIZES), default=DEFAULT_SIZE, help=SIZES_HELP)
    parser.add_argument("--seed", type=int, default=1, help="which demo city and winter")
    parser.add_argument("--speed", type=float, default=10.0, help="plant seconds a second, 1-60")
    parser.add_argument("--base-port", type=int, default=15020, help="first Modbus port")
    parser.add_argument("--coap-port", type=int, default=15683, help="first CoAP port")
    parser.add_argument("--no-history", action="store_true", help="start the city without a past")
    parser.add_argument("--reset", action="store_true", help="forget every former run first")
    parser.add_argument(
        "--zone",
        choices=ZONES,
        default="",
        help="run one zone alone: control (plant and operators) or customer (heat users)",
    )
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Start everything and wait for Ctrl-C or SIGTERM."""
    if not 1 <= options.speed <= 60:
        raise InputError("speed out of range", thing=f"{options.speed:g}", fix="give 1 to 60")
    data = options.data.resolve()
    settings = load_settings(data, options.config, os.environ)
    server = settings.server
    stack = StackOptions(
        data=data,
        host=options.host or server.host,
        port=options.port or server.port,
        config=options.config,
        tls=bool(server.tls_certificate),
        time_zone=settings.company.time_zone,
        follower_socket=settings.storage.follower_socket,
        historian_url=settings.storage.historian_url,
        historian_password_file=settings.storage.historian_password_file,
        demo=options.demo,
        size=options.size,
        seed=options.seed,
        speed=options.speed,
        history=not options.no_history,
        base_port=options.base_port,
        coap_port=options.coap_port,
        zone=options.zone or settings.zones.zone,
    )
    if stack.zone == CUSTOMER:
        return asyncio.run(_run_customer(stack, reset_first=options.reset))
    return asyncio.run(_run(stack, reset_first=options.reset))


async def _run(stack: StackOptions, *, reset_first: bool) -> int:
    from heatloop.app.supervisor import Supervisor
    from heatloop.cli.prepare import first_login, local_gateways, prepare
    from heatloop.cli.seed import seed_history
    from heatloop.cli.stack import follower_program, historian_program, reset, start_all

    if reset_first:
        reset(stack)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    prepare(stack)
    supervisor = Supervisor(stack.run_dir, stack.data / "logs")
    try:
        await supervisor.start(historian_program(stack))
        if stack.follower_socket:
            await supervisor.start(follower_program(stack))
        if stack.demo and stack.history:
            await seed_history(stack)
        await start_all(supervisor, stack, local_gateways(stack), historian=False)
        _tell(stack, first_login(stack))
        await stop.wait()
    finally:
        await supervisor.stop()
    return 0


async def _run_customer(stack: StackOptions, *, reset_first: bool) -> int:
    """Run the customer zone alone: one process, no plant, no historian."""
    from heatloop.app.supervisor import Supervisor
    from heatloop.cli.prepare import first_login
    from heatloop.cli.stack import customer_program, reset

    if reset_first:
        reset(stack)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    for folder in (stack.run_dir, stack.data / "logs"):
        folder.mkdir(parents=True, exist_ok=True)
    supervisor = Supervisor(stack.run_dir, stack.data / "logs")
    try:
        await supervisor.start(customer_program(stack))
        _tell(stack, first_login(stack))
        await stop.wait()
    finally:
        await supervisor.stop()
    return 0


def _tell(stack: StackOptions, login: tuple[str, str] | None) -> None:
    lines = ["", f"  heatloop 智慧供热平台  {stack.url}"]
    if login is not None:
        user, password = login
        lines.append(f"  first login 首次登录: user 用户 {user}   password 密码 {password}")
    lines += [f"  data 数据: {stack.data}   stop 停止: Ctrl-C", ""]
    print("\n".join(lines), flush=True, file=sys.stdout)
