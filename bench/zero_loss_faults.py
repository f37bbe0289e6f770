"""Letting faults happen and mending them while plant time passes."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bench.zero_loss_judge import DEAD, DISK, DROPPED, Window
from bench.zero_loss_plan import OUTAGE_S, Fault
from bench.zero_loss_world import START_S, World
from heatloop.kernel.errors import LinkError

_STANDSTILL_S = 120.0


@dataclass(slots=True)
class Run:
    """One seed's run while it lasts."""

    world: World
    windows: list[Window] = field(default_factory=list)
    injected: Counter[str] = field(default_factory=Counter)
    open: list[tuple[float, Fault]] = field(default_factory=list)

    def gateway(self, fault: Fault) -> str:
        """Return the code of the gateway a fault strikes."""
        return self.world.gateways[fault.gateway % len(self.world.gateways)]

    async def begin(self, fault: Fault, now_s: float) -> None:
        """Let a fault happen."""
        world, link = self.world, self.world.links[fault.gateway]
        kind = fault.kind
        if kind == "disk_full" and not world.disk.mounted:
            kind = "cut"
        if kind == "kill_broker" and world.broker is None:
            kind = "kill_platform"
        self.injected[kind] += 1
        match kind:
            case "cut":
                link.cut()
            case "stall":
                link.stall()
                await asyncio.sleep(fault.machine_s)
                link.heal()
                return
            case "lossy":
                link.lossy(0.05, 0.02)
            case "kill_broker":
                assert world.broker is not None
                world.broker.kill()
            case "kill_platform" | "kill_historian":
                world.kill(kind.removeprefix("kill_"))
                return
            case "kill_edge":
                await self._kill_edge(self.gateway(fault), now_s)
                return
            case "disk_full":
                world.disk.fill()
            case "clock_ahead" | "clock_behind":
                sign = 1 if kind == "clock_ahead" else -1
                world.clocks[fault.gateway].put_wrong(sign * 3600.0)
        lasts_s = fault.lasts_s
        self.open.append((now_s + lasts_s, replace(fault, kind=kind)))

    async def _kill_edge(self, gateway: str, now_s: float) -> None:
        world = self.world
        before = world.supervisor.restarts()[f"edge-{gateway}"]
        world.kill(f"edge-{gateway}")
        while world.supervisor.restarts()[f"edge-{gateway}"] == before:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.5)  # Python starts, the spool is read, the devices are connected
        back_s = await world.plant_s()
        self.windows.append(Window(gateway=gateway, causes=DEAD, start_s=now_s, end_s=back_s))

    async def mend(self, now_s: float) -> None:
        """End the faults whose time is over."""
        for until_s, fault in [each for each in self.open if each[0] <= now_s]:
            self.open.remove((until_s, fault))
            world, link = self.world, self.world.links[fault.gateway]
            match fault.kind:
                case "cut" | "lossy":
                    link.heal()
                case "kill_broker":
                    assert world.broker is not None
                    world.broker.start()
                case "disk_full":
                    world.disk.empty()
                    begun = until_s - fault.lasts_s
                    gateway = world.gateways[1]
                    self.windows.append(
                        Window(gateway=gateway, causes=DISK, start_s=begun, end_s=now_s)
                    )
                case "clock_ahead" | "clock_behind":
                    world.clocks[fault.gateway].put_wrong(0.0)

    async def phase(self, faults: Sequence[Fault], end_s: float) -> None:
        """Let plant time come to its end, with these faults on the way."""
        start_s = await self.world.plant_s()
        waiting = list(faults)
        seen, seen_at = start_s, time.monotonic()
        while True:
            now_s = await self.world.plant_s()
            if now_s != seen:
                seen, seen_at = now_s, time.monotonic()
            if time.monotonic() - seen_at > _STANDSTILL_S:
                raise LinkError("plant time stands still", thing=f"{now_s - START_S:.0f} s")
            while waiting and start_s + waiting[0].at_s <= now_s:
                await self.begin(waiting.pop(0), now_s)
            await self.mend(now_s)
            if now_s >= end_s and not waiting:
                break
            await asyncio.sleep(0.02)
        await self.mend(float("inf"))

    async def outage(self, *, dropped: bool) -> None:
        """Keep the platform out of reach of both channels for 13 h of plant time."""
        world = self.world
        self.injected["outage_13h"] += 1
        start_s = await world.plant_s()
        for link in world.links:
            link.cut()
        if world.broker is not None:
            world.broker.kill()
        await self.phase((), start_s + OUTAGE_S)
        for link in world.links:
            link.heal()
        if world.broker is not None:
            world.broker.start()
        if dropped:
            self.injected["spool_too_small"] += 1
            end_s = await world.plant_s()
            first = world.gateways[0]
            # The oldest goes first: all that earlier faults kept from being delivered as well.
            window = Window(gateway=first, causes=DROPPED, start_s=START_S, end_s=end_s)
            self.windows.append(window)
