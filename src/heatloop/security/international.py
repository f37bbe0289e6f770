"""The international suite: AES-256-GCM, SHA-256, HMAC-SHA-256, Ed25519, Argon2id.

Reference: RFC 8032 (Ed25519), NIST SP 800-38D (GCM), RFC 9106 (Argon2id).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Self

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.security.provider import key_id_of, register_cipher, register_verifier

ALGORITHM = "Ed25519"
_KEY_BYTES, _SALT_BYTES = 32, 16
_TIME_COST, _MEMORY_KIB, _LANES = 3, 65536, 1
_LEAST_MEMORY_KIB, _MOST_MEMORY_KIB, _MOST_TIME_COST = 8192, 1 << 20, 100


class SigningKey:
    """A private Ed25519 key; its text form never shows the secret.

    Keys of other algorithms derive from it and replace what is theirs.
    """

    __slots__ = ("_private", "algorithm", "key_id", "public")

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.algorithm = ALGORITHM
        self.public = private.public_key().public_bytes_raw()
        self.key_id = key_id_of(self.public)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key_id})"

    @classmethod
    def generate(cls) -> Self:
        """Return a new random key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Return the key of these 32 secret bytes.

        Raises:
            InputError: There are not 32 bytes.
        """
        if len(raw) != _KEY_BYTES:
            raise InputError(f"a signing key has 32 bytes, not {len(raw)}", fix="give the key file")
        return cls(Ed25519PrivateKey.from_private_bytes(raw))

    @property
    def raw(self) -> bytes:
        """Return the 32 secret bytes, to be kept in a file only its owner can read."""
        return self._private.private_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        """Return the 64 signature bytes over `data`."""
        return self._private.sign(data)


class _Ed25519:
    """Verifies Ed25519."""

    name = ALGORITHM

    def fits(self, public: bytes) -> bool:
        """Return whether these are the 32 bytes of a public key."""
        return len(public) == _KEY_BYTES

    def verify(self, public: bytes, data: bytes, signature: bytes) -> bool:
        """Return whether the signature is good."""
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
        except (InvalidSignature, ValueError):
            return False
        return True


class Aes256Gcm:
    """AES-256-GCM."""

    number, name, key_bytes = 1, "AES-256-GCM", 32

    def encrypt(self, key: bytes, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        """Return ciphertext and tag."""
        return AESGCM(key).encrypt(nonce, data, aad)

    def decrypt(self, key: bytes, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        """Return the plaintext.

        Raises:
            UnsafeError: Something was changed.
        """
        try:
            return AESGCM(key).decrypt(nonce, data, aad)
        except InvalidTag as error:
            raise UnsafeError("sealed value was changed or moved") from error


AES_256_GCM = Aes256Gcm()
register_cipher(AES_256_GCM)
register_verifier(_Ed25519())


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 hash."""
    return hashlib.sha256(data).digest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """Return the HMAC-SHA-256."""
    return hmac.new(key, data, hashlib.sha256).digest()


def argon2id_terms() -> dict[str, object]:
    """Return fresh terms of Argon2id: 64 MiB, three passes."""
    return {
        "kdf": "argon2id",
        "salt": secrets.token_hex(_SALT_BYTES),
        "time_cost": _TIME_COST,
        "memory_kib": _MEMORY_KIB,
        "lanes": _LANES,
    }


def argon2id(passphrase: str, terms: dict[str, object], length: int) -> bytes:
    """Return a key of a passphrase.

    Raises:
        InputError: The terms would cost too little or too much.
    """
    try:
        salt = bytes.fromhex(str(terms["salt"]))
        time_cost, lanes = int(str(terms["time_cost"])), int(str(terms["lanes"]))
        memory = int(str(terms["memory_kib"]))
    except (KeyError, ValueError) as error:
        raise InputError("terms of a derived key are malformed", place="kdf") from error
    sane = _LEAST_MEMORY_KIB <= memory <= _MOST_MEMORY_KIB and 1 <= time_cost <= _MOST_TIME_COST
    if not sane or lanes != 1 or not 8 <= len(salt) <= 64:
        raise InputError("terms of a derived key are out of bounds", place="kdf")
    return hash_secret_raw(
        passphrase.encode(),
        salt,
        time_cost=time_cost,
        memory_cost=memory,
        parallelism=lanes,
        hash_len=length,
        type=Type.ID,
    )
