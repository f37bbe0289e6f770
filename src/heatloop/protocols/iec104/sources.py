"""What a ledger calls a value of a station: where it is read, and where it is set.

    4001H             information object address, hexadecimal with H; 16385 is the same
    15:6401H          with the type it comes as: an integrated total
    4011H 50:6201H    read at one address, set at another by a float set-point command
    50s:6201H         the same address for both, selected before it is operated

Types 45 to 51 and 58 to 64 are commands, all others are read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from heatloop.kernel.errors import InputError
from heatloop.protocols.iec104.asdu import type_kinds
from heatloop.protocols.iec104.commands import COMMANDS, SELECTABLE

THING = "IEC 104 source"
COUNTERS = frozenset((15, 16, 37))
_PART = re.compile(r"(?:([0-9]{1,3})(s?):)?([0-9A-Fa-f]{1,6}[Hh]|[0-9]{1,8})", re.ASCII)
_MAX_ADDRESS = (1 << 24) - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a value stands in a station."""

    address: int
    """Information object address it is read at."""
    type: int = 0
    """Type it comes as; 0: whatever comes."""
    command: int = 0
    """Type of the command that sets it; 0: it cannot be set."""
    command_address: int = 0
    """Information object address of the command."""
    select: bool = False
    """Whether the command is selected before it is operated."""


@lru_cache(maxsize=65536)
def parse_source(text: str) -> Source:
    """Return what a source says.

    Raises:
        InputError: It is not written as this module says.
    """
    read: tuple[int, int] | None = None
    command: tuple[int, int, bool] | None = None
    for part in text.split():
        found = _PART.fullmatch(part)
        if found is None:
            raise _refused(text)
        type_id = int(found[1] or 0)
        digits = found[3]
        address = int(digits[:-1], 16) if digits[-1] in "Hh" else int(digits)
        known = not type_id or type_id in type_kinds()
        if not known or not 0 < address <= _MAX_ADDRESS:
            raise _refused(text)
        if type_id in COMMANDS:
            if command is not None or (found[2] and type_id not in SELECTABLE):
                raise _refused(text)
            command = type_id, address, bool(found[2])
        elif read is not None or found[2] or type_id > min(COMMANDS):
            raise _refused(text)
        else:
            read = type_id, address
    if read is None and command is None:
        raise _refused(text)
    of_type, at = read if read is not None else (0, command[1] if command else 0)
    if command is None:
        return Source(address=at, type=of_type)
    return Source(
        address=at, type=of_type, command=command[0], command_address=command[1], select=command[2]
    )


def _refused(text: str) -> InputError:
    fix = "write e.g. 4001H, 15:6401H or 4011H 50:6201H"
    return InputError(f"no such source: {text!r}", thing=THING, fix=fix)
