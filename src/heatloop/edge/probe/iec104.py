"""IEC 60870-5-104: what a station answers to a general and a counter interrogation.

::

    iec104://192.168.1.30:2404?station=1&wait=5

Without `station` the broadcast address is asked first, which every station must answer; `wait` is
how long values may take to come (s).
"""

from __future__ import annotations

import asyncio

from heatloop.edge.probe.model import Offer, Progress, Report, Target
from heatloop.kernel.errors import InputError, LinkError
from heatloop.protocols.iec104.asdu import (
    GLOBAL_ADDRESS,
    TERMINATED,
    UNKNOWN_TYPE,
    Asdu,
    type_kinds,
)
from heatloop.protocols.iec104.commands import COMMANDS, interrogate, interrogate_counters
from heatloop.protocols.iec104.link import Link
from heatloop.protocols.iec104.link_events import Arrived, Broken, Refused, Started

_MONITORED = 44
_CHUNK = 65536
_MOST_POINTS = 20_000


class _Conversation:
    """One connection, from STARTDT to the end of the interrogations."""

    def __init__(self, target: Target, progress: Progress) -> None:
        self._target, self._progress = target, progress
        self._link = Link(controlling=True, now_s=self._now())
        self.found: dict[tuple[int, int, int], tuple[Asdu, int]] = {}
        self.refused = 0
        self.ended: set[int] = set()
        self.negative: list[Asdu] = []
        self.started = False

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    async def run(self, station: int, wait_s: float) -> None:
        """Interrogate and collect until both interrogations ended, or nothing more comes."""
        target = self._target
        async with asyncio.timeout(target.timeout_s + 2.0):
            reader, writer = await asyncio.open_connection(target.host, target.port)
        try:
            self._link.start(self._now())
            asked = [interrogate(station), interrogate_counters(station)]
            begun = last = self._now()
            while self._now() - last < wait_s and self._now() - begun < 20 * wait_s:
                if self.started and asked:
                    self._link.send(asked.pop(0), self._now())
                writer.write(self._link.output())
                await writer.drain()
                self._progress(min((self._now() - last) / wait_s, 0.99), f"{len(self.found)}")
                try:
                    async with asyncio.timeout(0.2):
                        data = await reader.read(_CHUNK)
                except TimeoutError:
                    self._link.tick(self._now())
                    continue
                if not data:
                    break
                if self._take(data):
                    last = self._now()
                if len(self.ended) == 2 and not asked:
                    break
        finally:
            writer.close()

    def _take(self, data: bytes) -> bool:
        """Take what came; return whether it was part of the answer."""
        news = False
        for event in self._link.received(data, self._now()):
            match event:
                case Started():
                    self.started = news = True
                case Arrived(asdu=asdu):
                    news = True
                    self._hear(asdu)
                case Refused():
                    self.refused += 1
                case Broken(error=error):
                    raise error
                case _:
                    pass
        return news

    def _hear(self, asdu: Asdu) -> None:
        if asdu.type <= _MONITORED and len(self.found) < _MOST_POINTS:
            for index, point in enumerate(asdu.points):
                self.found[asdu.station, asdu.type, point.address] = asdu, index
        elif asdu.negative or asdu.cause >= UNKNOWN_TYPE:
            self.negative.append(asdu)
            self.ended.add(asdu.type)
        elif asdu.cause == TERMINATED:
            self.ended.add(asdu.type)


async def probe(target: Target, progress: Progress) -> Report:
    """Return every information object the station tells.

    Raises:
        InputError: An option does not fit, or the station refuses.
        LinkError: Nobody answers.
    """
    target.known("station", "wait")
    station = target.whole("station", GLOBAL_ADDRESS, 1, GLOBAL_ADDRESS)
    talk = _Conversation(target, progress)
    await talk.run(station, float(target.whole("wait", 3, 1, 60)))
    if not talk.started:
        fix = "is it IEC 104? Is another master connected, or our address not admitted?"
        raise LinkError("connected, but transfer is not started", thing=target.place, fix=fix)
    if not talk.found:
        fix = "give its common address with station=1, or wait=30"
        causes = ", ".join(f"cause {asdu.cause}" for asdu in talk.negative)
        raise InputError(f"station tells nothing {causes}".strip(), thing=target.place, fix=fix)
    report = Report(url=target.url, protocol="iec104")
    report.device = {"stations": " ".join(str(s) for s in sorted({key[0] for key in talk.found}))}
    several = len({key[0] for key in talk.found}) > 1
    for (common, type_id, address), (asdu, index) in sorted(talk.found.items()):
        point, kind = asdu.points[index], type_kinds()[type_id]
        where = f"station {common} " if several else ""
        report.offers.append(
            Offer(
                source=f"{type_id}:{address:X}H",
                label=f"{where}{kind.mnemonic} {kind.zh} {kind.en}",
                value=point.value,
                dtype=kind.mnemonic,
                quality=" ".join(point.quality) or "good",
            )
        )
    if talk.refused:
        report.notes.append(f"{talk.refused} messages cannot be read")
    commands = ", ".join(str(number) for number in sorted(COMMANDS))
    report.notes.append(f"set-points are not told by a station; command types: {commands}")
    return report
