"""What a suite of algorithms has to offer, and the register of those this process knows.

A ciphertext names its algorithm by a number, a signature by a word. Whatever suite is configured,
what another one sealed or signed stays readable as long as its key is known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Protocol

from heatloop.kernel.errors import InputError

NONCE_BYTES, TAG_BYTES = 12, 16


def key_id_of(public: bytes) -> str:
    """Return the id of a raw public key: 16 hexadecimal digits of SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def data_key_id(key: bytes) -> str:
    """Return the name of a data key: a hash under a label, so that it tells nothing of the key."""
    return key_id_of(b"heatloop-data-key\x00" + key)


class Cipher(Protocol):
    """Authenticated encryption with a nonce of 12 bytes and a tag of 16."""

    @property
    def number(self) -> int:
        """Number in every seal; 1 to 15 are heatloop's, plug-ins use 16 to 255."""

    @property
    def name(self) -> str:
        """Name for people and file headers."""

    @property
    def key_bytes(self) -> int:
        """Length of a key; 0: the key is the label of one that never leaves its module."""

    def encrypt(self, key: bytes, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        """Return ciphertext and tag."""

    def decrypt(self, key: bytes, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        """Return what was encrypted.

        Raises:
            UnsafeError: Data, binding or key are not those of the encryption.
        """


class Signer(Protocol):
    """A private key that signs."""

    @property
    def algorithm(self) -> str:
        """Name of the algorithm, as documents carry it."""

    @property
    def key_id(self) -> str:
        """Id of the public key."""

    @property
    def public(self) -> bytes:
        """The raw public key."""

    def sign(self, data: bytes) -> bytes:
        """Return 64 signature bytes."""


class Verifier(Protocol):
    """Checks signatures of one algorithm."""

    @property
    def name(self) -> str:
        """Name as documents carry it."""

    def fits(self, public: bytes) -> bool:
        """Return whether these bytes are a public key of this algorithm."""

    def verify(self, public: bytes, data: bytes, signature: bytes) -> bool:
        """Return whether the signature is the key's own over the data."""


class CryptoProvider(Protocol):
    """One suite: what new data are digested, sealed and signed with."""

    @property
    def name(self) -> str:
        """`international`, `sm`, or a plug-in's."""

    @property
    def cipher(self) -> Cipher:
        """What new values are sealed with."""

    def digest(self, data: bytes) -> bytes:
        """Return a hash of 32 bytes."""

    def mac(self, key: bytes, data: bytes) -> bytes:
        """Return a keyed hash of 32 bytes."""

    def derive(self, passphrase: str, terms: Mapping[str, object], length: int) -> bytes:
        """Return a key made of a passphrase; `terms` is what `kdf_terms` gave."""

    def kdf_terms(self) -> dict[str, object]:
        """Return fresh terms (salt, cost) for `derive`."""

    def new_data_key(self) -> bytes:
        """Return a new data key, or the label of one made inside a module."""

    def seal(self, key_id: str, key: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """Return a seal (`security.keys.seal`) under this suite's cipher."""

    def unseal(self, keys: Mapping[str, bytes], blob: bytes, aad: bytes) -> bytes:
        """Return what a seal of any suite holds."""

    def signing_key(self, secret: bytes | None = None) -> Signer:
        """Return the signing key of this secret, or a new one."""

    def signing_secret(self, key: Signer) -> bytes:
        """Return what `signing_key` needs to give this key again."""

    def verify(self, algorithm: str, public: bytes, data: bytes, signature: bytes) -> bool:
        """Return whether a signature of any suite is good."""


_CIPHERS: dict[int, Cipher] = {}
_VERIFIERS: dict[str, Verifier] = {}


def register_cipher(cipher: Cipher) -> None:
    """Let seals with this cipher's number be opened."""
    _CIPHERS[cipher.number] = cipher


def register_verifier(verifier: Verifier) -> None:
    """Let signatures of this algorithm be verified."""
    _VERIFIERS[verifier.name] = verifier


def cipher_numbered(number: int) -> Cipher:
    """Return a cipher by its number.

    Raises:
        InputError: This process does not know it.
    """
    found = _CIPHERS.get(number)
    if found is None:
        raise InputError(
            f"unknown seal algorithm {number}", fix="update the software, or install its plug-in"
        )
    return found


def cipher_named(name: str) -> Cipher:
    """Return a cipher by its name.

    Raises:
        InputError: This process does not know it.
    """
    for cipher in _CIPHERS.values():
        if cipher.name == name:
            return cipher
    raise InputError("unknown cipher", thing=name[:40], fix="update the software")


def verifier_named(name: str) -> Verifier | None:
    """Return what verifies an algorithm, None when this process does not know it."""
    return _VERIFIERS.get(name)


def algorithm_of(public: bytes) -> Verifier | None:
    """Return what verifies signatures of this public key, None when it is no public key."""
    return next((each for each in _VERIFIERS.values() if each.fits(public)), None)
