"""CPU, memory and disk: what is left of them, and when the disk is full (clause 6.2 a)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heatloop.app.views.storage import CapacityForecast, Resource
from heatloop.store.historian.port import DAY_S, HOUR_S, TEN_MINUTES_S, Partition

HEADROOM_PCT = 20.0
_MEMINFO = Path("/proc/meminfo")
_WORDS = {"cpu": ("处理器", "CPU"), "memory": ("内存", "memory"), "disk": ("磁盘", "disk")}


def capacity(
    data: Path, partitions: Sequence[Partition], periods_s: NDArray[np.float64]
) -> CapacityForecast:
    """Return the headroom of this machine and the plant days until its disk is full.

    Args:
        data: Data folder; its disk is looked at.
        partitions: What the store keeps.
        periods_s: Sampling period of every point, seconds, shape (n_point,).
    """
    disk = shutil.disk_usage(data)
    resources = [_resource("cpu", float(os.cpu_count() or 1), os.getloadavg()[2])]
    memory = _memory()
    if memory is not None:
        resources.append(_resource("memory", memory[0], memory[0] - memory[1]))
    # What the system keeps back for itself is not there for us.
    resources.append(_resource("disk", float(disk.total), float(disk.total - disk.free)))
    a_day = growth(partitions, periods_s)
    spare = disk.free - disk.total * HEADROOM_PCT / 100.0
    short = [one for one in resources if not one.ok]
    return CapacityForecast(
        resources=resources,
        ok=not short,
        stored_bytes=sum(one.stored_bytes for one in partitions),
        bytes_a_day=a_day,
        days_until_full=disk.free / a_day if a_day else None,
        days_until_warning=max(spare, 0.0) / a_day if a_day else None,
        warning_zh="；".join(f"{one.zh}余量 {one.headroom_pct:.0f} %，不足 20 %" for one in short),
        warning_en="; ".join(f"{one.en} has {one.headroom_pct:.0f} % left" for one in short),
    )


def growth(partitions: Sequence[Partition], periods_s: NDArray[np.float64]) -> float | None:
    """Return the bytes a plant day adds: what is expected of it, at what rows take by now.

    Args:
        partitions: What the store keeps.
        periods_s: Sampling period of every point, seconds, shape (n_point,).
    """
    a_day = {
        "raw": float((DAY_S / periods_s).sum()),
        # A slow point fills only the windows its samples fall into.
        "rollup_10m": float((DAY_S / np.maximum(periods_s, TEN_MINUTES_S)).sum()),
        "rollup_1h": float((DAY_S / np.maximum(periods_s, HOUR_S)).sum()),
        "rollup_1d": float(len(periods_s)),
    }
    total = 0.0
    for table, rows_a_day in a_day.items():
        mine = [one for one in partitions if one.table == table]
        rows = sum(one.rows for one in mine)
        if rows:
            total += rows_a_day * sum(one.stored_bytes for one in mine) / rows
        elif table == "raw":
            return None
    return total


def _memory() -> tuple[float, float] | None:
    """Return memory in all and what programs can still have, bytes; None where nobody tells."""
    if not _MEMINFO.exists():
        return None
    found = {}
    for line in _MEMINFO.read_text("ascii").splitlines():
        name, _, value = line.partition(":")
        found[name] = float(value.split()[0]) * 1024
    return found["MemTotal"], found["MemAvailable"]


def _resource(name: str, total: float, used: float) -> Resource:
    headroom = max(0.0, 100.0 * (1.0 - used / total))
    zh, en = _WORDS[name]
    return Resource(
        name=name,
        zh=zh,
        en=en,
        total=total,
        used=used,
        headroom_pct=headroom,
        ok=headroom >= HEADROOM_PCT,
    )
