"""Reading a DL/T 645-2007 meter: one question, as many answers as it takes."""

from __future__ import annotations

from collections.abc import Generator

from heatloop.kernel.errors import InputError, LinkError
from heatloop.protocols.dlt645.frames import decode_frame, encode_frame
from heatloop.protocols.dlt645.messages import MAX_PARTS, Message, decode_message, read
from heatloop.protocols.dlt645.values import decode_values, kind_of


def read_out(address: str, identifier: int, wake_up: int = 4) -> Generator[bytes, bytes, Message]:
    """Read a value, part after part while the meter says that more follow.

    Args:
        address: 12 digits.
        identifier: Data identifier.
        wake_up: How many FE bytes to send before a question.

    Returns:
        A generator that yields requests, takes answers (empty: none came) and ends with what
        the meter said.

    Raises:
        InputError: An answer is damaged, refuses, or belongs to another question.
        LinkError: The meter does not answer.
    """
    data = b""
    for part in range(MAX_PARTS):
        reply = yield encode_frame(read(address, identifier, part or None), wake_up)
        if not reply:
            raise LinkError("meter does not answer", thing=address, fix="check wiring and address")
        found = decode_message(decode_frame(reply))
        if found.errors:
            raise InputError(f"meter refuses: {', '.join(found.errors)}", thing=address)
        if found.identifier != identifier or (found.sequence or 0) != part:
            raise InputError("meter answers another question", thing=address)
        data += found.data
        if not found.frame.more_follow:
            kind = kind_of(identifier)
            values = decode_values(kind, data) if kind and data else ()
            return Message(
                frame=found.frame, identifier=identifier, kind=kind, values=values, data=data
            )
    raise InputError(f"more than {MAX_PARTS} parts", thing=address)
