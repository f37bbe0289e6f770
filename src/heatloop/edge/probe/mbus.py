"""M-Bus: the meters of a line by primary or secondary address, and all records of one.

::

    mbus://192.168.1.20:10001?primary=5              one meter
    mbus://192.168.1.20:10001?secondary=12345678     one meter by its number
    mbus://192.168.1.20:10001?scan=secondary         all meters (the usual)
    mbus://192.168.1.20:10001?scan=primary           all meters, addresses 1 to 250
    mbus:///dev/ttyS1?baud=2400&scan=secondary       serial
"""

from __future__ import annotations

from dataclasses import replace

from heatloop.edge.drivers.port import DamagedError
from heatloop.edge.probe.lines import OPTIONS, Talk
from heatloop.edge.probe.model import Offer, Progress, Report, Target
from heatloop.kernel.errors import InputError, LinkError
from heatloop.protocols.framing import whole
from heatloop.protocols.mbus.frames import (
    FCB,
    REQ_UD2,
    SELECTED,
    SND_NKE,
    Ack,
    Frame,
    Long,
    Short,
    encode_frame,
    take_frame,
)
from heatloop.protocols.mbus.header import Identity, Telegram, media, status_words
from heatloop.protocols.mbus.records import Record
from heatloop.protocols.mbus.session import (
    ANY_METER,
    read_out,
    read_out_selected,
    select_request,
)
from heatloop.protocols.mbus.telegram import decode_telegram

_TAKE = whole(take_frame)
_SCAN_S = 0.4
_DIGITS, _PRIMARIES = 8, range(1, 251)
_MOST_SELECTIONS = 3000
_ONLY_METER = 254


async def probe(target: Target, progress: Progress) -> Report:
    """Return the meters of the line, and the records of the one that is meant.

    Raises:
        InputError: An option does not fit, or a meter refuses.
        LinkError: Nobody answers.
    """
    target.known("primary", "secondary", "scan", *OPTIONS)
    report = Report(url=target.url, protocol="mbus")
    talk = Talk(target)
    try:
        if number := target.options.get("secondary", ""):
            telegrams = await _by_number(talk, number)
        elif "primary" in target.options:
            primary = target.whole("primary", 1, 0, 254)
            telegrams = await talk.session(read_out(primary), _TAKE)
        else:
            telegrams = await _scanned(talk, target, report, progress)
    except TimeoutError as error:
        fix = "check wiring, polarity and load of the converter, or scan=secondary"
        raise LinkError("meter does not answer", thing=target.place, fix=fix) from error
    finally:
        talk.close()
    _describe(report, telegrams)
    progress(1.0, "")
    return report


async def _by_number(talk: Talk, number: str) -> tuple[Telegram, ...]:
    if len(number) != _DIGITS or not set(number) <= set("0123456789F"):
        raise InputError("no meter number", thing=number, fix="give 8 digits")
    return await talk.session(read_out_selected(replace(ANY_METER, number=number)), _TAKE)


async def _scanned(
    talk: Talk, target: Target, report: Report, progress: Progress
) -> tuple[Telegram, ...]:
    scan = target.options.get("scan", "secondary")
    if scan not in ("primary", "secondary"):
        raise InputError("no such scan", thing=scan, fix="use scan=primary or scan=secondary")
    limit_s = talk.timeout_s if "timeout" in target.options else _SCAN_S
    base = target.url.partition("?")[0]
    if scan == "primary":
        answers = [p for p in _PRIMARIES if await _confirms(talk, p, limit_s, progress)]
        for primary in answers:
            report.found.append({"primary": str(primary), "url": f"{base}?primary={primary}"})
        if len(answers) == 1:
            return await talk.session(read_out(answers[0]), _TAKE)
    else:
        meters = await _Search(talk, limit_s, progress).run()
        for meter in meters:
            told = _identity(meter)
            report.found.append(told | {"url": f"{base}?secondary={meter.number}"})
        if len(meters) == 1:
            return await talk.session(read_out_selected(meters[0]), _TAKE)
    if not report.found:
        fix = "check wiring and the converter's load"
        if scan == "secondary":
            fix += "; older meters know primary addresses only: scan=primary"
        raise LinkError("no meter answers", thing=target.place, fix=fix)
    report.notes.append("ask one of the meters alone for its records")
    return ()


