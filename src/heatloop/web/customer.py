"""The customer zone's process: `python -m heatloop.web.customer --data DIR`.

It stands here and not in `cli`, because importing `cli` loads the command path, which this
process must not even hold in memory.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import structlog
import uvicorn
import uvloop

from heatloop.app.process_log import plain_log
from heatloop.app.settings import Settings, load_settings
from heatloop.app.zone_customer import build_customer, running_customer
from heatloop.app.zone_settings import CUSTOMER
from heatloop.kernel.errors import HeatloopError
from heatloop.web.zones import create_customer_app

_log = structlog.get_logger("heatloop.zones")
_STOP_S = 5


async def serve(settings: Settings) -> None:
    """Run the customer zone until SIGTERM or SIGINT."""
    platform = await asyncio.to_thread(build_customer, settings)
    async with running_customer(platform) as parts:
        server = uvicorn.Server(_config(settings, create_customer_app(platform)))
        _log.info("customer zone ready", host=settings.server.host, port=settings.server.port)
        serving = asyncio.create_task(server.serve())
        await asyncio.wait({serving, *parts}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
        for part in parts:
            if part.done():
                part.result()


def _config(settings: Settings, app: Any) -> uvicorn.Config:
    server = settings.server
    return uvicorn.Config(
        app,
        host=server.host,
        port=server.port,
        ws="none",
        ssl_certfile=server.tls_certificate or None,
        ssl_keyfile=server.tls_key or None,
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_S,
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the process; return the exit code."""
    parser = argparse.ArgumentParser(prog="heatloop-customer", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="data folder of this zone")
    parser.add_argument("--config", type=Path, help="heatloop.toml")
    parser.add_argument("--host", help="address to listen on")
    parser.add_argument("--port", type=int, help="port to listen on")
    parser.add_argument("--demo", action="store_true", help="say DEMO")
    given = parser.parse_args(arguments)
    overrides: dict[str, dict[str, Any]] = {"server": {}, "zones": {"zone": CUSTOMER}}
    for name in ("host", "port"):
        if getattr(given, name) is not None:
            overrides["server"][name] = getattr(given, name)
    if given.demo:
        overrides["company"] = {"demo": True}
    plain_log()
    try:
        settings = load_settings(given.data, given.config, os.environ, overrides)
        uvloop.run(serve(settings))
    except HeatloopError as error:
        sys.stderr.write(f"customer zone: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
