"""Key files: whole, for their owner alone, wrapped under a passphrase if there is one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heatloop.kernel.canonical import canonical
from heatloop.kernel.errors import ConfigError, InputError, UnsafeError
from heatloop.security.keys import seal, seal_algorithm, unseal
from heatloop.security.provider import CryptoProvider
from heatloop.security.providers import derive_key, provider

PASSPHRASE, PASSPHRASE_FILE = "HEATLOOP_KEY_PASSPHRASE", "HEATLOOP_KEY_PASSPHRASE_FILE"
_WRAPPED = b"HLKW\x01"
_LEAST_PASSPHRASE = 12


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
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def passphrase_of(environ: Mapping[str, str] = os.environ) -> str:
    """Return the passphrase of wrapped keys, empty when there is none.

    Raises:
        ConfigError: Its file cannot be read, others can read it, or it is too short.
    """
    text, place = environ.get(PASSPHRASE, ""), PASSPHRASE
    name = environ.get(PASSPHRASE_FILE, "")
    if name and not text:
        path, place = Path(name), PASSPHRASE_FILE
        try:
            if path.stat().st_mode & 0o077:
                raise ConfigError("others can read it", thing=name, fix=f"chmod 600 {name}")
            text = path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                "passphrase of the keys cannot be read", thing=name, place=place
            ) from error
    if text and len(text) < _LEAST_PASSPHRASE:
        fix = f"give {_LEAST_PASSPHRASE} letters or more"
        raise ConfigError("passphrase of the keys is too short", place=place, fix=fix)
    return text


def wrap(suite: CryptoProvider, key_id: str, secret: bytes, passphrase: str) -> bytes:
    """Return a key as a file holds it under a passphrase."""
    terms = suite.kdf_terms()
    # A module's cipher needs its own keys: files are wrapped in software.
    cipher = suite.cipher if suite.cipher.key_bytes else provider("international").cipher
    outer = derive_key(passphrase, terms, cipher.key_bytes)
    blob = seal("passphrase", outer, secret, _bound(key_id, terms), cipher)
    return _WRAPPED + canonical({"id": key_id, "terms": terms, "key": blob.hex()})


def _bound(key_id: str, terms: Mapping[str, Any]) -> bytes:
    return b"heatloop-key-file\x00" + canonical({"id": key_id, "terms": dict(terms)})


def unwrap(content: bytes, passphrase: str, place: str) -> bytes:
    """Return the key in a file's content."""
    if not content.startswith(_WRAPPED):
        return content
    if not passphrase:
        raise ConfigError(
            "key file is wrapped and there is no passphrase",
            thing=place,
            fix=f"set {PASSPHRASE_FILE} or {PASSPHRASE}",
        )
    try:
        plain = json.loads(content[len(_WRAPPED) :])
        blob = bytes.fromhex(plain["key"])
        length = seal_algorithm(blob).key_bytes
        outer = derive_key(passphrase, plain["terms"], length)
        return unseal({"passphrase": outer}, blob, _bound(plain["id"], plain["terms"]))
    except UnsafeError:
        raise ConfigError(
            "the passphrase does not open this key file", thing=place, fix="give the right one"
        ) from None
    except (ValueError, KeyError, TypeError, InputError):
        raise ConfigError(
            "key file is damaged", thing=place, fix="restore it from the backup"
        ) from None


def _cipher_of(blob: bytes) -> str:
    from heatloop.security.keys import seal_algorithm

    return seal_algorithm(blob).name
