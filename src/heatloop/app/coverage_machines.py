"""Machines of the data centre and what they have left (clause 6.2 a)."""

from __future__ import annotations

import os
import platform as machine
import shutil
from contextlib import suppress
from pathlib import Path

from heatloop.app.history import in_thread
from heatloop.app.platform import Platform
from heatloop.app.views.coverage import Infrastructure, Machine, MachinePart
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.scope import Scope
from heatloop.plant.model import Asset

HEADROOM_PCT = 20.0
"""Least share of a resource that must be free."""
_NAMES = {"cpu": ("处理器", "processor"), "memory": ("内存", "memory"), "disk": ("磁盘", "disk")}
_GIB = 2.0**30
_WATCHED = {"cpu": "it_asset_cpu_load", "memory": "it_asset_memory_used"}


async def infrastructure(platform: Platform, scope: Scope) -> Infrastructure:
    """Return this machine and the IT assets of the ledger with what they have left.

    The machine itself is shown to who sees the whole company; IT assets by the reader's scope.
    """
    world = platform.world
    own = await in_thread(this_machine, platform.settings.data, world.now_s())
    machines = [own] if scope.holds("") else []
    machines += [
        _watched(world, asset)
        for asset in world.ledger.of_kind("it_asset")
        if world.sees(scope, asset.code)
    ]
    warnings = [
        f"{each.code or each.name}: {part.name}"
        for each in machines
        for part in each.parts
        if part.enough is False
    ]
    return Infrastructure(
        at=utc(world.now_s()), headroom_pct=HEADROOM_PCT, machines=machines, warnings=warnings
    )


def this_machine(folder: Path, now_s: float) -> Machine:
    """Return what the machine this runs on has left; what it cannot tell is None.

    Args:
        folder: Folder of the data, whose disk counts.
        now_s: Plant time.
    """
    cores = float(os.cpu_count() or 1)
    load = None
    with suppress(OSError, AttributeError):
        # The mean of five minutes: one busy second is no shortage.
        load = min(os.getloadavg()[1], cores)
    disk = shutil.disk_usage(folder)
    return Machine(
        code="",
        name=machine.node(),
        kind="server",
        at=utc(now_s),
        parts=[
            _part("cpu", load, cores, "cores"),
            _memory(),
            _part("disk", (disk.total - disk.free) / _GIB, disk.total / _GIB, "GiB"),
        ],
    )


def _memory() -> MachinePart:
    known: dict[str, float] = {}
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            name, _, rest = line.partition(":")
            known[name] = float(rest.split()[0]) * 1024.0
    total, free = known.get("MemTotal"), known.get("MemAvailable")
    if total is None or free is None:
        return _part("memory", None, None, "GiB")
    return _part("memory", (total - free) / _GIB, total / _GIB, "GiB")


def _part(name: str, used: float | None, total: float | None, unit: str) -> MachinePart:
    zh, en = _NAMES[name]
    free = None if used is None or not total else 100.0 * (total - used) / total
    return MachinePart(
        name=name,
        zh=zh,
        en=en,
        used=used,
        total=total,
        unit=unit,
        headroom_pct=free,
        enough=None if free is None else free >= HEADROOM_PCT,
    )


def _watched(world: World, asset: Asset) -> Machine:
    own = {point.kind: point for point in world.ledger.points_of(asset.code)}
    parts: list[MachinePart] = []
    newest = 0.0
    for name, kind in _WATCHED.items():
        if kind not in own:
            continue
        last = world.latest.last(own[kind].key)
        newest = max(newest, last[2] if last is not None else 0.0)
        parts.append(_part(name, world.latest.value(own[kind].key), 100.0, "%"))
    return Machine(
        code=asset.code,
        name=asset.zh,
        kind=str(asset.attributes.get("it_type", "")),
        at=utc(newest) if newest else None,
        parts=parts,
    )
