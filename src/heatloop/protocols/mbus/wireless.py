"""Wireless M-Bus telegrams, plain or encrypted with AES-128 (mode 5).

Mode 5 is AES-128 in CBC mode. Its first block is the sender's address and eight times the
access number; the plain text begins with `2F 2F`, which proves the key. The configuration field
tells the mode (bits 8 to 12) and the number of encrypted 16-byte blocks (bits 4 to 7); what
follows them is plain.

Reference: EN 13757-7:2018 7.6 (security mode 5), OMS specification volume 2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from heatloop.kernel.errors import InputError
from heatloop.protocols.cursor import Cursor, refusal
from heatloop.protocols.mbus.header import (
    CI_ERROR,
    CI_LONG,
    CI_SHORT,
    Identity,
    Telegram,
    take_identity,
)
from heatloop.protocols.mbus.radio_link import (
    FORMAT_A,
    SND_NR,
    THING,
    RadioFrame,
    decode_radio,
    encode_radio,
    radio_address,
)
from heatloop.protocols.mbus.records import encode_records
from heatloop.protocols.mbus.telegram import (
    application_error,
    encode_header,
    open_header,
    with_records,
)

MODE_PLAIN, MODE_AES_CBC = 0, 5
_ELL_SHORT, _ELL_ENCRYPTED, _ELL_LONG, _ELL_LONG_ENCRYPTED = 0x8C, 0x8D, 0x8E, 0x8F
_KEY_BYTES, _BLOCK = 16, 16
_PROOF = b"\x2f\x2f"
_CONTENT_AT = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class RadioTelegram:
    """What a radio meter sent."""

    sender: Identity
    """Who sent it; a repeater or converter may stand between it and `telegram.identity`."""
    control: int
    """C field."""
    telegram: Telegram
    """What it says."""
    encrypted: bool
    """Whether the records came encrypted."""


def _cipher(key: bytes, identity: Identity, access: int) -> Cipher[modes.CBC]:
    if len(key) != _KEY_BYTES:
        raise InputError(
            f"an AES-128 key has 16 bytes, not {len(key)}", thing="key", fix="give 32 hex digits"
        )
    start = radio_address(identity) + bytes((access,)) * 8
    return Cipher(algorithms.AES(key), modes.CBC(start))


def _strip_extension(content: bytes) -> tuple[bytes, int]:
    """Return the content after an extended link layer, and where it begins in the frame."""
    cursor = Cursor(content, THING, _CONTENT_AT)
    ci = cursor.byte("CI")
    if ci in {_ELL_ENCRYPTED, _ELL_LONG_ENCRYPTED}:
        raise cursor.refuse(f"link-layer encryption (CI {ci:02X}) is not supported", 1)
    if ci == _ELL_SHORT:
        cursor.take(2, "extended link layer")
    elif ci == _ELL_LONG:
        cursor.take(10, "extended link layer")
    else:
        return content, _CONTENT_AT
    place = cursor.place
    return cursor.rest(), place


def decode_wireless(data: bytes, key: bytes | None = None, form: str = "") -> RadioTelegram:
    """Return what a radio frame says.

    Args:
        data: The frame, from its length byte on.
        key: 16 bytes, needed if it is encrypted.
        form: Frame format, see `decode_radio`.

    Raises:
        InputError: The frame or a record is damaged, the key is missing or wrong, or the
            encryption mode is another.
    """
    frame = decode_radio(data, form)
    content, base = _strip_extension(frame.content)
    ci = Cursor(content, THING, base).byte("CI")
    if ci == CI_ERROR:
        raise application_error(content[1:])
    telegram, body = open_header(ci, content[1:], base + 1)
    at = base + len(content) - len(body)
    owner = telegram.identity or frame.sender
    mode = telegram.config >> 8 & 0x1F if ci in {CI_LONG, CI_SHORT} else MODE_PLAIN
    if mode == MODE_AES_CBC:
        body = _decrypted(body, telegram, owner, key, at)
    elif mode != MODE_PLAIN:
        raise refusal(f"encryption mode {mode} is not supported", THING, at - 1, "use mode 0 or 5")
    return RadioTelegram(
        sender=frame.sender,
        control=frame.control,
        telegram=replace(with_records(telegram, body, at), identity=owner),
        encrypted=mode == MODE_AES_CBC,
    )


def _decrypted(
    body: bytes, telegram: Telegram, owner: Identity, key: bytes | None, at: int
) -> bytes:
    size = (telegram.config >> 4 & 0x0F) * _BLOCK
    if size == 0:
        return body
    if size > len(body):
        raise refusal(f"{size} encrypted bytes announced, {len(body)} came", THING, at)
    if key is None:
        raise refusal("the records are encrypted (mode 5)", THING, at, "give the meter's key")
    reader = _cipher(key, owner, telegram.access).decryptor()
    plain = reader.update(body[:size]) + reader.finalize()
    if plain[:2] != _PROOF:
        raise refusal("the key does not fit this meter", THING, at, "check the meter's key")
    return plain + body[size:]


def encode_wireless(
    telegram: Telegram,
    sender: Identity,
    key: bytes | None = None,
    *,
    form: str = FORMAT_A,
    control: int = SND_NR,
) -> bytes:
    """Return the radio frame of a telegram.

    Args:
        telegram: What to say; CI 72 names its own meter, CI 7A is about the sender.
        sender: Who sends.
        key: 16 bytes to encrypt with (mode 5); None: plain. The configuration field's mode and
            length are set accordingly.
        form: Frame format, see `encode_radio`.
        control: C field.

    Raises:
        InputError: A part does not fit, or the telegram is too long.
    """
    body = encode_records(telegram.records)
    config = telegram.config & ~0x1FF0
    if key is not None:
        if telegram.ci not in {CI_LONG, CI_SHORT}:
            raise InputError("only CI 72 and 7A can be encrypted", thing=f"CI {telegram.ci:02X}")
        body = _PROOF + body
        body += b"\x2f" * (-len(body) % _BLOCK)
        if len(body) > 15 * _BLOCK:
            raise InputError("too long for mode 5", thing="wireless M-Bus telegram")
        config |= MODE_AES_CBC << 8 | len(body) // _BLOCK << 4
        owner = telegram.identity if telegram.ci == CI_LONG else sender
        writer = _cipher(key, owner or sender, telegram.access).encryptor()
        body = writer.update(body) + writer.finalize()
    header = encode_header(replace(telegram, config=config))
    frame = RadioFrame(
        control=control, sender=sender, content=bytes((telegram.ci,)) + header + body
    )
    return encode_radio(frame, form)


def sender_of(data: bytes) -> Identity:
    """Return who sent a frame, read before anything is checked (to look up its key).

    Raises:
        InputError: It is too short to say.
    """
    cursor = Cursor(data, THING)
    cursor.take(2, "length and control")
    packed = cursor.take(8, "sender")
    return take_identity(Cursor(packed[2:6] + packed[:2] + packed[6:], THING))
