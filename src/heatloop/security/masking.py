"""Personal values as everybody may see them, and pseudonyms that nobody can turn back.

A mask keeps what is needed to tell two entries apart at the telephone (138****5678, 张*, ****1234)
and no more. A pseudonym is the same for the same person and receiver and tells nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from heatloop.kernel.errors import InputError

HIDDEN = "***"
"""What stands for a value of which nothing may be seen."""
_STAR = "*"
_SHOWN_ID, _PHONE_HEAD, _PHONE_TAIL, _PHONE_LEAST = 4, 3, 4, 10
_PHONE_LONG, _CHINA = 11, "86"
_BUILDING = re.compile(
    r"^.*?(?:\d+|[A-Za-z一二三四五六七八九十东西南北])\s*(?:号楼|栋|幢|座|#楼|#)|"
    r"^.*?\b(?:building|block|no\.)\s*\w+",
    re.IGNORECASE,
)
_PSEUDONYM_BYTES, _KEY_LEAST = 10, 16


def mask_phone(text: str) -> str:
    """Return a telephone number with its middle hidden: 138****5678."""
    digits = "".join(char for char in text if char.isdigit())
    if len(digits) > _PHONE_LONG and digits.startswith(_CHINA):
        digits = digits[len(_CHINA) :]
    if len(digits) < _PHONE_LEAST:
        return HIDDEN
    return digits[:_PHONE_HEAD] + _STAR * 4 + digits[-_PHONE_TAIL:]


def mask_name(text: str) -> str:
    """Return a name's first letter: 张*."""
    return text.strip()[:1] + _STAR if text.strip() else ""


def mask_id(text: str) -> str:
    """Return the last four places of an identity number: ****1234."""
    shown = text.strip()[-_SHOWN_ID:]
    return _STAR * 4 + shown if len(text.strip()) >= 2 * _SHOWN_ID else HIDDEN


def mask_email(text: str) -> str:
    """Return an address with its first letter and domain: z***@example.com."""
    name, at, domain = text.strip().rpartition("@")
    return f"{name[:1]}{HIDDEN}@{domain}" if at and name else HIDDEN


def mask_address(text: str) -> str:
    """Return an address down to the building; one that names no building is hidden."""
    found = _BUILDING.match(text.strip())
    return found.group().strip() + HIDDEN if found else HIDDEN


_MASKS = {
    "name": mask_name,
    "phone": mask_phone,
    "id": mask_id,
    "email": mask_email,
    "address": mask_address,
}
KINDS = (*_MASKS, "hidden")
"""Ways to mask."""


def mask(kind: str, value: object) -> str:
    """Return a value masked in one of the ways of `KINDS`; what is empty stays empty.

    Raises:
        InputError: There is no such way.
    """
    if kind not in KINDS:
        raise InputError("no such way to mask", thing=kind, fix=f"use one of: {', '.join(KINDS)}")
    text = "" if value is None else str(value)
    if not text:
        return ""
    return _MASKS[kind](text) if kind in _MASKS else HIDDEN


def pseudonym(key: bytes, subject: str) -> str:
    """Return a name of 16 letters for a subject: the same under one key, unlinkable to others'.

    Raises:
        InputError: The key is shorter than 16 bytes, so that subjects could be tried out.
    """
    if len(key) < _KEY_LEAST:
        raise InputError("a pseudonym needs a key", fix="give at least 16 random bytes")
    digest = hmac.new(key, b"heatloop-pseudonym\x00" + subject.encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:_PSEUDONYM_BYTES]).decode()
