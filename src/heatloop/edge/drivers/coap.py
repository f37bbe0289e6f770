"""Room collectors report by themselves: a CoAP server that answers once a report is fsynced.

`POST /report` with a `protocols.room_report`. 2.04: kept (or kept before). 4.00: damaged.
4.03: unknown collector. 4.09: its counter was used before. 5.03: no room, try again.
Reports that wait are spooled together, so thousands of collectors share an fsync.

Reference: RFC 7252.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from aiocoap import Context, Message, numbers
from aiocoap.resource import Resource, Site
from structlog.typing import FilteringBoundLogger

from heatloop.edge.report_book import ReportBook, Verdict
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.errors import HeatloopError, InputError
from heatloop.protocols.room_report import RoomReport, decode_report

_LOG: FilteringBoundLogger = structlog.get_logger(__name__)
_CODES = numbers.codes
# The library's usual UDP transport (udp6) goes deaf on uvloop once an answer meets a closed port;
# this one does not, and it listens on UDP alone.
_TRANSPORT = "simplesocketserver"
_ANSWERS = {
    Verdict.NEW: _CODES.CHANGED,
    Verdict.KEPT: _CODES.CHANGED,
    Verdict.UNKNOWN: _CODES.FORBIDDEN,
    Verdict.TIME: _CODES.BAD_REQUEST,
    Verdict.REPLAYED: _CODES.CONFLICT,
}
Keep = Callable[[SampleBatch], Awaitable[None]]


class CollectorServer(Resource):  # type: ignore[misc]
    """The `/report` resource and its group commit.

    Args:
        book: Which reports are new.
        keep: Spools a batch; returns when it is fsynced.
        now_s: Plant time.
    """

    def __init__(self, book: ReportBook, keep: Keep, now_s: Callable[[], float]) -> None:
        super().__init__()
        self._book, self._keep, self._now_s = book, keep, now_s
        self._waiting: list[tuple[RoomReport, asyncio.Future[Any]]] = []
        self._wake = asyncio.Event()
        self._context: Context | None = None

    async def start(self, host: str, port: int) -> None:
        """Begin to listen.

        Raises:
            OSError: The port is taken.
        """
        site = Site()
        site.add_resource(["report"], self)
        self._context = await Context.create_server_context(
            site, bind=(host, port), transports=[_TRANSPORT]
        )

    async def stop(self) -> None:
        """Stop listening."""
        if self._context is not None:
            await self._context.shutdown()

    async def render_post(self, request: Message) -> Message:
        """Answer one report."""
        try:
            report = decode_report(bytes(request.payload))
        except InputError as error:
            return Message(code=_CODES.BAD_REQUEST, payload=error.message.encode())
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((report, answer))
        self._wake.set()
        return Message(code=await answer)

    async def run(self) -> None:
        """Spool reports group by group, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            group, self._waiting = self._waiting, []
            await self._commit(group)

    async def _commit(self, group: Sequence[tuple[RoomReport, asyncio.Future[Any]]]) -> None:
        now_s = self._now_s()
        batch = SampleBatch()
        answers: list[tuple[asyncio.Future[Any], Any]] = []
        for report, answer in group:
            verdict = self._book.verdict(report, now_s)
            if verdict is Verdict.NEW:
                for key, slot, value in self._book.samples(report):
                    batch.append(key, slot, value)
                self._book.accept(report)
            answers.append((answer, _ANSWERS[verdict]))
        if any(code is _CODES.CHANGED for _, code in answers):
            try:
                if len(batch):
                    await self._keep(batch)
                await asyncio.to_thread(self._book.save)
            except (HeatloopError, OSError) as error:
                _LOG.warning("reports cannot be kept", reason=str(error), count=len(group))
                self._book.undo()
                answers = [(answer, _CODES.SERVICE_UNAVAILABLE) for answer, _ in answers]
        for answer, code in answers:
            if not answer.done():
                answer.set_result(code)
