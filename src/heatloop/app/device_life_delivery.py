"""Purchase lists and deliveries: what was bought, what came (clause 5.3 a)."""

from __future__ import annotations

from collections.abc import Sequence

from heatloop.app.audit import Audit
from heatloop.app.device_life import DeviceLife
from heatloop.app.device_life_facts import lines_of
from heatloop.app.device_life_views import ReceiptView
from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.world import World
from heatloop.plant.acceptance import LifeState
from heatloop.plant.acceptance_arrival import Mismatch, PurchaseLine, ScannedItem, compare_arrival
from heatloop.security.access import Principal
from heatloop.store.records import Records


class Deliveries:
    """Keeps purchase lists and takes deliveries."""

    def __init__(self, world: World, records: Records, audit: Audit, life: DeviceLife) -> None:
        self._world, self._audit, self._life = world, audit, life
        self._store = records.devices

    async def put_purchase(self, by: Principal, code: str, lines: Sequence[PurchaseLine]) -> None:
        """Keep a purchase list.

        Raises:
            Refused: A line names a model that is not in the catalogue.
        """
        known = await in_thread(self._store.models)
        for line in lines:
            if line.model not in known:
                raise Refused("not_found", thing=line.model)
        body = {
            "lines": [
                {
                    "model": line.model,
                    "count": line.count,
                    "parameters": line.parameters,
                    "accessories": list(line.accessories),
                }
                for line in lines
            ]
        }
        await in_thread(self._store.put_purchase, code, body, by=by.user, at=self._world.now_s())
        await self._audit.add(by.user, "device.purchase", code, lines=len(lines))

    async def receive(
        self, by: Principal, purchase: str, scanned: Sequence[ScannedItem]
    ) -> ReceiptView:
        """Record a delivery: what was scanned becomes arrived, differences are kept (5.3 a 1).

        Raises:
            Refused: No such purchase list.
        """
        lists = await in_thread(self._store.purchases)
        if purchase not in lists:
            raise Refused("not_found", thing=purchase)
        found = list(compare_arrival(lines_of(lists[purchase]), scanned))
        known = await in_thread(self._store.models)
        arrived = []
        now_s = self._world.now_s()
        for item in {each.serial: each for each in scanned}.values():
            held = await in_thread(self._store.get, item.serial)
            if held is None and item.model in known:
                await self._life.add(
                    by, {"serial": item.serial, "model": item.model, "purchase": purchase}
                )
            elif held is None:
                continue
            elif held.model != item.model:
                found.append(
                    Mismatch(
                        kind="parameters",
                        subject=item.serial,
                        zh=f"{item.serial} 计划型号 {held.model}，到货 {item.model}",
                        en=f"{item.serial}: planned {held.model}, came {item.model}",
                    )
                )
            await in_thread(self._store.change, item.serial, at=now_s, purchase=purchase)
            if await in_thread(
                self._store.move,
                item.serial,
                LifeState.PLANNED.value,
                LifeState.ARRIVED.value,
                at=now_s,
            ):
                await self._life.moved(by, item.serial, LifeState.PLANNED, LifeState.ARRIVED)
            arrived.append(item.serial)
        body = {
            "scanned": [
                {"serial": s.serial, "model": s.model, "parameters": s.parameters} for s in scanned
            ],
            "mismatches": [each.to_dict() for each in found],
        }
        await self._life.note(by, purchase, "receipt", body)
        return ReceiptView(purchase=purchase, arrived=arrived, mismatches=found)
