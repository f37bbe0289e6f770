"""What the commands of keeping share: targets, passphrases, times, words."""

from __future__ import annotations

import argparse
import getpass
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from heatloop.app.keeping_process import passphrase_path
from heatloop.app.settings import Settings, load_settings
from heatloop.kernel.errors import InputError
from heatloop.store.backup_keys import read_passphrase
from heatloop.store.objects import ObjectStore, S3Access, open_objects

PASSPHRASE = "HEATLOOP_PASSPHRASE"
PASSWORD = "HEATLOOP_PASSWORD"
MEGABYTE = 1 << 20


def add_place(parser: Any) -> None:
    """Add the options that say where settings are."""
    parser.add_argument("--config", type=Path, help="heatloop.toml, for [s3] and [storage]")
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        help=f"file with the recovery passphrase (or {PASSPHRASE}; else it is asked for)",
    )


def settings_of(options: argparse.Namespace, data: Path) -> Settings:
    """Return the settings with what the command line says of the passphrase."""
    settings = load_settings(data.resolve(), options.config, os.environ)
    given = getattr(options, "passphrase_file", None)
    if given is not None:
        backup = replace(settings.backup, passphrase_file=str(given.resolve()))
        settings = replace(settings, backup=backup)
    return settings


def store_of(settings: Settings, place: str) -> ObjectStore:
    """Return the target at a place."""
    s3 = settings.s3
    return open_objects(place, S3Access(**{name: getattr(s3, name) for name in s3.__slots__}))


def passphrase_of(options: argparse.Namespace, settings: Settings) -> str:
    """Return the recovery passphrase: from its file, the environment, or the keyboard."""
    given = os.environ.get(PASSPHRASE)
    path = Path(passphrase_path(settings))
    if options.passphrase_file is not None or (given is None and path.exists()):
        return read_passphrase(path)
    return given if given is not None else getpass.getpass("recovery passphrase 恢复口令: ").strip()


def password_of(user: str) -> str:
    """Return the password of a user of the platform."""
    return os.environ.get(PASSWORD) or getpass.getpass(f"{user}: ")


def moment(text: str) -> float:
    """Return a time in seconds since 1970 UTC.

    Raises:
        InputError: It is none, or has no offset.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError("not a time", thing=text, fix="give 2026-11-01T08:00+08:00") from error
    if found.tzinfo is None:
        raise InputError("time without an offset", thing=text, fix="add +08:00 or Z")
    return found.timestamp()


def megabytes(size: float) -> str:
    """Return a size for people."""
    return f"{size / MEGABYTE:,.1f} MB"
