"""Talking to wired meters: reading everything, and finding meters by their secondary address.

A master is a generator: it yields bytes to send and takes the bytes of the answer (empty: no
answer came in time). Whoever owns the wire runs it::

    task = read_out(5)
    request = next(task)
    while True:
        request = task.send(exchange(request))   # StopIteration.value: the telegrams

A meter is a `Meter`: bytes of a request in, bytes of the answer (or none) out.

Reference: EN 13757-2:2018 5.7, EN 13757-3:2018 11 (secondary addressing).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Protocol

from heatloop.kernel.errors import InputError, LinkError
from heatloop.protocols.cursor import Cursor
from heatloop.protocols.mbus.frames import (
    FCB,
    REQ_UD2,
    SELECTED,
    SND_NKE,
    SND_UD,
    TEST,
    Ack,
    Long,
    Short,
    decode_frame,
    encode_frame,
)
from heatloop.protocols.mbus.header import Identity, Telegram, pack_identity, take_identity
from heatloop.protocols.mbus.telegram import decode_telegram, encode_telegram

CI_SELECT = 0x52
WILD_MANUFACTURER, WILD_BYTE = "FFFF", 0xFF
ANY_METER = Identity(
    number="FFFFFFFF", manufacturer=WILD_MANUFACTURER, version=WILD_BYTE, medium=WILD_BYTE
)
"""A selection that every meter fits."""
MAX_TELEGRAMS = 64
_FUNCTION = 0x0F
_REQ = 0x0B
_NKE = 0x40
Exchange = Generator[bytes, bytes, "tuple[Telegram, ...]"]


def select_request(identity: Identity) -> Long:
    """Return the request that selects the meters with this secondary address.

    Args:
        identity: The address; digits F of the number, manufacturer FFFF and version and medium
            255 fit every meter.

    Raises:
        InputError: A part of the address does not fit.
    """
    data = pack_identity(identity)
    return Long(control=SND_UD, address=SELECTED, ci=CI_SELECT, data=data)


def matches(wanted: Identity, meter: Identity) -> bool:
    """Return whether a meter fits a selection."""
    numbers = zip(wanted.number.rjust(8, "0"), meter.number.rjust(8, "0"), strict=True)
    return (
        all(digit in {"F", own} for digit, own in numbers)
        and wanted.manufacturer in {WILD_MANUFACTURER, meter.manufacturer}
        and wanted.version in {WILD_BYTE, meter.version}
        and wanted.medium in {WILD_BYTE, meter.medium}
    )


def _expect_ack(answer: bytes, thing: str) -> None:
    if not answer:
        raise LinkError("meter does not answer", thing=thing, fix="check wiring and address")
    if not isinstance(decode_frame(answer), Ack):
        raise InputError("meter does not confirm with E5", thing=thing)


def read_out(address: int, *, reset: bool = True) -> Exchange:
    """Read everything a meter has, telegram after telegram while it says that more follow.

    Args:
        address: Primary address; 253 after a selection.
        reset: Whether to begin with SND_NKE, which some meters do not confirm.

    Returns:
        A generator as above; it ends with the telegrams.

    Raises:
        InputError: An answer is damaged or of the wrong kind.
        LinkError: The meter does not answer.
    """
    thing = f"M-Bus address {address}"
    if address != SELECTED and reset:
        _expect_ack((yield encode_frame(Short(control=SND_NKE, address=address))), thing)
    found: list[Telegram] = []
    control = REQ_UD2 | FCB
    while len(found) < MAX_TELEGRAMS:
        answer = yield encode_frame(Short(control=control, address=address))
        if not answer:
            raise LinkError("meter does not answer", thing=thing, fix="check wiring and address")
        frame = decode_frame(answer)
        if not isinstance(frame, Long):
            raise InputError("meter answers without data", thing=thing)
        found.append(decode_telegram(frame))
        if not found[-1].records.more_follow:
            return tuple(found)
        control ^= FCB
    raise InputError(f"more than {MAX_TELEGRAMS} telegrams", thing=thing, fix="check the meter")


def read_out_selected(identity: Identity) -> Exchange:
    """Select a meter by its secondary address and read everything it has.

    Args:
        identity: Its address.

    Returns:
        A generator as above; it ends with the telegrams.

    Raises:
        InputError: An answer is damaged, of the wrong kind, or from another meter.
        LinkError: The meter does not answer.
    """
    _expect_ack((yield encode_frame(select_request(identity))), f"M-Bus meter {identity.number}")
    found = yield from read_out(SELECTED)
    owner = found[0].identity
    if owner is not None and not matches(identity, owner):
        raise InputError(f"meter {owner.number} answers instead", thing=identity.number)
    return found


class Telegrams(Protocol):
    """What a meter answers, in order: a list, or something that makes it when it is asked."""

    def __len__(self) -> int:
        """How many telegrams there are."""

    def __getitem__(self, number: int, /) -> Telegram:
        """Return one of them as it is sent now."""


@dataclass(kw_only=True, slots=True)
class Meter:
    """The meter's side of the wire."""

    address: int
    """Primary address."""
    identity: Identity
    """Secondary address."""
    telegrams: Telegrams
    """What it answers, in order; all but the last should say that more follow."""
    _selected: bool = field(default=False, init=False)
    _at: int = field(default=0, init=False)
    _last_fcb: int | None = field(default=None, init=False)

    def answer(self, request: bytes) -> bytes:
        """Return the answer to a request, empty if it is for others or damaged.

        Raises:
            InputError: The meter's own telegram does not fit a frame.
        """
        try:
            frame = decode_frame(request)
        except InputError:
            return b""
        if isinstance(frame, Long):
            return self._select(frame)
        if isinstance(frame, Ack) or not self._is_mine(frame.address):
            return b""
        if frame.control == _NKE:
            self._at, self._last_fcb = 0, None
            if frame.address == SELECTED:
                self._selected = False
            return encode_frame(Ack())
        if frame.control & _FUNCTION != _REQ or not self.telegrams:
            return b""
        fcb = frame.control & FCB
        if self._last_fcb is not None and fcb != self._last_fcb:
            self._at = (self._at + 1) % len(self.telegrams)
        self._last_fcb = fcb
        return encode_frame(encode_telegram(self.telegrams[self._at], self.address))

    def _is_mine(self, address: int) -> bool:
        return address in {self.address, TEST} or (address == SELECTED and self._selected)

    def _select(self, frame: Long) -> bytes:
        if frame.ci != CI_SELECT or frame.address != SELECTED or len(frame.data) < 8:
            return b""
        wanted = take_identity(Cursor(frame.data, "M-Bus selection"))
        self._selected = matches(wanted, self.identity)
        self._at, self._last_fcb = 0, None
        return encode_frame(Ack()) if self._selected else b""
