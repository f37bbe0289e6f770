"""Records of the gate: used before they are marked, so that a kill in between loses none."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from heatloop.bridge.feed_frame import GATE
from heatloop.kernel.clock import machine_s
from heatloop.kernel.quality import Quality
from tests.unit.app_town import START_S, town
from tests.unit.zone_pair import Stream, opened, pair

ROOM = "RC0001.room_temperature"


async def test_a_kill_before_records_are_marked_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    control, customer = pair(tmp_path / "keys")
    ways = {"zone": "control", "gate_folder": str(tmp_path / "gate")}
    (tmp_path / "plant").mkdir()
    shutil.copytree(tmp_path / "keys" / "control", tmp_path / "plant" / "keys")
    async with town(tmp_path / "plant", zones=ways) as here:
        gate, records = here.platform.zones.gate, here.platform.records
        assert gate is not None
        others = ("condition", "humidity_pct", "wind_ms", "wind_deg", "solar_w_m2")
        hour = {"temperature_c": -5.0, **dict.fromkeys(others)}
        hours = [{"at_s": START_S + 3600.0 * n, **hour} for n in range(1, 25)]
        cast = {"kind": "weather_forecast", "id": "f1", "source": "service",
                "issued_s": START_S, "hours": hours}  # fmt: skip
        read = {"kind": "sensor_reading", "id": "r1", "point": ROOM, "at_s": START_S,
                "value": 19.0}  # fmt: skip
        wish = {"kind": "wish", "id": "w1", "place": "FL00001", "room_c": 22.0,
                "until_s": START_S + 86400.0}  # fmt: skip
        blob = Stream(customer, GATE).next([cast, read, wish, read], at=machine_s())
        batch = opened(blob, control, GATE)

        def killed(*_: Any, **__: Any) -> None:
            raise SystemExit("killed")

        with monkeypatch.context() as patch:
            patch.setattr(records.zones, "add_records", killed)
            with pytest.raises(SystemExit):
                await gate.take(batch)
        assert not gate.counts
        # The file is still there after a restart, and is taken again.
        await gate.take(batch)
        assert gate.counts == {
            "accepted.weather_forecast": 1, "accepted.sensor_reading": 1, "accepted.wish": 1,
        }  # fmt: skip
        assert records.weather.issue_at(START_S + 60.0, "gate:service") is not None
        last = here.platform.world.latest.last(here.key(ROOM))
        assert last is not None
        assert last[:2] == (19.0, Quality.UNCERTAIN)
        assert here.platform.zones.wishes.shifts()
        await gate.take(batch)
        assert sum(gate.counts.values()) == 3
