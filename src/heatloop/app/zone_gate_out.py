"""The customer zone's end of the reverse gate: records into signed files, nothing back.

What is handed in is written down first, then sent in batches of a file; whether the control zone
took it, this zone learns only from what the feed says later.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog

from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.views.zones import CarrierView, StreamView
from heatloop.app.zone_keys import ZoneKeys
from heatloop.app.zone_model import ZoneModel
from heatloop.app.zone_settings import ZoneSettings
from heatloop.bridge.feed_files import DropWriter, file_name
from heatloop.bridge.feed_frame import DELTA, GATE, GENESIS, Head, batch_hash, make_batch
from heatloop.bridge.feed_schema import FeedRefused, check_record
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import HeatloopError
from heatloop.kernel.ids import new_id
from heatloop.store.records import Records

_log = structlog.get_logger("heatloop.zones")
_LOOK_S = 1.0
_MOST_A_BATCH = 1000
MOST_WAITING = 50_000
WAITING, SENT = "waiting", "sent"


class GateOut:
    """Sends what is allowed back to the control zone.

    Args:
        model: Plant time, places.
        records: Keeps what is sent.
        keys: Keys of the pair.
        settings: The folder.
    """

    def __init__(
        self, model: ZoneModel, records: Records, keys: ZoneKeys, settings: ZoneSettings
    ) -> None:
        self._model, self._records, self._keys = model, records, keys
        self._settings = settings
        self._writer = DropWriter(
            Path(settings.gate_folder), settings.kept_files, settings.kept_mb * 2**20
        )
        self._epoch, self._seq, self._previous = secrets.token_hex(8), 0, GENESIS
        self._wake = asyncio.Event()
        self._failed = ""
        self._batches, self._sent, self._last_s = 0, 0, 0.0

    async def hand_in(self, kind: str, records: Sequence[dict[str, Any]]) -> list[str]:
        """Take records in and return their ids.

        Raises:
            Refused: One is not of the schema, or too many wait.
        """
        made = []
        for record in records:
            full = {**record, "kind": kind, "id": new_id(machine_s())}
            try:
                made.append(check_record(GATE, full))
            except FeedRefused as error:
                raise Refused("invalid", thing=kind, detail=error.message) from error
        total, _ = await in_thread(self._records.zones.records, state=WAITING, limit=1)
        if total + len(made) > MOST_WAITING:
            raise Refused("unavailable", thing="gate", detail=f"{total} records wait")
        rows = [(record, WAITING, "") for record in made]
        await in_thread(self._records.zones.add_records, rows, at=machine_s())
        self._wake.set()
        return [record["id"] for record in made]

    async def run(self) -> None:
        """Write what waits into files until cancelled."""
        while True:
            try:
                more = await self._send()
                if self._failed:
                    _log.info("gate folder works again")
                self._failed = ""
            except (HeatloopError, OSError) as error:
                more = False
                if not self._failed:
                    _log.error("gate folder failed", error=str(error))
                self._failed = str(error)
                await asyncio.sleep(5.0)
            if not more:
                self._wake.clear()
                try:
                    async with asyncio.timeout(_LOOK_S):
                        await self._wake.wait()
                except TimeoutError:
                    pass

    async def _send(self) -> bool:
        """Send what waits, at most a batch; return whether more waits."""
        zones = self._records.zones
        total, rows = await in_thread(
            zones.records, state=WAITING, oldest_first=True, limit=_MOST_A_BATCH
        )
        if not rows:
            return False
        state = self._model.clock.state
        head = Head(
            stream=GATE,
            epoch=self._epoch,
            seq=self._seq + 1,
            kind=DELTA,
            previous=self._previous,
            issued_s=machine_s(),
            plant_s=max(0.0, self._model.world.now_s()),
            speed=state.speed,
        )
        blob = await asyncio.to_thread(
            make_batch,
            head,
            [row.body for row in rows],
            signer=self._keys.signing,
            seal_key=self._keys.seal_key,
            suite=self._keys.suite,
        )
        await asyncio.to_thread(self._writer.write, file_name(head), blob)
        # A kill between the two sends them again; the control zone knows records by their id.
        self._seq, self._previous = head.seq, batch_hash(blob)
        await in_thread(zones.set_state, [row.record for row in rows], SENT)
        self._batches += 1
        self._sent += len(rows)
        self._last_s = machine_s()
        return total > len(rows)

    def view(self) -> StreamView:
        """Return how the way back stands."""
        return StreamView(
            name=GATE,
            role="sends",
            set_up=True,
            age_s=round(machine_s() - self._last_s, 1) if self._last_s else None,
            silent=False,
            delay_s=None,
            batches=self._batches,
            records=self._sent,
            refused=0,
            gaps=0,
            carriers=[CarrierView(name="file", ok=not self._failed, detail=self._failed)],
        )
