"""Finding a value in a JSON document: `a.b[0].c`; `a|b` takes the first that is there."""

from __future__ import annotations

import re
from functools import cache
from math import isfinite

from heatloop.kernel.errors import InputError

_PART = re.compile(r"([^.\[\]|]+)|\[(\d{1,4})\]")
_WORDS = {"true": 1.0, "false": 0.0, "on": 1.0, "off": 0.0, "open": 1.0, "closed": 0.0}


@cache
def _parts(path: str) -> tuple[str | int, ...]:
    found: list[str | int] = []
    at = 0
    while at < len(path):
        match = _PART.match(path, at)
        if match is None:
            raise InputError("no path", thing=path[:80], place=str(at), fix="write a.b[0].c")
        found.append(match[1] if match[1] is not None else int(match[2]))
        at = match.end()
        if path[at : at + 1] == ".":
            at += 1
    return tuple(found)


def check_path(path: str) -> None:
    """Check that a path can be followed.

    Raises:
        InputError: It is malformed.
    """
    for alternative in path.split("|"):
        _parts(alternative)


def find(document: object, path: str) -> object:
    """Return what stands at a path, or None.

    Raises:
        InputError: The path is malformed.
    """
    for alternative in path.split("|"):
        found = document
        for part in _parts(alternative):
            if isinstance(part, int):
                fits = isinstance(found, list) and part < len(found)
                found = found[part] if fits else None  # type: ignore[index]
            else:
                found = found.get(part) if isinstance(found, dict) else None
            if found is None:
                break
        if found is not None:
            return found
    return None


def number(value: object) -> float | None:
    """Return a value as a number; None where there is none.

    Raises:
        InputError: It is something else.
    """
    match value:
        case None | "":
            return None
        case bool() | int() | float():
            found = float(value)
        case str():
            text = value.strip()
            if text.casefold() in _WORDS:
                return _WORDS[text.casefold()]
            try:
                found = float(text)
            except ValueError as error:
                raise InputError("not a number", thing=text[:40]) from error
        case _:
            raise InputError("not a number", thing=type(value).__name__)
    if not isfinite(found):
        raise InputError("not a number", thing=str(value)[:40])
    return found
