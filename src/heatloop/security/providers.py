"""The suites by name: `international`, `sm`, and what is installed under `heatloop.crypto`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any, cast

from heatloop.kernel.errors import ConfigError, InputError
from heatloop.security import international, keys, sm, sm3
from heatloop.security.international import SigningKey
from heatloop.security.provider import Cipher, CryptoProvider, Signer, verifier_named

GROUP = "heatloop.crypto"
"""Entry points of plug-ins: a name, and a callable that returns a `CryptoProvider`."""


def derive_key(passphrase: str, terms: Mapping[str, object], length: int) -> bytes:
    """Return a key of a passphrase by whatever derivation the terms name.

    Raises:
        InputError: The derivation is unknown, or would cost too little or too much.
    """
    match terms.get("kdf"):
        case "argon2id":
            return international.argon2id(passphrase, dict(terms), length)
        case "pbkdf2-sm3":
            return sm.derive_sm3(passphrase, dict(terms), length)
        case other:
            raise InputError("unknown key derivation", thing=str(other)[:40], place="kdf")


class Suite:
    """A suite of algorithms in software; plug-ins may derive from it and replace parts."""

    def __init__(
        self,
        name: str,
        cipher: Cipher,
        *,
        digest: Callable[[bytes], bytes],
        mac: Callable[[bytes, bytes], bytes],
        terms: Callable[[], dict[str, object]],
        signing: type[SigningKey],
    ) -> None:
        self.name, self.cipher = name, cipher
        self._digest, self._mac, self._terms, self._signing = digest, mac, terms, signing

    def digest(self, data: bytes) -> bytes:
        """Return a hash of 32 bytes."""
        return self._digest(data)

    def mac(self, key: bytes, data: bytes) -> bytes:
        """Return a keyed hash of 32 bytes."""
        return self._mac(key, data)

    def kdf_terms(self) -> dict[str, object]:
        """Return fresh terms for `derive`."""
        return self._terms()

    def derive(self, passphrase: str, terms: Mapping[str, object], length: int) -> bytes:
        """Return a key made of a passphrase."""
        return derive_key(passphrase, terms, length)

    def new_data_key(self) -> bytes:
        """Return a new data key."""
        return secrets.token_bytes(self.cipher.key_bytes)

    def seal(self, key_id: str, key: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """Return a seal under this suite's cipher."""
        return keys.seal(key_id, key, plaintext, aad, self.cipher)

    def unseal(self, known: Mapping[str, bytes], blob: bytes, aad: bytes) -> bytes:
        """Return what a seal of any suite holds."""
        return keys.unseal(known, blob, aad)

    def signing_key(self, secret: bytes | None = None) -> Signer:
        """Return the signing key of this secret, or a new one."""
        return self._signing.generate() if secret is None else self._signing.from_bytes(secret)

    def signing_secret(self, key: Signer) -> bytes:
        """Return what `signing_key` needs to give this key again."""
        return cast(SigningKey, key).raw

    def verify(self, algorithm: str, public: bytes, data: bytes, signature: bytes) -> bool:
        """Return whether a signature of any suite is good."""
        verifier = verifier_named(algorithm)
        return verifier is not None and verifier.verify(public, data, signature)


@cache
def _own() -> dict[str, CryptoProvider]:
    return {
        "international": Suite(
            "international",
            international.AES_256_GCM,
            digest=international.sha256,
            mac=international.hmac_sha256,
            terms=international.argon2id_terms,
            signing=SigningKey,
        ),
        "sm": Suite(
            "sm",
            sm.SM4_GCM,
            digest=sm3.sm3,
            mac=sm3.hmac_sm3,
            terms=sm.pbkdf2_terms,
            signing=sm.Sm2Key,
        ),
    }


def suites() -> list[str]:
    """Return the names of suites that may be configured here."""
    return [*_own(), *sorted(point.name for point in entry_points(group=GROUP))]


@cache
def provider(name: str) -> CryptoProvider:
    """Return a suite by name; a plug-in is loaded at its first use.

    Raises:
        ConfigError: There is no such suite, or its plug-in cannot be loaded.
    """
    if name in _own():
        return _own()[name]
    for point in entry_points(group=GROUP):
        if point.name == name:
            try:
                made: Any = point.load()()
            except Exception as error:
                raise ConfigError(
                    f"the suite's plug-in cannot be loaded: {type(error).__name__}",
                    thing=name,
                    place=point.value,
                    fix="check the module and its settings",
                ) from error
            return cast(CryptoProvider, made)
    raise ConfigError(
        "unknown suite of algorithms",
        thing=name[:40],
        place="crypto.suite",
        fix=f"use one of: {', '.join(suites())}",
    )
