"""The keys two zones know each other by, exchanged once as files carried by a person.

The control zone offers its public key and the key batches are sealed with; the customer zone
joins and answers with its own public key; the control zone admits it. No zone ever holds the
other's private key.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heatloop.app.keys import write_secret
from heatloop.bridge.feed_frame import RingVerifier
from heatloop.kernel.errors import ConfigError, InputError
from heatloop.security.keys import KeyRing, SigningKey, key_id_of

_FILE = "zone-pair.json"
_OWN = "zone.ed25519"
_LABEL = b"heatloop-zone-key\x00"
_MOST_OLD = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneKeys:
    """What a zone signs, seals and verifies with."""

    signing: SigningKey
    """Signs what this zone sends."""
    seal_key: tuple[str, bytes]
    """Name and bytes of the key both zones hold."""
    seal_keys: dict[str, bytes]
    """This one and earlier ones, by name."""
    peers: tuple[bytes, ...]
    """Public keys of the other zone."""

    def verifier(self) -> RingVerifier:
        """Return what knows the other zone's signatures."""
        return RingVerifier(KeyRing(self.peers))


def _own(folder: Path) -> SigningKey:
    path = folder / _OWN
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_secret(path, SigningKey.generate().raw)
    if path.stat().st_mode & 0o077:
        raise ConfigError(
            "a key file can be read by others", thing=str(path), fix=f"chmod 600 {path}"
        )
    try:
        return SigningKey.from_bytes(path.read_bytes())
    except InputError as error:
        raise ConfigError(error.message, thing=str(path), fix="pair the zones again") from error


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


def _bytes(doc: dict[str, Any], name: str, path: Path) -> bytes:
    try:
        value = bytes.fromhex(doc[name])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"the pairing file has no {name}", thing=str(path), fix="make it again"
        ) from error
    if len(value) != 32:
        raise ConfigError(f"{name} has not 32 bytes", thing=str(path), fix="make it again")
    return value


def _pair(folder: Path) -> dict[str, Any]:
    try:
        return _read(folder / _FILE)
    except FileNotFoundError:
        return {"seal": [], "peers": []}


def offer(folder: Path, out: Path, *, renew: bool = False) -> str:
    """Write the control zone's offer into `out`, a secret file; return its key id.

    Args:
        folder: Keys of the control zone.
        out: File to carry to the customer zone.
        renew: Whether a new sealing key is made; older ones stay known for what is on its way.
    """
    own, doc = _own(folder), _pair(folder)
    if renew or not doc["seal"]:
        doc["seal"] = [secrets.token_hex(32), *doc["seal"]][: 1 + _MOST_OLD]
        _write(folder / _FILE, doc)
    _write(out, {"zone": "control", "public": own.public.hex(), "seal": doc["seal"][0]})
    return own.key_id


def join(folder: Path, given: Path, answer: Path) -> str:
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
    public, key = _bytes(doc, "public", given), _bytes(doc, "seal", given)
    if doc.get("zone") != "control":
        raise ConfigError("not an offer of a control zone", thing=str(given), fix="offer again")
    own, pair = _own(folder), _pair(folder)
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
    public = _bytes(doc, "public", answer)
    if doc.get("zone") != "customer":
        raise ConfigError("not an answer of a customer zone", thing=str(answer), fix="join again")
    pair = _pair(folder)
    _write(folder / _FILE, {**pair, "peers": [public.hex()]})
    return key_id_of(public)


def load_zone_keys(folder: Path) -> ZoneKeys:
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
    if path.stat().st_mode & 0o077:
        raise ConfigError(
            "a key file can be read by others", thing=str(path), fix=f"chmod 600 {path}"
        )
    try:
        seals = [bytes.fromhex(each) for each in doc["seal"]]
        peers = tuple(bytes.fromhex(each) for each in doc["peers"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError("the pairing is damaged", thing=str(path), fix="pair again") from error
    named = {key_id_of(_LABEL + key): key for key in seals}
    first = next(iter(named.items()))
    return ZoneKeys(signing=_own(folder), seal_key=first, seal_keys=named, peers=peers)
