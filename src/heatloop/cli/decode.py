"""`heatloop decode`: say what the bytes of a field protocol mean, or why they are refused."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from heatloop.kernel.errors import InputError

PROTOCOLS = {
    "mbus": "M-Bus, wired (EN 13757-3)",
    "wmbus": "M-Bus by radio, plain or AES mode 5 (EN 13757-4)",
    "cjt188": "CJ/T 188-2004 and -2018 water, heat and gas meters",
    "dlt645": "DL/T 645-2007 electricity meters",
    "iec104": "IEC 60870-5-104 telecontrol",
    "sparkplug": "Sparkplug B payload",
}
MAX_BYTES = 1 << 20


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "decode",
        help="say what the bytes of a field protocol mean",
        description="Reads one or more frames as hexadecimal (spaces, colons, 0x and new lines "
        "are left out) or from a file, and prints JSON. Damaged bytes are refused, with the "
        "place and what to do; exit code 2.",
        epilog='example: heatloop decode cjt188 "68 10 44 33 22 11 00 33 78 01 03 1F 90 00 80 16"',
    )
    names = parser.add_subparsers(dest="protocol", required=True, metavar="PROTOCOL")
    for name, text in PROTOCOLS.items():
        each = names.add_parser(name, help=text, description=text)
        each.add_argument("hex", nargs="*", help="the bytes as hexadecimal")
        each.add_argument("--file", type=Path, help="a file with the bytes, hexadecimal or raw")
        each.add_argument("--json", action="store_true", help="one line, for machines")
        if name == "wmbus":
            each.add_argument("--key", default="", help="the meter's AES key, 32 hex digits")
            each.add_argument(
                "--format", default="", choices=("A", "B", "stripped"), help="frame format"
            )
        if name == "cjt188":
            each.add_argument("--profile", default="", help="layout of the answer, e.g. heat_2018")
    parser.set_defaults(action=run)


def read_hex(text: str, thing: str) -> bytes:
    """Return bytes written as hexadecimal, with spaces, commas, colons, 0x and new lines.

    Raises:
        InputError: A character is no hexadecimal digit, or a byte has only one.
    """
    words = text.replace(",", " ").replace(":", " ").split()
    digits = "".join(word[2:] if word[:2] in {"0x", "0X"} else word for word in words)
    try:
        # A last digit without its partner, and any other sign, are found here.
        return bytes.fromhex(digits)
    except ValueError as error:
        at = next((i for i, c in enumerate(digits) if c not in "0123456789abcdefABCDEF"), None)
        place = f"hex digit {len(digits) if at is None else at}"
        raise InputError(
            "an odd number of hex digits" if at is None else f"{digits[at]!r} is no hex digit",
            thing=thing,
            place=place,
            fix="write two digits a byte, like 68 0A 16",
        ) from error


def _from_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(4 * MAX_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", thing=str(path), fix="check the path"
        ) from error
    text = raw.decode("ascii", errors="replace")
    # Text is hexadecimal; anything else is the bytes themselves.
    if raw and all(char.isspace() or char in "0123456789abcdefABCDEFxX,:" for char in text):
        return read_hex(text, str(path))
    return raw


def _data(options: argparse.Namespace) -> bytes:
    if bool(options.hex) == bool(options.file):
        raise InputError("give the bytes or --file, one of them", thing="decode")
    data = _from_file(options.file) if options.file else read_hex(" ".join(options.hex), "hex")
    if not data:
        raise InputError("there are no bytes", thing=str(options.file or "hex"), fix="give a frame")
    if len(data) > MAX_BYTES:
        raise InputError(f"more than {MAX_BYTES} bytes", thing="decode", fix="cut the file")
    return data


def _describe(options: argparse.Namespace, data: bytes) -> list[dict[str, Any]]:
    match options.protocol:
        case "mbus":
            from heatloop.protocols.mbus.report import describe

            return describe(data)
        case "wmbus":
            from heatloop.protocols.mbus.report import describe_wireless

            key = read_hex(options.key, "key") if options.key else None
            return describe_wireless(data, key, options.format)
        case "cjt188":
            from heatloop.protocols.cjt188 import report
            from heatloop.protocols.cjt188.profiles import profile

            return report.describe(data, profile(options.profile) if options.profile else None)
        case "dlt645":
            from heatloop.protocols.dlt645.report import describe

            return describe(data)
        case "iec104":
            from heatloop.protocols.iec104.report import describe

            return describe(data)
        case _:
            from heatloop.protocols.sparkplug.report import describe

            return describe(data)


def run(options: argparse.Namespace) -> int:
    """Print what the bytes say.

    Raises:
        InputError: They are damaged, or the options do not fit.
    """
    frames = _describe(options, _data(options))
    found = {"protocol": options.protocol, "frames": frames}
    indent = None if options.json else 2
    print(json.dumps(found, ensure_ascii=False, allow_nan=False, indent=indent))
    return 0
