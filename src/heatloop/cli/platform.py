"""The platform process: `python -m heatloop.cli.platform --data DIR`.

Here the web application is put around the platform, and with a demo city the city's control
API into it; production has no such route.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import uvloop
from fastapi import APIRouter, FastAPI

from heatloop.app.platform import Platform
from heatloop.app.process import serve
from heatloop.app.process_log import plain_log
from heatloop.app.settings import load_settings
from heatloop.cli.fence import rejoin
from heatloop.demo.web import demo_router
from heatloop.kernel.errors import HeatloopError
from heatloop.security.access import Permission
from heatloop.web.access import needs
from heatloop.web.factory import create_app

# A worker started by spawn begins by importing this module: it stays out of what the platform does.
rejoin()


def build_web(platform: Platform) -> FastAPI:
    """Return the web application of this platform."""
    extra: tuple[APIRouter, ...] = ()
    if platform.settings.company.demo:
        city = Path(platform.settings.clock.socket)
        extra = (demo_router(city, needs(Permission.VIEW), needs(Permission.DEMO)),)
    return create_app(platform, extra)


def main(arguments: list[str] | None = None) -> int:
    """Run the process; return the exit code."""
    parser = argparse.ArgumentParser(prog="heatloop-platform", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="plant data folder")
    parser.add_argument("--config", type=Path, help="heatloop.toml")
    parser.add_argument("--host", help="address to listen on")
    parser.add_argument("--port", type=int, help="port to listen on")
    parser.add_argument("--clock", metavar="SOCKET", help="unix socket that publishes plant time")
    parser.add_argument("--zone", choices=("all", "control"), help="run the control zone alone")
    parser.add_argument("--demo", action="store_true", help="say DEMO and serve the city's control")
    given = parser.parse_args(arguments)
    overrides: dict[str, dict[str, Any]] = {"server": {}, "clock": {}, "company": {}}
    if given.host is not None:
        overrides["server"]["host"] = given.host
    if given.port is not None:
        overrides["server"]["port"] = given.port
    if given.clock is not None:
        overrides["clock"]["socket"] = given.clock
    if given.zone is not None:
        overrides["zones"] = {"zone": given.zone}
    if given.demo:
        overrides["company"]["demo"] = True
        overrides["crypto"] = {"plain_exports": "free"}
        # Nobody lives in the demo's flats.
        overrides["privacy"] = {"samples_ticket": False}
    plain_log()
    try:
        settings = load_settings(given.data, given.config, os.environ, overrides)
        uvloop.run(serve(settings, build_web))
    except HeatloopError as error:
        sys.stderr.write(f"platform: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
