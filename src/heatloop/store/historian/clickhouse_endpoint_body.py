"""What comes in an HTTP body: a statement, rows behind it, or tables in a form."""

from __future__ import annotations

import re

from heatloop.kernel.errors import InputError

# INSERT ... FORMAT X, where the rows follow.
_ROWS = re.compile(
    rb"(\s*INSERT\s+INTO\s+(?:TABLE\s+)?[\w.`\"]+\s*(?:\([^()]*\))?\s*(?:SETTINGS\s[^;]*?)?)"
    rb"\s*\bFORMAT\s+(\w+)[ \t]*(?:;|\r?\n|$| )",
    re.IGNORECASE,
)


def multipart(body: bytes, boundary: str) -> dict[str, bytes]:
    """Return the parts of a form by name.

    Raises:
        InputError: The form is malformed.
    """
    mark = b"--" + boundary.encode()
    if not boundary or not body.startswith(mark):
        raise InputError("form is malformed", fix="send multipart/form-data")
    found: dict[str, bytes] = {}
    at = len(mark)
    while body[at : at + 2] == b"\r\n":
        end = body.find(b"\r\n" + mark, at)
        head_end = body.find(b"\r\n\r\n", at, end)
        name = re.search(rb'name="([^"]+)"', body[at:head_end]) if head_end > 0 else None
        if end < 0 or name is None:
            raise InputError("form is malformed", fix="send multipart/form-data")
        found[name[1].decode(errors="replace")] = body[head_end + 4 : end]
        at = end + 2 + len(mark)
    return found


def parted(text: str, body: bytes) -> tuple[str, tuple[str, bytes] | None]:
    """Return the statement, and format and rows that follow it."""
    if not text:
        if found := _ROWS.match(body[:65536]):
            return found[1].decode(), (found[2].decode(), body[found.end() :])
        return body.decode(errors="replace"), None
    if found := _ROWS.fullmatch(text.encode()):
        return found[1].decode(), (found[2].decode(), body)
    return text + ("\n" + body.decode(errors="replace") if body else ""), None


def numbered(types: str) -> str:
    """Return columns of these types, named as ClickHouse names those without names."""
    return ", ".join(f"_{n} {kind.strip()}" for n, kind in enumerate(types.split(","), 1) if kind)