async def _confirms(talk: Talk, primary: int, limit_s: float, progress: Progress) -> bool:
    progress(primary / len(_PRIMARIES), f"address {primary}")
    request = encode_frame(Short(control=SND_NKE, address=primary))
    try:
        answer = await talk.ask(request, take_frame, timeout_s=limit_s)
    except TimeoutError:
        return False
    except DamagedError:
        return True  # two meters of one address speak at once
    return isinstance(answer, Ack)


def _alone(data: bytes) -> tuple[Frame, int] | None:
    """Return the frame that the bytes begin with and its end, None while it is incomplete.

    Raises:
        InputError: It is damaged, or another meter speaks as well.
    """
    found = take_frame(data)
    if found is not None and len(data) > found[1]:
        raise InputError("several meters answer", thing="M-Bus line")
    return found


class _Search:
    """Finds every meter by narrowing down numbers digit by digit where several answer."""

    def __init__(self, talk: Talk, limit_s: float, progress: Progress) -> None:
        self._talk, self._limit_s, self._progress = talk, limit_s, progress
        self._asked = 0
        self._found: dict[Identity, None] = {}

    async def run(self) -> list[Identity]:
        """Return the secondary addresses of all meters."""
        await self._below("", 0.0, 1.0)
        return list(self._found)

    async def _below(self, head: str, start: float, share: float) -> None:
        number = head + "F" * (_DIGITS - len(head))
        self._progress(start, f"number {number}")
        several = await self._selected(number)
        if not several or len(head) == _DIGITS or self._asked >= _MOST_SELECTIONS:
            return
        for digit in range(10):
            await self._below(f"{head}{digit}", start + share * digit / 10, share / 10)

    async def _selected(self, number: str) -> bool:
        """Return whether several meters fit a number; one alone is noted."""
        self._asked += 1
        wanted = replace(ANY_METER, number=number)
        try:
            await self._talk.ask(
                encode_frame(select_request(wanted)), _alone, timeout_s=self._limit_s
            )
        except TimeoutError:
            return False
        except DamagedError:
            return True
        request = encode_frame(Short(control=REQ_UD2 | FCB, address=SELECTED))
        try:
            answer = await self._talk.ask(request, _alone)
            if isinstance(answer, Long):
                identity = decode_telegram(answer).identity
                if identity is not None:
                    self._found[identity] = None
        except (InputError, DamagedError, TimeoutError):
            return True
        return False


def _identity(meter: Identity) -> dict[str, str]:
    _, zh, en = media().get(meter.medium, ("", "未知", "unknown"))
    return {
        "number": meter.number,
        "manufacturer": meter.manufacturer,
        "version": str(meter.version),
        "medium": f"{zh} {en}",
    }


def _describe(report: Report, telegrams: tuple[Telegram, ...]) -> None:
    if not telegrams:
        return
    first = telegrams[0]
    if first.identity is not None:
        report.device = _identity(first.identity)
    flags = [word for each in telegrams for word in status_words(each.status)]
    if flags:
        report.device["status"] = " ".join(dict.fromkeys(flags))
    seen: dict[str, int] = {}
    for record in (record for each in telegrams for record in each.records.records):
        source = source_of(record)
        count = seen[source] = seen.get(source, 0) + 1
        quantity = record.vib.quantity
        report.offers.append(
            Offer(
                source=f"{source} n={count}" if count > 1 else source,
                label=f"{quantity.zh} {quantity.en}",
                value=record.value,
                unit=record.unit,
            )
        )


def source_of(record: Record) -> str:
    """Return what a profile calls a record, see `protocols.mbus.selection`."""
    words = [record.quantity]
    for name in ("storage", "tariff", "subunit"):
        number = getattr(record, name)
        if number:
            words.append(f"{name}={number}")
    if record.function != "instantaneous":
        words.append(f"function={record.function}")
    words += [f"modifier={each.name}" for each in record.vib.modifiers[:1]]
    return " ".join(words)
