"""`heatloop open`: decrypt an export."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import Any

from heatloop.kernel.errors import ConfigError, InputError

_PIECE = 1 << 20


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "open",
        help="decrypt an export (.hlx)",
        description="Asks for the passphrase, or takes the private key the export was made for. "
        "Nothing is left behind when the file was changed or cut off.",
        epilog="example: heatloop open heatloop-samples.csv.hlx",
    )
    parser.add_argument("file", type=Path, help="the .hlx file")
    parser.add_argument("--out", type=Path, help="where to; default: the name it was given")
    parser.add_argument("--key", type=Path, help="private key of heatloop keys receiver")
    parser.add_argument("--passphrase-file", type=Path, help="file with the passphrase")
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Write what the container holds."""
    from heatloop.security.container import Opening

    work = Opening(_opener(options))
    part = options.file.with_name(f".{options.file.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as target, _source(options.file) as source:
            while data := source.read(_PIECE):
                for piece in work.add(data):
                    target.write(piece)
            work.end()
        # Only a bare name: whoever made the file does not choose where it goes.
        name = Path(str(work.about.get("name", ""))).name or options.file.stem
        out = options.out or options.file.with_name(name)
        if out.exists():
            raise InputError("there is such a file already", thing=str(out), fix="give --out")
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    print(out)
    return 0


def _source(path: Path) -> Any:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", thing=str(path)) from error


def _opener(options: argparse.Namespace) -> Any:
    from heatloop.security.container import Opener

    try:
        if options.key is not None:
            algorithm, _, digits = options.key.read_text("utf-8").strip().partition(":")
            return Opener(private_key=bytes.fromhex(digits), algorithm=algorithm)
        if options.passphrase_file is not None:
            return Opener(passphrase=options.passphrase_file.read_text("utf-8").strip())
    except (OSError, ValueError) as error:
        raise ConfigError(
            "key or passphrase file cannot be read", thing=str(options.key or "passphrase")
        ) from error
    if not sys.stdin.isatty():
        return Opener(passphrase=sys.stdin.readline().rstrip("\n"))
    return Opener(passphrase=getpass.getpass("passphrase: "))
