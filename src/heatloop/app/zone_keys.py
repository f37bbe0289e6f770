"""The keys two zones know each other by, exchanged once as files carried by a person.

The control zone offers its public key and the key batches are sealed with; the customer zone
joins and answers with its own public key; the control zone admits it. No zone ever holds the
other's private key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heatloop.app.keys import write_secret
from heatloop.kernel.errors import ConfigError, InputError
from heatloop.security.keys import KeyRing
from heatloop.security.provider import CryptoProvider, Signer, key_id_of
from heatloop.security.providers import provider

_FILE = "zone-pair.json"
_OWN = "zone-signing"
_LABEL = b"heatloop-zone-key\x00"
_MOST_OLD = 3
_PUBLIC, _SEAL = (32, 65), (16, 32)
"""Lengths of public keys (Ed25519, SM2) and of sealing keys (SM4, AES-256)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneKeys:
    """What a zone signs, seals and verifies with."""

    suite: CryptoProvider
    """Algorithms of what this zone sends."""
    signing: Signer
    """Signs what this zone sends."""
    seal_key: tuple[str, bytes]
    """Name and bytes of the key both zones hold."""
    seal_keys: dict[str, bytes]
    """This one and earlier ones, by name."""
    peers: tuple[bytes, ...]
    """Public keys of the other zone."""

    def ring(self) -> KeyRing:
        """Return the keys of the other zone."""
        return KeyRing(self.peers)


def _own(folder: Path, suite: str) -> Signer:
    """Return this zone's signing key; each suite has its own file."""
    crypto, path = provider(suite), folder / f"{_OWN}.{suite}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_secret(path, crypto.signing_secret(crypto.signing_key()))
    _check_mode(path)
    try:
        return crypto.signing_key(path.read_bytes())
    except InputError as error:
        raise ConfigError(error.message, thing=str(path), fix="pair the zones again") from error


def _check_mode(path: Path) -> None:
    if path.stat().st_mode & 0o077:
        raise ConfigError(
            "a key file can be read by others", thing=str(path), fix=f"chmod 600 {path}"
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        doc = json.loads(path.read_text("utf-8"))
        if not isinstance(doc, dict):
            raise TypeError("no object")
        return doc
    except FileNotFoundError:
        raise
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError("not a pairing file", thing=str(path), fix="make it again") from error


def _write(path: Path, doc: dict[str, Any]) -> None:
    write_secret(path, json.dumps(doc, indent=1).encode())


def _bytes(doc: dict[str, Any], name: str, path: Path, lengths: tuple[int, ...]) -> bytes:
    try:
        value = bytes.fromhex(doc[name])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"the pairing file has no {name}", thing=str(path), fix="make it again"
        ) from error
    if len(value) not in lengths:
        raise ConfigError(f"{name} has a wrong length", thing=str(path), fix="make it again")
    return value


def _pair(folder: Path) -> dict[str, Any]:
    try:
        return _read(folder / _FILE)
    except FileNotFoundError:
        return {"seal": [], "peers": []}


def offer(folder: Path, out: Path, *, suite: str = "international", renew: bool = False) -> str:
    """Write the control zone's offer into `out`, a secret file; return its key id.

    Args:
        folder: Keys of the control zone.
        out: File to carry to the customer zone.
        suite: Algorithms, `[crypto] suite`.
        renew: Whether a new sealing key is made; older ones stay known for what is on its way.
    """
    own, doc = _own(folder, suite), _pair(folder)
    if renew or not doc["seal"]:
        doc["seal"] = [provider(suite).new_data_key().hex(), *doc["seal"]][: 1 + _MOST_OLD]
        _write(folder / _FILE, doc)
    _write(out, {"zone": "control", "public": own.public.hex(), "seal": doc["seal"][0]})
    return own.key_id


def join(folder: Path, given: Path, answer: Path, *, suite: str = "international") -> str:
    """Take the control zone's offer into the customer zone and write its answer.

    Returns:
        The key id of the control zone.

    Raises:
        ConfigError: The offer is none.
    """
    try:
        doc = _read(given)
    except FileNotFoundError as error:
        raise ConfigError("no such file", thing=str(given), fix="carry the offer here") from error
    public, key = _bytes(doc, "public", given, _PUBLIC), _bytes(doc, "seal", given, _SEAL)
    if doc.get("zone") != "control":
        raise ConfigError("not an offer of a control zone", thing=str(given), fix="offer again")
    own, pair = _own(folder, suite), _pair(folder)
    # Who joins again trusts the newest control zone alone.
    kept = [each for each in pair["seal"] if each != key.hex()]
    _write(
        folder / _FILE,
        {"seal": [key.hex(), *kept][: 1 + _MOST_OLD], "peers": [public.hex()]},
    )
    answer.write_text(json.dumps({"zone": "customer", "public": own.public.hex()}), "utf-8")
    return key_id_of(public)


def admit(folder: Path, answer: Path) -> str:
    """Take the customer zone's answer into the control zone; return its key id.

    Raises:
        ConfigError: The answer is none.
    """
    try:
        doc = _read(answer)
    except FileNotFoundError as error:
        raise ConfigError("no such file", thing=str(answer), fix="carry the answer here") from error
    public = _bytes(doc, "public", answer, _PUBLIC)
    if doc.get("zone") != "customer":
        raise ConfigError("not an answer of a customer zone", thing=str(answer), fix="join again")
    pair = _pair(folder)
    _write(folder / _FILE, {**pair, "peers": [public.hex()]})
    return key_id_of(public)


def load_zone_keys(folder: Path, suite: str = "international") -> ZoneKeys:
    """Return the keys of this zone.

    Raises:
        ConfigError: The zones were never paired.
    """
    path = folder / _FILE
    doc = _pair(folder)
    if not doc["seal"]:
        raise ConfigError(
            "the zones are not paired",
            thing=str(path),
            fix="run: heatloop zone offer, then heatloop zone join",
        )
    _check_mode(path)
    try:
        seals = [bytes.fromhex(each) for each in doc["seal"]]
        peers = tuple(bytes.fromhex(each) for each in doc["peers"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError("the pairing is damaged", thing=str(path), fix="pair again") from error
    named = {key_id_of(_LABEL + key): key for key in seals}
    first = next(iter(named.items()))
    return ZoneKeys(
        suite=provider(suite),
        signing=_own(folder, suite),
        seal_key=first,
        seal_keys=named,
        peers=peers,
    )
