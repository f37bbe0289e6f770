"""`heatloop field`: what a device offers, the device profiles there are, and the loop check."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

from heatloop.cli.progress import Progress
from heatloop.kernel.errors import ConfigError, HeatloopError, InputError

_QUIET_S = 2.0
_REFUSED = 2


def add_to(commands: Any) -> None:
    """Add the commands."""
    parser = commands.add_parser(
        "field",
        help="probe devices, list device profiles, check loops",
        description="Tools for commissioning devices in the field.",
        epilog="example: heatloop field probe modbus://192.168.1.10:502?unit=1",
    )
    actions = parser.add_subparsers(dest="field_action", required=True, metavar="ACTION")
    probe = actions.add_parser(
        "probe",
        help="connect to a device and list what it offers",
        description="Asks a device what it offers: registers that answer, nodes, records, "
        "objects, topics. Nothing is written. Schemes: modbus rtu+tcp rtu opcua iec104 mbus "
        "cjt188 dlt645 bacnet snmp mqtt coap; see docs/field-probe.md for their options. "
        "Exit code 0, or 2 with what to try.",
        epilog="example: heatloop field probe 'mbus://192.168.1.20:10001?scan=secondary'",
    )
    probe.add_argument("url", help="where the device is; - reads it from the input")
    probe.add_argument("--timeout", type=float, default=1.0, help="seconds for one answer (1)")
    probe.add_argument("--json", action="store_true", help="answer for machines")
    probe.add_argument("--all", action="store_true", help="show values that are 0, too")
    probe.set_defaults(action=run_probe)
    profiles = actions.add_parser(
        "profiles",
        help="list device profiles, or print the register map of one",
        epilog="example: heatloop field profiles substation_controller",
    )
    profiles.add_argument("name", nargs="?", default="", help="profile to print")
    profiles.add_argument("--data", type=Path, help="data folder, for the company's own profiles")
    profiles.add_argument("--json", action="store_true", help="answer for machines")
    profiles.set_defaults(action=run_profiles)
    from heatloop.cli import field_loop

    field_loop.add_to(actions)


class _Bar:
    """Draws a progress bar once the work takes more than two seconds."""

    def __init__(self, label: str) -> None:
        self._bar = Progress(label, 1.0)
        self._started = time.monotonic()
        self.drawn = False

    def show(self, share: float, doing: str) -> None:
        del doing
        if self.drawn or time.monotonic() - self._started > _QUIET_S:
            self.drawn = True
            self._bar.show(share)

    def end(self) -> None:
        if self.drawn:
            self._bar.end()


def run_probe(options: argparse.Namespace) -> int:
    """Probe one device; refusals end with exit code 2."""
    from heatloop.edge.probe.registry import probe, target_of

    for name in ("pymodbus", "asyncua", "bacpypes3", "mqtt", "coap"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    bar = _Bar("probe")
    try:
        if not 0.05 <= options.timeout <= 60.0:
            raise InputError("no such time-out", thing="--timeout", fix="give 0.05 to 60 seconds")
        url = sys.stdin.readline().strip() if options.url == "-" else options.url
        target = target_of(url, options.timeout)
        report = asyncio.run(probe(target, bar.show)).to_dict()
    except HeatloopError as error:
        bar.end()
        if options.json:
            told = {"ok": False, "error": error.message, "thing": error.thing, "fix": error.fix}
            print(json.dumps(told, ensure_ascii=False))
        print(f"heatloop: {error}", file=sys.stderr)
        return _REFUSED
    bar.end()
    if options.json:
        print(json.dumps({"ok": True, **report}, ensure_ascii=False, default=str))
        return 0
    _show(report, every=options.all)
    return 0


def _show(report: dict[str, Any], *, every: bool) -> None:
    print(f"{report['url']}  {report['protocol']}")
    for name, value in report["device"].items():
        print(f"  {name}: {value}")
    for each in report["found"]:
        print("  found  " + "  ".join(f"{name}={value}" for name, value in each.items()))
    hidden = 0
    for offer in report["offers"]:
        if not every and offer.get("register") is not None and not offer["value"]:
            hidden += 1
            continue
        place = " ".join(str(offer[n]) for n in ("source", "register") if offer.get(n) is not None)
        kind = " ".join(str(offer[n]) for n in ("dtype", "word_order") if offer.get(n))
        moves = " ~" if offer.get("moves") else ""
        quality = "" if offer.get("quality") == "good" else f" [{offer.get('quality')}]"
        value = f"{offer['value']} {offer.get('unit', '')}".strip() + moves + quality
        others = ", ".join(f"{g['dtype']} {g['value']:g}" for g in offer.get("guesses", ())[:3])
        shown = (f"{place:>12}", f"{value:<24}", f"{kind:<14}", offer.get("label", "") or others)
        print("  " + "  ".join(shown).rstrip())
    if hidden:
        print(f"  ({hidden} registers are 0; --all shows them)")
    for note in report["notes"]:
        print(f"  note: {note}")


def run_profiles(options: argparse.Namespace) -> int:
    """List profiles, or print one."""
    from heatloop.plant.check_devices import device_profiles
    from heatloop.plant.own_profiles import Catalogue
    from heatloop.plant.profiles import rows_markdown

    catalogue = Catalogue()
    if options.data is not None:
        import os

        from heatloop.app.ledger_admin import load_ledger
        from heatloop.app.settings import load_settings
        from heatloop.app.wiring import open_records

        if not options.data.is_dir():
            raise ConfigError("no such data folder", thing=str(options.data))
        records, _ = open_records(load_settings(options.data.resolve(), None, os.environ))
        try:
            catalogue = load_ledger(records).profiles
        finally:
            records.close()
    if options.name:
        rows = catalogue.rows(options.name)
        if options.json:
            from dataclasses import asdict

            print(json.dumps([asdict(row) for row in rows], ensure_ascii=False))
        else:
            print(rows_markdown(options.name, rows), end="")
        return 0
    listed = []
    for name in catalogue.names():
        about = catalogue.own.get(name) or device_profiles()[name]
        listed.append(
            {
                "profile": name,
                "zh": about.zh,
                "en": about.en,
                "assets": "|".join(about.assets),
                "protocols": "|".join(about.protocols),
                "rows": len(catalogue.rows(name)),
            }
        )
    if options.json:
        print(json.dumps(listed, ensure_ascii=False))
        return 0
    for each in listed:
        print(f"{each['profile']:<32} {each['rows']:>3}  {each['protocols']:<20} {each['zh']}")
    return 0
