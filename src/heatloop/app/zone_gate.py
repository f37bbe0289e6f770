"""The reverse gate: signed records of a closed list, judged one by one, never a command.

An operator, or a diode the other way round, puts files into a folder; there is no network route.
Whatever a record asks for is kept as a record: a forecast beside other forecasts, a reading of a
point nobody measures, a wish for the arbiter. What is refused is counted and audited.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from heatloop.app.audit import Audit
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.live import Hub
from heatloop.app.world import World
from heatloop.app.zone_events import GATE_REFUSED, ZoneEvents
from heatloop.app.zone_settings import ZoneSettings
from heatloop.app.zone_wishes import Wishes
from heatloop.bridge.feed_frame import Batch
from heatloop.bridge.feed_schema import FeedRefused, check_record
from heatloop.kernel.clock import machine_s
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.plant.kinds import point_kinds
from heatloop.store.records import Records

GATE_USER = "zone-gate"
READABLE = frozenset(("room_temperature", "outdoor_temperature", "outdoor_humidity"))
"""Kinds of points a reading may come for."""
_MOST_RECORDS = 10_000
_AHEAD_S, _LATE_S = 300.0, 86400.0
_FRESH_S = 3600.0
_PLACES = ("flat", "building")


class Gate:
    """Judges what comes through the gate and hands it on.

    Args:
        world: The present.
        records: What is kept.
        historian: Readings.
        hub: Told when values changed.
        audit: Every batch leaves a trace.
        events: Refusals.
        wishes: Wishes in force.
        settings: Bounds.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        historian: AsyncHistorian,
        hub: Hub,
        audit: Audit,
        events: ZoneEvents,
        wishes: Wishes,
        settings: ZoneSettings,
    ) -> None:
        self._world, self._records, self._historian = world, records, historian
        self._hub, self._audit, self._events = hub, audit, events
        self._wishes, self._settings = wishes, settings
        self.counts: Counter[str] = Counter()
        """Records since the start: `accepted.<kind>` and `refused.<reason>`."""
        self._judges: dict[str, Callable[[dict[str, Any]], None]] = {
            "weather_forecast": self._judge_forecast,
            "sensor_reading": self._judge_reading,
            "case_label": self._judge_place,
            "wish": self._judge_wish,
            "billing_state": self._judge_place,
        }

    async def take(self, batch: Batch) -> None:
        """Judge the records of a batch one by one; what is good is kept and used.

        Raises:
            FeedRefused: There are more than a batch of the gate may hold.
        """
        if len(batch.records) > _MOST_RECORDS:
            raise FeedRefused("range", f"{len(batch.records)} records")
        kept: list[tuple[dict[str, Any], str, str]] = []
        refused: Counter[str] = Counter()
        for record in batch.records:
            try:
                good = check_record("gate", record)
                self._judges[good["kind"]](good)
            except FeedRefused as error:
                refused[error.reason] += 1
            except _Unfit as error:
                refused[error.reason] += 1
                kept.append((record, "refused", error.reason))
            else:
                kept.append((good, "accepted", ""))
        good_ones: dict[str, dict[str, Any]] = {}
        for record, state, _ in kept:
            if state == "accepted":
                good_ones.setdefault(record["id"], record)
        known = await in_thread(self._records.zones.known, list(good_ones))
        accepted = [record for id_, record in good_ones.items() if id_ not in known]
        # Used first: a record that is marked before a kill would never be used.
        await self._use(accepted)
        await in_thread(self._records.zones.add_records, kept, at=machine_s())
        if any(record["kind"] == "wish" for record in accepted):
            await self._wishes.load()
        await self._audit.add(
            GATE_USER,
            "zone.gate",
            batch.key_id,
            batch=f"{batch.head.epoch}/{batch.head.seq}",
            accepted=len(accepted),
            refused=dict(refused),
        )
        for reason, count in refused.items():
            await self._events.note(f"{GATE_REFUSED}.{reason}", "gate", f"{count} records")
        # Counted when all is done, so that a count is a promise.
        self.counts.update(f"accepted.{record['kind']}" for record in accepted)
        self.counts.update({f"refused.{reason}": count for reason, count in refused.items()})

    async def _use(self, records: Sequence[dict[str, Any]]) -> None:
        for record in records:
            if record["kind"] == "weather_forecast":
                await self._keep_forecast(record)
        readings = [record for record in records if record["kind"] == "sensor_reading"]
        if readings:
            await self._keep_readings(readings)

    async def _keep_forecast(self, record: dict[str, Any]) -> None:
        hours = [
            {
                **hour,
                "temperature_max_c": None,
                "temperature_min_c": None,
                "direct_w_m2": None,
                "diffuse_w_m2": None,
                "quality": int(Quality.GOOD),
            }
            for hour in sorted(record["hours"], key=lambda hour: hour["at_s"])
        ]
        await in_thread(
            self._records.weather.add_forecast,
            source=f"gate:{record['source']}",
            known_at=self._world.now_s(),
            issued_at=record["issued_s"],
            hours=hours,
        )

    async def _keep_readings(self, records: Sequence[dict[str, Any]]) -> None:
        points = self._world.ledger.points
        columns = Columns(
            np.array([points[record["point"]].key for record in records], "u4"),
            np.array([int(record["at_s"]) for record in records], "u4"),
            np.array([record["value"] for record in records], "f8"),
            # It came by way of another zone: nobody here saw the device.
            np.full(len(records), Quality.UNCERTAIN, "u1"),
        )
        await self._historian.append(columns)
        self._world.latest.update(columns)
        self._hub.values_changed()

    # Is there such a thing, and is it the time for it.

    def _judge_place(self, record: dict[str, Any]) -> None:
        asset = self._world.ledger.assets.get(record["place"])
        if asset is None or asset.kind not in _PLACES:
            raise _Unfit("place")

    def _judge_wish(self, record: dict[str, Any]) -> None:
        self._judge_place(record)
        settings, now_s = self._settings, self._world.now_s()
        if not settings.wish_low_c <= record["room_c"] <= settings.wish_high_c:
            raise _Unfit("range")
        if not now_s < record["until_s"] <= now_s + settings.wish_days * 86400.0 + _AHEAD_S:
            raise _Unfit("stale")

    def _judge_forecast(self, record: dict[str, Any]) -> None:
        hours = [hour["at_s"] for hour in record["hours"]]
        if not hours or len(set(hours)) != len(hours):
            raise _Unfit("range")
        if max(hours) < self._world.now_s():
            raise _Unfit("stale")

    def _judge_reading(self, record: dict[str, Any]) -> None:
        world = self._world
        point = world.ledger.points.get(record["point"])
        if point is None or point.kind not in READABLE:
            raise _Unfit("place")
        kind, now_s = point_kinds()[point.kind], world.now_s()
        if not kind.low <= record["value"] <= kind.high:
            raise _Unfit("range")
        if not now_s - _LATE_S <= record["at_s"] <= now_s + _AHEAD_S:
            raise _Unfit("stale")
        last = world.latest.last(point.key)
        measured = last is not None and last[1] != Quality.UNCERTAIN
        if last is not None and measured and now_s - last[2] < _FRESH_S:
            # What the plant itself measures, nobody may overwrite from outside.
            raise _Unfit("measured")


class _Unfit(Exception):
    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
