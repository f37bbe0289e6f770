"""After a restore: say what is missing since the backup, once.

Gateways send again what they still hold. What they were told was safe, and dropped, is gone: for
every device a gap from its newest stored sample to the start after the restore is written down
with the cause `restore`. What comes back after all lies inside that gap and counts as stored.
"""

from __future__ import annotations

import numpy as np

from heatloop.app.audit import SYSTEM, Audit
from heatloop.app.history import in_thread
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s
from heatloop.store.records import Records
from heatloop.store.records.keeping import DONE, RESTORE

CAUSE = "restore"


async def settle_restore(world: World, records: Records, audit: Audit) -> int:
    """Write down what a restore left missing; return how many gaps, 0 without a restore.

    Newest samples must have been taken up before.
    """
    row = await in_thread(records.keeping.newest, (RESTORE,), DONE)
    if row is None or row.body.get("settled"):
        return 0
    now = int(world.now_s())
    since = int(float(row.body.get("plant_at", now)))
    ledger, latest = world.ledger, world.latest
    count = 0
    for device in ledger.devices.values():
        keys = [b.key for b in ledger.bindings_of_device(device.code)]
        at = latest.index.find(np.array(keys, "u4"))
        newest = int(latest.slots[at[at >= 0]].max(initial=0))
        # Of what was never read nothing is lost; of what fell silent long ago only what came later.
        if not newest or newest >= now:
            continue
        count += 1
        await in_thread(
            records.gaps.put,
            gateway=device.gateway,
            device=device.code,
            slots_from=max(newest + 1, since - _BEFORE_S),
            slots_to=now,
            cause=CAUSE,
        )
    body = {**row.body, "settled": True, "gaps": count, "gaps_to": now}
    await in_thread(
        records.keeping.end,
        row.id,
        state=DONE,
        at=row.ended_at or machine_s(),
        chain=row.chain,
        body=body,
    )
    await audit.add(SYSTEM, "keeping.restore_settled", row.id, gaps=count, gaps_to=now)
    return count


_BEFORE_S = 3600
