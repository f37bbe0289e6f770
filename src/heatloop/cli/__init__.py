"""The command line: one thin file per command group."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from heatloop import __version__
from heatloop.cli import (
    audit,
    audit_trail,
    backup,
    bundle,
    check,
    clean,
    decode,
    demo,
    edge,
    field,
    forecast,
    gateway,
    identify,
    import_command,
    keys,
    ledger,
    maintain,
    open_file,
    personal,
    restore,
    run,
    scenes,
    simulate,
    stop,
    storage,
    upgrade,
    verify,
    weather,
    zone,
)
from heatloop.kernel.errors import ConfigError, HeatloopError, InputError

EXIT_OK, EXIT_FAILED, EXIT_INPUT, EXIT_CONFIG = 0, 1, 2, 3

_GROUPS = (
    run,
    stop,
    demo,
    scenes,
    edge,
    gateway,
    ledger,
    simulate,
    forecast,
    decode,
    field,
    audit,
    audit_trail,
    clean,
    identify,
    storage,
    import_command,
    weather,
    keys,
    open_file,
    backup,
    restore,
    verify,
    maintain,
    personal,
    upgrade,
    bundle,
    check,
    zone,
)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="heatloop",
        description="heatloop 智慧供热平台: runs a district-heating company's heat.",
        epilog="example: heatloop run --demo    (then open http://127.0.0.1:8080)",
    )
    parser.add_argument("--version", action="version", version=f"heatloop {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for group in _GROUPS:
        group.add_to(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; exit codes: 0 done, 1 failed, 2 bad input, 3 bad configuration."""
    options = build_parser().parse_args(arguments)
    try:
        return int(options.action(options))
    except HeatloopError as error:
        print(f"heatloop: {error}", file=sys.stderr)
        match error:
            case ConfigError():
                return EXIT_CONFIG
            case InputError():
                return EXIT_INPUT
            case _:
                return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_OK
