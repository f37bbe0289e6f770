"""SM3, HMAC-SM3 and PBKDF2 over it.

Reference: GB/T 32905 (SM3), GM/T 0091 (PBKDF2 over HMAC-SM3).
"""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC


def sm3(data: bytes) -> bytes:
    """Return the SM3 hash, 32 bytes."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def hmac_sm3(key: bytes, data: bytes) -> bytes:
    """Return the HMAC-SM3, 32 bytes."""
    mac = hmac.HMAC(key, hashes.SM3())
    mac.update(data)
    return mac.finalize()


def pbkdf2_sm3(passphrase: str, salt: bytes, iterations: int, length: int) -> bytes:
    """Return a key made of a passphrase."""
    made = PBKDF2HMAC(algorithm=hashes.SM3(), length=length, salt=salt, iterations=iterations)
    return made.derive(passphrase.encode())
