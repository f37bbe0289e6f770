"""The demo's past: written into the historian before anything else runs."""

from __future__ import annotations

import asyncio

from heatloop.cli.progress import Progress
from heatloop.cli.stack import StackOptions
from heatloop.demo.history import History, RollupPart
from heatloop.kernel.clock import machine_s
from heatloop.store.historian.client import HistorianClient

TICK_S = 30


async def seed_history(stack: StackOptions) -> None:
    """Give the city a past, unless it has one: 29 days of roll-ups and a day of raw samples.

    The city process goes on from the state the past ends in.
    """
    folder = stack.data / "city"
    if (folder / "state.npz").exists():
        return
    end_s = stack.start_s or int(machine_s()) // TICK_S * TICK_S
    client = HistorianClient(stack.run_dir / "historian.sock")
    bar = Progress("demo history 演示历史数据", 1.0)
    history = await asyncio.to_thread(
        History, stack.seed, stack.size, float(end_s), base_port=stack.base_port
    )
    parts = iter(history.parts())
    try:
        # The next part is computed while this one is written.
        part = await asyncio.to_thread(next, parts, None)
        while part is not None:
            coming = asyncio.create_task(asyncio.to_thread(next, parts, None))
            if isinstance(part, RollupPart):
                await client.seed_rollup(part.step_s, part.columns)
            else:
                await client.append(part.columns)
            bar.show((history.city.now_s - history.start_s) / (history.end_s - history.start_s))
            part = await coming
    finally:
        bar.end()
        await client.close()
    history.save(folder)
