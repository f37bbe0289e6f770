"""Bytes a stored sample takes: the small city's own winter day, at meter resolution and noise."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from heatloop.demo.city import City
from heatloop.kernel.series import Columns, concat
from heatloop.store.historian.chdb import ChdbHistorian
from heatloop.store.historian.chdb_folder import ChdbFolder

START_S = 1_766_246_400
TICK_S = 30
GROUP_TICKS = 60
DATABASE = "heatloop"


def bytes_per_sample(hours: float) -> tuple[float, str]:
    """Return bytes a sample over all `raw` columns after merges, and a note."""
    city = City(1, "small", float(START_S))
    memory = city.memory
    bindings = [*memory.measured, *memory.settings]
    keys = np.array([b.key for b in bindings], "u4")
    period_s = np.array([b.period_s for b in bindings])
    path = Path(tempfile.mkdtemp(prefix="heatloop-bytes-"))
    folder = ChdbFolder(path)
    historian = ChdbHistorian(folder, zone=ZoneInfo("Asia/Shanghai"))
    changed = compared = 0
    before = np.full(len(bindings), np.nan)
    waiting: list[Columns] = []
    try:
        for tick in range(round(hours * 3600 / TICK_S)):
            slot = START_S + tick * TICK_S
            shown = memory.decoded(memory.raw_of(city.shown))
            values = np.concatenate((shown, memory.setting_values()))
            due = slot % period_s == 0
            if tick:
                changed += int((values != before)[due].sum())
                compared += int(due.sum())
            before = np.where(due, values, before)
            count = int(due.sum())
            waiting.append(
                Columns(keys[due], np.full(count, slot, "u4"), values[due], np.zeros(count, "u1"))
            )
            if len(waiting) == GROUP_TICKS:
                historian.append(concat(waiting))
                waiting.clear()
            city.step(float(TICK_S))
        historian.append(concat(waiting))
        folder.write(f"OPTIMIZE TABLE {DATABASE}.raw FINAL")
        stats = historian.stats()
    finally:
        historian.close()
        folder.close()
        shutil.rmtree(path, ignore_errors=True)
    rows, size = float(stats["raw_rows"]), float(stats["raw_bytes"])
    share = 100 * changed / max(compared, 1)
    return size / rows, f"{rows:,.0f} samples of {hours:g} h, {share:.0f} % of values changed"
