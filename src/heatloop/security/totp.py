"""One-time codes by time: RFC 6238 over HMAC-SHA-1, SHA-256 or SM3.

Reference: RFC 4226 (HOTP), RFC 6238 (TOTP), GB/T 32905 (SM3).
"""

from __future__ import annotations

import base64
import hmac
import secrets
import string

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from heatloop.kernel.errors import InputError

STEP_S = 30
"""Life of a code, seconds."""
DIGITS = 6
"""Digits of a code."""
DRIFT_STEPS = 1
"""How many steps a clock may be ahead or behind."""
ALGORITHMS: dict[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sm3": hashes.SM3,
}
"""Digests by the name settings use; most phone programs know only the first."""
_PLAIN = frozenset((string.ascii_letters + string.digits + "-._~").encode())
_SECRET_BYTES = {"sha1": 20, "sha256": 32, "sm3": 32}


def _digest(algorithm: str) -> hashes.HashAlgorithm:
    if algorithm not in ALGORITHMS:
        raise InputError(
            "unknown digest of one-time codes",
            thing=algorithm,
            fix="use one of: " + ", ".join(ALGORITHMS),
        )
    return ALGORITHMS[algorithm]()


def new_secret(algorithm: str = "sha1") -> bytes:
    """Return a random secret as long as the digest's output.

    Raises:
        InputError: The digest is unknown.
    """
    _digest(algorithm)
    return secrets.token_bytes(_SECRET_BYTES[algorithm])


def step_of(now_s: float) -> int:
    """Return the number of the time step a moment lies in (seconds since 1970)."""
    return int(now_s // STEP_S)


def code_of(secret: bytes, step: int, algorithm: str = "sha1", digits: int = DIGITS) -> str:
    """Return the code of one time step.

    Raises:
        InputError: The digest is unknown.
    """
    mac = HMAC(secret, _digest(algorithm))
    mac.update(step.to_bytes(8, "big"))
    raw = mac.finalize()
    start = raw[-1] & 0x0F
    number = int.from_bytes(raw[start : start + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def matching_step(
    secret: bytes, code: str, now_s: float, *, after: int = -1, algorithm: str = "sha1"
) -> int | None:
    """Return the time step a code belongs to, None for a wrong or replayed one.

    Args:
        secret: What the person's device knows too.
        code: What was typed; blanks do not count.
        now_s: Machine time.
        after: Last step that was accepted: it and all before it are used up.
        algorithm: Digest.

    Raises:
        InputError: The digest is unknown.
    """
    typed = "".join(code.split())
    if len(typed) != DIGITS or not typed.isascii() or not typed.isdigit():
        return None
    found: int | None = None
    now = step_of(now_s)
    # Every step is compared, so that the time taken does not tell which one was near.
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        good = hmac.compare_digest(code_of(secret, step, algorithm), typed)
        if good and step > after and found is None:
            found = step
    return found


def _quoted(text: str) -> str:
    """Return text as an address may hold it (RFC 3986)."""
    return "".join(chr(b) if b in _PLAIN else f"%{b:02X}" for b in text.encode())


def secret_text(secret: bytes) -> str:
    """Return a secret as people type it: base 32 without filling."""
    return base64.b32encode(secret).decode().rstrip("=")


def enrolment_uri(secret: bytes, user: str, issuer: str, algorithm: str = "sha1") -> str:
    """Return what the QR code holds, as authenticator programs read it."""
    label = f"{_quoted(issuer)}:{_quoted(user)}"
    query = {
        "secret": secret_text(secret),
        "issuer": issuer,
        "algorithm": algorithm.upper(),
        "digits": DIGITS,
        "period": STEP_S,
    }
    given = "&".join(f"{name}={_quoted(str(value))}" for name, value in query.items())
    return f"otpauth://totp/{label}?{given}"
