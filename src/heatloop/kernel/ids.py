"""Identifiers: random ones that sort by time, and ones computed from what they name."""

from __future__ import annotations

import hashlib
import secrets


def new_id(at_s: float) -> str:
    """Return a 26-digit hexadecimal id: 12 digits of `at_s` in ms, then 14 random digits.

    Args:
        at_s: Plant or machine time, seconds since 1970 UTC; it only makes ids sort.
    """
    return f"{int(at_s * 1000) & 0xFFFFFFFFFFFF:012x}{secrets.token_hex(7)}"


def derived_id(*parts: str | int) -> str:
    """Return a 20-digit id that is the same wherever it is computed from the same parts."""
    text = "\x1f".join(str(part) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def alarm_id(subject: str, rule: str, onset_s: int) -> str:
    """Return the id of an alarm from (point or asset, rule, onset), so edge and centre agree."""
    return derived_id("alarm", subject, rule, onset_s)
