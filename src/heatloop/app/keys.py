"""The platform's own secrets: made at the first start, in files only their owner can read."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from heatloop.kernel.errors import ConfigError
from heatloop.security.keys import SigningKey, key_id_of

_SIGNING, _DATA, FIRST_LOGIN = "platform.ed25519", "data.aes256", "first-login.txt"
_KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformKeys:
    """What the platform signs and seals with."""

    signing: SigningKey
    """Signs commands and edge profiles."""
    data: bytes
    """Seals personal data, 32 bytes."""
    data_id: str
    """Name of the data key."""


def write_secret(path: Path, content: bytes) -> None:
    """Write a file nobody else may read, whole or not at all."""
    draft = path.with_suffix(path.suffix + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _read_or_make(path: Path, make: bytes) -> bytes:
    if not path.exists():
        write_secret(path, make)
        return make
    if path.stat().st_mode & 0o077:
        raise ConfigError(
            "a key file can be read by others", thing=str(path), fix=f"chmod 600 {path}"
        )
    content = path.read_bytes()
    if len(content) != _KEY_BYTES:
        raise ConfigError(
            f"a key file has {len(content)} bytes, not 32",
            thing=str(path),
            fix="restore it from the backup",
        )
    return content


def load_keys(folder: Path) -> PlatformKeys:
    """Return the platform's keys, made now if this is the first start.

    Raises:
        ConfigError: A key file is damaged or readable by others.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    signing = _read_or_make(folder / _SIGNING, SigningKey.generate().raw)
    data = _read_or_make(folder / _DATA, secrets.token_bytes(_KEY_BYTES))
    # Named by a hash under a label, so that the name tells nothing about the key.
    return PlatformKeys(
        signing=SigningKey.from_bytes(signing),
        data=data,
        data_id=key_id_of(b"heatloop-data-key\x00" + data),
    )
