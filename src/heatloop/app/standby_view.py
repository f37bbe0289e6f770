"""What an instance that stands by shows: read again and again from the shared stores."""

from __future__ import annotations

from heatloop.app.history import in_thread
from heatloop.app.ledger_admin import load_ledger
from heatloop.app.platform import Platform


async def follow_ledger(platform: Platform) -> None:
    """Put the ledger in force that another instance may have changed."""
    version = await in_thread(platform.records.ledger.version)
    if version != platform.world.ledger.version:
        platform.world.install(await in_thread(load_ledger, platform.records))
        platform.loop.install()


async def refresh_view(platform: Platform) -> None:
    """Read ledger, gateways, stages, open alarms and latest values again."""
    await follow_ledger(platform)
    await platform.gateways.load()
    await platform.stages.load()
    await platform.alarming.load()
    platform.world.latest.update(await platform.historian.latest())
    platform.hub.values_changed()
