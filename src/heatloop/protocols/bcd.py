"""Binary-coded decimals, two digits a byte, lowest byte first, as meters send them."""

from __future__ import annotations

from heatloop.kernel.errors import InputError

_HEX = frozenset("0123456789abcdefABCDEF")


def bcd_digits(data: bytes) -> str:
    """Return the digits, highest first; a nibble above 9 shows as A to F."""
    return data[::-1].hex().upper()


def read_bcd(data: bytes) -> int | None:
    """Return the number, or None where a nibble is no decimal digit."""
    digits = bcd_digits(data)
    return int(digits or "0") if digits.isdecimal() or not digits else None


def pack_bcd(number: int, size: int) -> bytes:
    """Return a number of 0 or more in `size` bytes.

    Raises:
        InputError: It is negative or has too many digits.
    """
    if not 0 <= number < 100**size:
        raise InputError(
            f"{number} does not fit {2 * size} decimal digits", fix="use a larger field or unit"
        )
    return bytes.fromhex(f"{number:0{2 * size}d}")[::-1] if size else b""


def pack_digits(text: str, size: int, thing: str) -> bytes:
    """Return written digits (an address, a serial number) in `size` bytes, lowest byte first.

    Args:
        text: Up to `2 * size` digits; hexadecimal ones are wildcards or vendor codes.
        size: Bytes.
        thing: What the digits are, for the error.

    Raises:
        InputError: They are no digits, or too many.
    """
    digits = text.rjust(2 * size, "0")
    if len(digits) != 2 * size or not set(digits) <= _HEX:
        raise InputError(f"{text!r} is not {2 * size} digits", thing=thing, fix="give digits only")
    return bytes.fromhex(digits)[::-1]
