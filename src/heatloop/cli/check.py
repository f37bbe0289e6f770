"""`heatloop check`: the self-assessment, secrets in the sources, open ports."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from heatloop.kernel.errors import InputError

_PORTS = "1-65535"


def add_to(commands: Any) -> None:
    """Add the command and its parts."""
    parser = commands.add_parser(
        "check",
        help="assess the installation: GB/T 22239 level 3, secrets, open ports",
        description="Looks at an installation and says what is not as it should be. Exit code 1: "
        "something is not.",
        epilog="example: heatloop check mlps --data heatloop-data --html assessment.html",
    )
    parts = parser.add_subparsers(dest="part", required=True, metavar="PART")
    mlps = parts.add_parser("mlps", help="self-assessment against GB/T 22239-2019 level 3")
    mlps.add_argument("--data", type=Path, default=Path("heatloop-data"), help="data folder")
    mlps.add_argument("--config", type=Path, help="heatloop.toml")
    mlps.add_argument("--json", action="store_true", help="print for machines")
    mlps.add_argument("--html", type=Path, help="write the report as one HTML file")
    mlps.add_argument("--pdf", type=Path, help="write the report as PDF")
    mlps.set_defaults(action=run_mlps)
    secrets = parts.add_parser("secrets", help="secrets in files that are meant to be shared")
    secrets.add_argument("folder", type=Path, nargs="?", default=Path(), help="where to look")
    secrets.add_argument("--json", action="store_true", help="print for machines")
    secrets.set_defaults(action=run_secrets)
    ports = parts.add_parser(
        "ports", help="which TCP ports answer; run it from outside the firewall"
    )
    ports.add_argument("--target", default="127.0.0.1", help="host to try")
    ports.add_argument("--ports", default=_PORTS, help=f"range to try (default: {_PORTS})")
    ports.add_argument("--timeout", type=float, default=1.0, help="seconds to wait for an answer")
    ports.add_argument("--data", type=Path, help="compare with the settings of this folder")
    ports.add_argument("--config", type=Path, help="heatloop.toml")
    ports.add_argument("--json", action="store_true", help="print for machines")
    ports.set_defaults(action=run_ports)


def run_mlps(options: argparse.Namespace) -> int:
    """Assess an installation by its folder, print, and say by the exit code whether all is met.

    Raises:
        InputError: There is no installation in that folder.
    """
    from heatloop.app.mlps_report import as_html, as_pdf, headline
    from heatloop.app.settings import load_settings

    settings = load_settings(options.data.resolve(), options.config, os.environ)
    if not settings.keys.is_dir():
        raise InputError("no installation here", thing=str(options.data), fix="give --data")
    found = asyncio.run(_assessed(settings))
    if options.html is not None:
        options.html.write_text(as_html(found), encoding="utf-8")
    if options.pdf is not None:
        options.pdf.write_bytes(as_pdf(found))
    if options.json:
        print(json.dumps(asdict(found), ensure_ascii=False, indent=1, default=str))
    else:
        for item in found.items:
            if item.result != "not_software":
                print(f"{item.result:<12} {item.code}  {item.zh}  {item.en}")
                if item.result != "pass":
                    print(f"{'':<12} {item.found_zh}  {item.found_en}")
        print("\n".join(headline(found)))
    return 1 if found.counts.get("fail") else 0


async def _assessed(settings: Any) -> Any:
    """Build the platform on its folder, ask it, and let it go; nothing of it runs."""
    from zoneinfo import ZoneInfo

    from heatloop.app.history import ThreadedHistorian
    from heatloop.app.mlps import assess
    from heatloop.app.wiring import build_platform
    from heatloop.store.historian.memory import MemoryHistorian
    from heatloop.web.factory import create_app
    from heatloop.web.routes.security import asker

    zone = ZoneInfo(settings.company.time_zone)
    platform = build_platform(settings, historian=ThreadedHistorian(MemoryHistorian(zone=zone)))
    try:
        return await assess(platform, asker(create_app(platform)))
    finally:
        await platform.workers.close()
        await platform.twin.close()
        platform.records.close()


def run_secrets(options: argparse.Namespace) -> int:
    """Look for secrets in a folder."""
    from heatloop.proof.secrets_scan import scan

    found = scan(options.folder)
    if options.json:
        print(json.dumps([asdict(each) for each in found], ensure_ascii=False, indent=1))
    else:
        for each in found:
            print(f"{each.path}:{each.line}: {each.kind}")
        print(f"疑似密钥 secrets: {len(found)}")
    return 1 if found else 0


def run_ports(options: argparse.Namespace) -> int:
    """Try ports of a host; with --data compare with what its settings declare.

    Raises:
        InputError: The range is none, or the host is not known.
    """
    from heatloop.app.settings import load_settings
    from heatloop.app.watch_ports import declared_ports, open_ports

    found = open_ports(options.target, _range(options.ports), timeout_s=options.timeout)
    allowed: list[int] | None = None
    if options.data is not None or options.config is not None:
        data = (options.data or Path("heatloop-data")).resolve()
        allowed = sorted(declared_ports(load_settings(data, options.config, os.environ)))
    undeclared = [port for port in found if allowed is not None and port not in allowed]
    said = {"target": options.target, "open": found, "allowed": allowed, "undeclared": undeclared}
    if options.json:
        print(json.dumps(said))
    else:
        print(f"{options.target}: 开放端口 open {found}")
        if allowed is not None:
            print(f"已声明 declared {allowed}  未声明 undeclared {undeclared}")
    return 1 if undeclared else 0


def _range(text: str) -> list[int]:
    """Return the ports of a text such as `22,80,8000-8100`.

    Raises:
        InputError: It is no such text.
    """
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            raise InputError("no range of ports", thing=text, fix="give 22,80,8000-8100")
        found.update(range(int(first), int(last or first) + 1))
    if not found or not 0 < min(found) <= max(found) <= 65535:
        raise InputError("no range of ports", thing=text, fix="give 1-65535")
    return sorted(found)
