"""Collectors whose old head end drops their reports as tables: a file for all that came together.

A file counts as acknowledged when the gateway has moved it to `done/` without a remark.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from heatloop.demo.devices.collectors import Answered, Outcome
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Binding, Device
from heatloop.protocols.room_report import RoomReport

_CHINA = timezone(timedelta(hours=8))
_UNITS = {"degC": "℃"}
_GATHER_S = 0.2
_LOOK_S = 0.1
_Row = tuple[str, Answered]


class FileDropReports:
    """Brings reports as files.

    Args:
        folders: Drop folder of each gateway, in code order.
        bindings: Points of each device, by its code; all devices have the same.
    """

    def __init__(self, folders: list[Path], bindings: Mapping[str, tuple[Binding, ...]]) -> None:
        self._folders, self._bindings = folders, bindings
        self._rows: list[list[_Row]] = [[] for _ in folders]
        self._head: list[str] = [""] * len(folders)
        self._names = f"city-{secrets.token_hex(4)}"
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, gateway: int, device: Device, report: RoomReport, answered: Answered) -> None:
        """Put a report into the next file."""
        bindings = self._bindings[device.code]
        local = datetime.fromtimestamp(report.at_s, UTC).astimezone(_CHINA)
        cells = [device.code, f"{local:%Y-%m-%d %H:%M:%S}"]
        for binding in bindings:
            raw = report.fields[binding.register]
            decimals = point_kinds()[binding.kind].decimals
            cells.append("" if raw is None else f"{raw * binding.factor:.{decimals}f}")
        if not self._rows[gateway]:
            self._head[gateway] = _header(bindings)
            task = asyncio.create_task(self._drop(gateway))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._rows[gateway].append((",".join(cells), answered))

    async def close(self) -> None:
        """Forget what waits."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _drop(self, gateway: int) -> None:
        """Write what came together, and wait for what becomes of it."""
        await asyncio.sleep(_GATHER_S)
        rows, self._rows[gateway] = self._rows[gateway], []
        self._count += 1
        name = f"{self._names}-{self._count:06d}.csv"
        text = "\n".join([self._head[gateway], *(row for row, _ in rows), ""])
        folder = self._folders[gateway]
        try:
            await asyncio.to_thread(_write, folder, name, text.encode("gb18030"))
            outcome = await self._settled(folder, name)
        except OSError:
            outcome = Outcome.NOBODY
        for _, answered in rows:
            answered(outcome)

    async def _settled(self, folder: Path, name: str) -> Outcome:
        while True:
            await asyncio.sleep(_LOOK_S)
            if (folder / "refused" / name).exists():
                return Outcome.REFUSED
            if (folder / "done" / name).exists():
                remark = folder / "done" / f"{name}.reason.txt"
                return Outcome.REFUSED if remark.exists() else Outcome.KEPT


def _header(bindings: tuple[Binding, ...]) -> str:
    names = ["device", "时间"]
    for binding in bindings:
        unit = point_kinds()[binding.kind].unit
        names.append(
            f"{binding.source}({_UNITS.get(unit, unit)})" if unit != "-" else binding.source
        )
    return ",".join(names)


def _write(folder: Path, name: str, data: bytes) -> None:
    """Write a file under another name first, so that nobody reads half of it."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{name}.part"
    part.write_bytes(data)
    part.rename(folder / name)
