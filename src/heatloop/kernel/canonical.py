"""One canonical byte encoding of plain values, for signatures and hash chains.

JSON with sorted keys, no spaces, UTF-8, floats in Python's shortest round-trip form.
"""

from __future__ import annotations

import json
from typing import Any

from heatloop.kernel.errors import InputError


def canonical(value: Any) -> bytes:
    """Return the one encoding of `value` (dicts, lists, strings, numbers, booleans, None).

    Raises:
        InputError: The value holds something else, or a number that is not finite.
    """
    try:
        text = json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"cannot be encoded: {error}", fix="give plain, finite values") from error
    return text.encode()


def decode(data: bytes) -> Any:
    """Read plain values from their encoding.

    Raises:
        InputError: The bytes are not UTF-8 JSON.
    """
    try:
        return json.loads(data)
    except (UnicodeDecodeError, ValueError) as error:
        raise InputError(f"not JSON: {error}", fix="send it again") from error
