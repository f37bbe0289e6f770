"""Settings of keeping: backups, where files are kept, and the object store."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.kernel.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupSettings:
    """Scheduled backups (machine time)."""

    to: str = ""
    """Folder on another disk or `s3://bucket/prefix`; empty: none are made."""
    full_every_days: float = 7.0
    """How often everything is carried anew."""
    incremental_every_minutes: float = 30.0
    """How often what changed is carried: what can be lost of the records, at most 60."""
    keep_full: int = 4
    """Full backups kept, each with what leans on it."""
    passphrase_file: str = ""
    """File with the recovery passphrase; empty: `keys/backup.passphrase`, made when missing."""
    plaintext: bool = False
    """Whether backups are not sealed; keys always are."""
    plaintext_reason: str = ""
    """Why, needed with `plaintext`; kept in the audit trail."""
    verify_full: bool = True
    """Whether every full backup is restored on trial."""
    drill_every_days: float = 90.0
    """How often a restore drill is due."""
    rpo_minutes: float = 60.0
    """Age of the newest backup that raises an alarm."""
    rto_minutes: float = 240.0
    """Time of a trial restore that raises an alarm."""
    integrity_days: int = 40
    """Days whose digest is computed again each day, those longest unchecked first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FilesSettings:
    """Photos, voice and papers."""

    to: str = ""
    """Folder or `s3://bucket/prefix`; empty: `files` in the data folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class S3Settings:
    """The S3-compatible store `s3://` places are in."""

    endpoint: str = "https://s3.amazonaws.com"
    """`https://host[:port]`."""
    region: str = ""
    """Region; empty where the store has none."""
    access_key: str = ""
    """Name of the key."""
    secret_file: str = ""
    """File with its secret."""
    ca_file: str = ""
    """PEM of the store's certificate authority; empty: the system's."""


def check_keeping(backup: BackupSettings) -> None:
    """Return if backups can be made so.

    Raises:
        ConfigError: A figure is out of range, or plaintext has no reason.
    """
    if backup.plaintext and not backup.plaintext_reason.strip():
        raise ConfigError(
            "plaintext backups need a reason",
            thing="backup.plaintext_reason",
            fix="say why, or leave backup.plaintext out",
        )
    ranges = (
        ("incremental_every_minutes", 1.0, 60.0),
        ("full_every_days", 0.04, 92.0),
        ("keep_full", 1, 1000),
        ("drill_every_days", 1.0, 92.0),
        ("rpo_minutes", 2.0, 60.0),
        ("rto_minutes", 1.0, 240.0),
        ("integrity_days", 1, 2000),
    )
    for name, low, high in ranges:
        value = getattr(backup, name)
        if not low <= value <= high:
            raise ConfigError(
                "out of range", thing=f"backup.{name} = {value:g}", fix=f"give {low:g} to {high:g}"
            )
    if backup.incremental_every_minutes > backup.rpo_minutes:
        raise ConfigError(
            "backups come more seldom than they may be old",
            thing="backup.incremental_every_minutes",
            fix="give less than backup.rpo_minutes",
        )
