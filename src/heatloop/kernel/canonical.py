"""One canonical byte encoding of plain values, for signatures and hash chains.

JSON with sorted keys, no spaces, UTF-8, floats in Python's shortest round-trip form.
"""

from __future__ import annotations

import json
import math
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
        # Half a surrogate pair passes `dumps` and fails here.
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"cannot be encoded: {error}", fix="give plain, finite values") from error


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    return value


def decode(data: bytes) -> Any:
    """Read plain values from their encoding.

    Raises:
        InputError: The bytes are not UTF-8 JSON, nest too deeply, or hold a number that is not
            finite (`canonical` could not have made them).
    """
    try:
        return json.loads(data, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}", fix="send it again") from error
