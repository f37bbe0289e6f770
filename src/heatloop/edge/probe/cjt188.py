"""CJ/T 188: the address of a meter, and what it says under every layout that fits.

::

    cjt188://192.168.1.20:10001                          the only meter of the line
    cjt188://192.168.1.20:10001?address=00112233445566&type=20&order=low

`type` is the kind of meter in hexadecimal (AA: any), `order` that of the data identifier; without
it both are tried. Makers lay out their answers differently: every layout of the right length is
shown, the one whose values make sense is chosen by people.
"""

from __future__ import annotations

from heatloop.edge.drivers.port import DamagedError
from heatloop.edge.probe.lines import OPTIONS, Talk
from heatloop.edge.probe.model import Offer, Progress, Report, Target
from heatloop.kernel.errors import InputError, LinkError
from heatloop.protocols.cjt188.answers import (
    HIGH_FIRST,
    LOW_FIRST,
    Message,
    decode_message,
    read_address,
    request,
)
from heatloop.protocols.cjt188.frames import ANY_ADDRESS, Frame, encode_frame, take_frame
from heatloop.protocols.cjt188.profiles import profiles

_WAKE_UP, _DIGITS = 3, 14
_ANY_TYPE = "AA"


async def probe(target: Target, progress: Progress) -> Report:
    """Return the meter's address and the values of its answer.

    Raises:
        InputError: An option does not fit, or the meter refuses.
        LinkError: Nobody answers.
    """
    target.known("address", "type", "order", *OPTIONS)
    address = target.options.get("address", "")
    if address and not (len(address) == _DIGITS and address.isdecimal()):
        raise InputError("no meter address", thing=address, fix="give 14 digits")
    orders = {"low": (LOW_FIRST,), "high": (HIGH_FIRST,), "": (LOW_FIRST, HIGH_FIRST)}
    order = target.options.get("order", "")
    if order not in orders:
        raise InputError("no such order", thing=order, fix="use order=low or order=high")
    try:
        meter = int(target.options.get("type", _ANY_TYPE), 16)
    except ValueError as error:
        fix = "use 2 hexadecimal digits, 20 for a heat meter"
        raise InputError("no such type", thing=target.options["type"], fix=fix) from error
    talk = Talk(target)
    try:
        for number, each in enumerate(orders[order]):
            progress(number / 2, f"order {each}")
            report = await _read(talk, target, meter, address, each)
            if report is not None:
                progress(1.0, "")
                return report
    finally:
        talk.close()
    fix = "check wiring, baud and parity; with several meters on the line give address="
    raise LinkError("no meter answers", thing=target.place, fix=fix)


async def _ask(talk: Talk, asked: Frame) -> Frame | None:
    try:
        return await talk.ask(encode_frame(asked, _WAKE_UP), take_frame, lambda f: f.is_reply)
    except (TimeoutError, DamagedError):
        return None


async def _read(talk: Talk, target: Target, meter: int, address: str, order: str) -> Report | None:
    if not address:
        told = await _ask(talk, read_address(meter, order=order))
        if told is not None:
            address, meter = told.address, told.type
    answer = await _ask(talk, request(meter, address or ANY_ADDRESS, serial=1, order=order))
    if answer is None:
        return None
    report = Report(url=target.url, protocol="cjt188")
    report.device = {"address": answer.address, "type": f"{answer.type:02X}", "order": order}
    messages = _layouts(answer)
    if not messages:
        plain = decode_message(answer)
        said = plain.abnormal or plain.data.hex().upper()
        report.notes.append(f"no layout fits; the meter says {said}")
    for message in messages:
        assert message.profile is not None
        for each in message.values:
            report.offers.append(
                Offer(
                    source=f"{message.profile.name}.{each.field.name}",
                    label=f"{each.field.zh} {each.field.en}",
                    value=each.value,
                    unit=each.unit,
                )
            )
    return report


def _layouts(answer: Frame) -> list[Message]:
    """Return what the answer says under every layout it fits."""
    found = []
    for layout in profiles().values():
        if answer.is_abnormal or answer.type not in layout.types:
            continue
        try:
            message = decode_message(answer, layout)
        except InputError:
            continue
        if message.values and message.identifier in layout.identifiers:
            found.append(message)
    return found
