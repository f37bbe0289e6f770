"""The historian knows the frames and periods of the ledger in force, before samples and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from heatloop.app.historian_ledger import FRAME_POINTS, HistorianLedger, frames_of
from heatloop.app.history import ThreadedHistorian
from heatloop.app.ledger_admin import install_ledger
from heatloop.store.historian.memory import MemoryHistorian
from tests.unit.app_town import assets, devices, gateways, town

told: list[dict[str, list[int]]] = []


class Framed(ThreadedHistorian):
    """As an engine that keeps a row a device."""

    def __init__(self, engine: MemoryHistorian) -> None:
        super().__init__(engine)
        told.clear()

    async def define_frames(self, frames: Mapping[str, Sequence[int]]) -> int:
        told.append({name: list(keys) for name, keys in frames.items()})
        return sum(map(len, frames.values()))


async def test_frames_are_told_at_the_start_and_with_every_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.unit.app_town.ThreadedHistorian", Framed)
    async with town(tmp_path / "town") as here:
        platform = here.platform
        assert told
        assert set(told[0]) == {device.code for device in devices()}
        of = {binding.key: binding.device for binding in platform.world.ledger.bindings}
        assert all(of[key] == name for name, keys in told[0].items() for key in keys)
        keys, seconds = platform.historian.engine.periods()
        assert len(keys) == len(seconds) > 0

        # Apart from the platform's own jobs, which tell it too.
        alone = SimpleNamespace(world=platform.world, loop=platform.loop, historian=Apart())
        ledger = HistorianLedger(alone)  # type: ignore[arg-type]
        await ledger.tell()
        await ledger.tell()
        assert len(alone.historian.told) == 1
        fewer = [device for device in devices() if device.code != "DV0003"]
        platform.world.install(install_ledger(platform.records, assets(), fewer, gateways()))
        await ledger.tell()
        assert len(alone.historian.told) == 2
        assert set(alone.historian.told[1]) == {device.code for device in fewer}


class Apart:
    """A historian that only notes what it is told."""

    def __init__(self) -> None:
        self.told: list[Mapping[str, Sequence[int]]] = []

    async def set_periods(self, keys: object, periods_s: object) -> None:
        assert len(keys) == len(periods_s)  # type: ignore[arg-type]

    async def define_frames(self, frames: Mapping[str, Sequence[int]]) -> int:
        self.told.append(frames)
        return 0


def test_a_device_of_many_points_has_several_frames() -> None:
    bindings = [SimpleNamespace(device="DV0001", key=key) for key in range(1, 601)]
    frames = frames_of(SimpleNamespace(bindings=bindings))  # type: ignore[arg-type]
    assert {name: len(keys) for name, keys in frames.items()} == {
        "DV0001": FRAME_POINTS, "DV0001.2": FRAME_POINTS, "DV0001.3": 600 - 2 * FRAME_POINTS,
    }  # fmt: skip
