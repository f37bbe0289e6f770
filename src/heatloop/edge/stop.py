"""Emergency stops at the gateway: one short signed order, carried out by plans it already holds.

The order is written down before anything is, each write is read back, whatever does not answer is
tried again, and all of it survives a restart. A stop holds until it is released; a release brings
everything back to what it was, in reverse order and slowly. Who switches a cabinet to local during
a stop is not fought: people at the station come first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from heatloop.edge.door import DoorKeeper
from heatloop.edge.index import LatestValues, ProfileIndex, asset_of, same_value
from heatloop.edge.memory import CommandMemory
from heatloop.edge.poller import Poller
from heatloop.edge.raised import Note, RaisedAlarms
from heatloop.edge.stop_book import (
    DONE,
    FAILED,
    HOLDING,
    LOCAL,
    RELEASING,
    STOPPING,
    TODO,
    Held,
    HeldStep,
    StopBook,
)
from heatloop.kernel.errors import HeatloopError, InputError, LinkError, UnsafeError
from heatloop.plant.model import Binding
from heatloop.security.keys import KeyRing, open_document
from heatloop.station import envelope
from heatloop.station.modes import StationMode, mode_of

KIND = "stop_order"
_CLOCK_TOLERANCE_S = 120.0
_LONGEST_LIFE_S = 3600.0
_ALARM = "stop_refused"


class Stops:
    """Carries out, holds and releases emergency stops.

    Args:
        index: The gateway's profile.
        book: Stops in force.
        door: Plans.
        ring: The platform's keys.
        memory: Orders in force, which foreign writes are measured by.
        poller: Owner of the device connections.
        latest: Newest values.
        alarms: Where refused orders are raised.
        driven: Says whether the station logic here writes a point.
        now_s: Plant time.
        backoff_now_s: Time the drivers' back-off counts in.
    """

    def __init__(
        self,
        *,
        index: ProfileIndex,
        book: StopBook,
        door: DoorKeeper,
        ring: KeyRing,
        memory: CommandMemory,
        poller: Poller,
        latest: LatestValues,
        alarms: RaisedAlarms,
        driven: Callable[[Binding], bool],
        now_s: Callable[[], float],
        backoff_now_s: Callable[[], float],
    ) -> None:
        self._index, self._book, self._door, self._ring = index, book, door, ring
        self._memory, self._poller, self._latest = memory, poller, latest
        self._alarms, self._driven = alarms, driven
        self._now_s, self._backoff_now_s = now_s, backoff_now_s
        self._turn = asyncio.Lock()

    def holds(self, asset: str) -> bool:
        """Return whether an asset is stopped or being released."""
        return asset in self._book.held

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._book.offered or self._book.held)

    def resume(self) -> list[Note]:
        """Return what is held, said again after a restart."""
        now_s = self._now_s()
        return [self._report(asset, held, now_s) for asset, held in self._book.held.items()]

    async def step(self) -> list[Note]:
        """Take orders in, bring what is stopped nearer to its safe state, and say what changed."""
        if not self.busy:
            return []
        async with self._turn:
            now_s = self._now_s()
            notes: list[Note] = []
            while self._book.offered:
                notes += self._take(self._book.offered.pop(0), now_s)
            if not self._book.held:
                return notes
            answering = await self._refresh()
            for asset, held in list(self._book.held.items()):
                if held.state == RELEASING:
                    await self._release(held, answering)
                else:
                    await self._stop(held, answering)
                if held.state == RELEASING and all(s.state == DONE for s in held.steps):
                    del self._book.held[asset]
                notes += self._said(asset, held)
            self._memory.save()
            self._book.save()
            return notes

    def _take(self, document: Mapping[str, Any], now_s: float) -> list[Note]:
        """Check an order and write it down."""
        gateway = self._index.profile.gateway
        order = ""
        try:
            plain = open_document(self._ring, document)
            order = str(plain.get("order", ""))[:64]
            why = self._refusal(plain, now_s)
        except HeatloopError:
            why, plain = "signature", {}
        except (KeyError, TypeError, ValueError):
            why, plain = "malformed", {}
        if why:
            detail = f"reason={why} order={order}"
            raised = self._alarms.raise_(gateway, _ALARM, now_s, 1, detail=detail)
            cleared = self._alarms.clear(gateway, _ALARM, now_s)
            return [*raised, *cleared, _refused(order, why, now_s)]
        serial = int(plain["serial"])
        notes: list[Note] = []
        if serial > self._book.serial:
            self._book.serial = serial
            for asset in map(str, plain["assets"]):
                notes += self._begin(asset, str(plain["action"]), order, str(plain["cause"]), now_s)
        self._book.save()
        return notes

    def _refusal(self, plain: Mapping[str, Any], now_s: float) -> str:
        if plain["kind"] != KIND or plain["action"] not in ("stop", "release"):
            return "malformed"
        if plain["gateway"] != self._index.profile.gateway:
            return "foreign_gateway"
        issued, expires = float(plain["issued"]), float(plain["expires"])
        if now_s > expires or expires - issued > _LONGEST_LIFE_S:
            return "expired"
        if issued > now_s + _CLOCK_TOLERANCE_S:
            return "issued_in_the_future"
        if int(plain["serial"]) < self._book.serial:
            return "replayed"
        return ""

    def _begin(self, asset: str, action: str, order: str, cause: str, now_s: float) -> list[Note]:
        held = self._book.held.get(asset)
        if action == "release":
            if held is None:
                return [_note(order, asset, "released", now_s, [])]
            held.order, held.state, held.said = order, RELEASING, ""
            for step in held.steps:
                step.state, step.moved_s = TODO, now_s
            return []
        plan = self._door.book.plans.get(asset, {}).get(cause)
        if plan is None:
            return [_note(order, asset, "no_plan", now_s, [])]
        steps = [HeldStep(s.point, s.value, s.ramp_per_min) for s in plan]
        if held is not None:
            # What it was before the first stop is where a release goes back to.
            known = {s.point: s.before for s in held.steps}
            for step in steps:
                step.before = known.pop(step.point, None)
        self._book.held[asset] = Held(order, cause, STOPPING, now_s, steps)
        return []

    async def _refresh(self) -> set[str]:
        """Read the writable points of the devices concerned; return who answered."""
        points = [s.point for held in self._book.held.values() for s in held.steps]
        devices = {self._index.by_point[p].device for p in points if p in self._index.by_point}
        plans = {
            code: self._poller.plan_for(
                code, [b for b in self._index.by_device[code] if b.access == "rw"]
            )
            for code in devices
            if code in self._poller.drivers
        }
        seen = await self._poller.read_some(plans, self._backoff_now_s())
        return {each.device for each in seen if each.reading.cause is None}

    async def _stop(self, held: Held, answering: set[str]) -> None:
        for step in held.steps:
            binding = self._index.by_point.get(step.point)
            if binding is None:
                step.state, step.reason = FAILED, "unknown_point"
                continue
            if binding.device not in answering:
                if step.state != DONE:
                    step.state, step.reason = FAILED, "device_unreachable"
                continue
            if step.before is None:
                step.before = self._held_before(binding)
                # Where to go back to stands on the disk before anything moves.
                self._book.save()
            if step.state == DONE and self._local(binding):
                step.state, step.reason = LOCAL, "station_is_local"
            if step.state != LOCAL:
                await self._write(step, binding, step.value)
        settled = all(step.state in (DONE, LOCAL) for step in held.steps)
        held.state = HOLDING if settled else STOPPING

    def _held_before(self, binding: Binding) -> float | None:
        """Return what was ordered for a point, or what it holds."""
        order = self._memory.wanted.get(binding.key)
        return order.value if order is not None else self._latest.values.get(binding.key)

    def _local(self, binding: Binding) -> bool:
        """Return whether people at the cabinet took the unit over after it was stopped."""
        mode = self._index.by_asset[asset_of(binding)].get("station_mode")
        if mode is None:
            return False
        return mode_of(self._latest.values.get(mode.key)) is StationMode.LOCAL

    async def _release(self, held: Held, answering: set[str]) -> None:
        """Bring back what was stopped first, last; each no faster than its ramp."""
        now_s = self._now_s()
        for step in reversed(held.steps):
            if step.state == DONE:
                continue
            binding = self._index.by_point.get(step.point)
            if binding is None or step.before is None:
                step.state, step.reason = DONE, "" if binding is not None else "unknown_point"
                continue
            if binding.device not in answering:
                step.state, step.reason = FAILED, "device_unreachable"
                return
            goal, at = step.before, self._now_at(binding, step)
            if step.ramp_per_min > 0.0:
                reach = step.ramp_per_min * max(now_s - step.moved_s, 0.0) / 60.0
                goal = min(max(step.before, at - reach), at + reach)
            await self._write(step, binding, goal)
            step.moved_s = now_s
            if step.state == DONE and not same_value(binding, goal, step.before):
                step.state, step.reason = TODO, ""
            if step.state != DONE:
                return
            for later in held.steps:
                later.moved_s = now_s

    def _now_at(self, binding: Binding, step: HeldStep) -> float:
        order = self._memory.wanted.get(binding.key)
        return order.value if order is not None else step.value

    async def _write(self, step: HeldStep, binding: Binding, value: float) -> None:
        """Write a value unless it is there already; note how it went."""
        why = self._unsafe(binding, value)
        if why is not None:
            step.state, step.reason = FAILED, why
            return
        current = self._latest.values.get(binding.key)
        if self._driven(binding):
            # The station logic takes it up in its next step and writes the register itself.
            self._memory.order(binding.key, value, self._now_s())
            step.state, step.reason = DONE, ""
            return
        try:
            back = current
            if current is None or not same_value(binding, current, value):
                back = await self._poller.drivers[binding.device].write(binding, value)
                self._latest.values[binding.key] = back
        except LinkError:
            step.state, step.reason = FAILED, "device_unreachable"
            return
        except (InputError, UnsafeError) as error:
            step.state, step.reason = FAILED, f"device: {error.message}"[:120]
            return
        if back is not None and same_value(binding, back, value):
            self._memory.order(binding.key, value, self._now_s())
            step.state, step.reason = DONE, ""
        else:
            step.state, step.reason = FAILED, f"read_back: {back:g}" if back is not None else ""

    def _unsafe(self, binding: Binding, value: float) -> str | None:
        if binding.access != "rw":
            return "not_writable"
        if binding.low is not None and value < binding.low:
            return f"out_of_limits: {value:g}"
        if binding.high is not None and value > binding.high:
            return f"out_of_limits: {value:g}"
        names = self._index.by_asset[asset_of(binding)]
        return envelope.refusal(binding.kind, value, others=self._latest.of_asset(names))

    def _said(self, asset: str, held: Held) -> list[Note]:
        """Return a report when something changed since the last one."""
        state = held.state if asset in self._book.held else "released"
        said = f"{held.order} {state} {[(s.state, s.reason) for s in held.steps]}"
        if said == held.said:
            return []
        held.said = said
        return [self._report(asset, held, self._now_s(), state)]

    def _report(self, asset: str, held: Held, now_s: float, state: str = "") -> Note:
        steps = [
            {
                "point": s.point,
                "value": s.value,
                "before": s.before,
                "read": self._read(s.point),
                "state": s.state,
                "reason": s.reason,
            }
            for s in held.steps
        ]
        return _note(held.order, asset, state or held.state, now_s, steps, held.cause)

    def _read(self, point: str) -> float | None:
        binding = self._index.by_point.get(point)
        return None if binding is None else self._latest.values.get(binding.key)


def _note(
    order: str, asset: str, state: str, at_s: float, steps: list[dict[str, Any]], cause: str = ""
) -> Note:
    return {
        "type": "stop_report", "order": order, "asset": asset, "state": state, "at": at_s,
        "steps": steps, "cause": cause,
    }  # fmt: skip


def _refused(order: str, why: str, at_s: float) -> Note:
    return {
        "type": "stop_report", "order": order, "asset": "", "state": "refused", "at": at_s,
        "steps": [], "cause": "", "reason": why,
    }  # fmt: skip
