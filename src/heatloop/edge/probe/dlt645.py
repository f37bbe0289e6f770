"""DL/T 645-2007: the address of an electricity meter, and the values it has.

::

    dlt645://192.168.1.20:10001                       the only meter of the line
    dlt645://192.168.1.20:10001?address=000012345678
"""

from __future__ import annotations

from heatloop.edge.drivers.port import DamagedError
from heatloop.edge.probe.lines import OPTIONS, Talk
from heatloop.edge.probe.model import Offer, Progress, Report, Target
from heatloop.kernel.errors import InputError, LinkError
from heatloop.protocols.dlt645.frames import decode_frame, encode_frame, take_frame
from heatloop.protocols.dlt645.messages import decode_message, read_address
from heatloop.protocols.dlt645.session import read_out
from heatloop.protocols.dlt645.values import single_kinds
from heatloop.protocols.framing import whole

_WAKE_UP, _DIGITS = 4, 12
_TAKE = whole(take_frame)
_SILENT_STOP = 3


async def probe(target: Target, progress: Progress) -> Report:
    """Return the meter's address and every value it answers with.

    Raises:
        InputError: An option does not fit.
        LinkError: Nobody answers.
    """
    target.known("address", *OPTIONS)
    address = target.options.get("address", "")
    if address and not (len(address) == _DIGITS and address.isdecimal()):
        raise InputError("no meter address", thing=address, fix="give 12 digits")
    talk = Talk(target)
    try:
        address = address or await _address(talk, target)
        report = Report(url=target.url, protocol="dlt645", device={"address": address})
        await _values(talk, address, report, progress)
    finally:
        talk.close()
    if not report.offers:
        fix = "check the address"
        raise LinkError("meter gives no value", thing=address, fix=fix)
    progress(1.0, "")
    return report


async def _address(talk: Talk, target: Target) -> str:
    request = encode_frame(read_address(), _WAKE_UP)
    try:
        found = decode_message(await talk.ask(request, take_frame, lambda f: f.is_reply))
    except (TimeoutError, DamagedError) as error:
        fix = "check wiring, baud and parity; with several meters on the line give address="
        raise LinkError("no meter tells its address", thing=target.place, fix=fix) from error
    if found.address is None:
        raise InputError("meter does not tell its address", thing=target.place)
    return found.address


async def _values(talk: Talk, address: str, report: Report, progress: Progress) -> None:
    def mine(data: bytes) -> bool:
        frame = decode_frame(data)
        return frame.is_reply and frame.address == address

    wanted = list(single_kinds().items())
    silent = refused = 0
    for number, (name, kind) in enumerate(wanted):
        progress(number / len(wanted), name)
        try:
            message = await talk.session(read_out(address, kind.first), _TAKE, mine)
            silent = 0
        except InputError:
            refused += 1
            continue
        except (TimeoutError, DamagedError):
            silent += 1
            if silent >= _SILENT_STOP:
                report.notes.append(f"left out from {name} on: no answer {silent} times")
                break
            continue
        for each in message.values[:1]:
            report.offers.append(
                Offer(source=name, label=f"{kind.zh} {kind.en}", value=each.value, unit=kind.unit)
            )
    if refused:
        report.notes.append(f"{refused} values are not offered")
