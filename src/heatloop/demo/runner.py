"""Running a city: free, on a clock everybody shares, or in lockstep, tick by tick."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import numpy as np

from heatloop.demo.checkpoint import save_city
from heatloop.demo.city import City
from heatloop.demo.clock_service import ClockService
from heatloop.demo.faults import parse_fault
from heatloop.demo.field import Field
from heatloop.demo.forecasts import forecast
from heatloop.kernel.clock import ClockState, machine_s, utc
from heatloop.kernel.errors import InputError

TICK_S = 30
FASTEST_FREE = 60.0
_KEEP_TICKS = 20
_KEEP_MACHINE_S = 20.0
_MOST_REPORTS_OPEN = 128
_LONGEST_PAUSE_S = 300.0


class Runner:
    """Moves a city on its clock and answers its control door.

    Args:
        city: The city.
        field: Its devices.
        folder: The demo's data folder.
        clock: The clock to go on with, or to start with.
    """

    def __init__(self, city: City, field: Field, folder: Path, clock: ClockState) -> None:
        self.city, self.field = city, field
        self._folder = folder
        self.service = ClockService(city.ledger.gateways, self._control, clock)
        field.clock_s = lambda: self.service.state.plant_s(machine_s())
        self._stop = asyncio.Event()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Run until told to stop, then keep the state."""
        await self.field.start()
        self._catch_up()
        await self.service.start(self._folder / "run" / "city.sock")
        try:
            while not self._stop.is_set():
                self._changed.clear()
                lockstep = self.service.state.lockstep
                await self._until_changed(self._lockstep() if lockstep else self._free())
        finally:
            self.keep()
            await self.service.stop()
            await self.field.close()

    async def _until_changed(self, moving: Coroutine[Any, Any, None]) -> None:
        """Move until speed or mode changes, or all ends; an error in moving ends all."""
        work = asyncio.create_task(moving)
        change = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({work, change}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Both only ever wait; a step of the city itself is never cut in two.
            work.cancel()
            change.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stop.set()
        self._changed.set()

    def keep(self) -> None:
        """Write the checkpoint."""
        extra = {"counter": self.field.collectors.counter}
        save_city(self.city, self._folder / "city" / "state.npz", self.service.state, extra)

    def _catch_up(self) -> None:
        """Come to the clock's present after a restart of the city alone.

        Time went on for everybody else meanwhile. After a longer pause everybody was stopped:
        then a new epoch begins where the city was, as if nothing had happened.
        """
        state = self.service.state
        now_s = state.plant_s(machine_s())
        if not state.lockstep and now_s - self.city.now_s > _LONGEST_PAUSE_S * state.speed:
            self.service.state = self._state(
                lockstep=False, speed=state.speed, epoch=state.epoch + 1
            )
            return
        while self.city.now_s < now_s - 1e-6:
            self._move(min(float(TICK_S), now_s - self.city.now_s), report=False)

    def _move(self, dt_s: float, *, report: bool = True) -> None:
        before_s = self.city.now_s
        self.city.step(dt_s)
        if report:
            self.field.moved(before_s)

    async def _free(self) -> None:
        """Move with the shared clock: every second, or in larger steps when faster."""
        kept_s = machine_s()
        while True:
            state = self.service.state
            step_s = min(max(state.speed, 1.0), float(TICK_S))
            # Whole multiples of the step, so that slots fall on steps.
            goal_s = (self.city.now_s // step_s + 1) * step_s
            await asyncio.sleep(max(state.machine_at(goal_s) - machine_s(), 0.0))
            self._move(goal_s - self.city.now_s)
            if machine_s() - kept_s > _KEEP_MACHINE_S:
                kept_s = machine_s()
                self.keep()

    async def _lockstep(self) -> None:
        """Move tick by tick, each when every gateway is done with the last."""
        ticks = 0
        slot = int(self.city.now_s)
        while True:
            await self.service.wait_done(slot)
            await self.field.reports_below(_MOST_REPORTS_OPEN)
            if self._changed.is_set():
                return  # Another tick would undo the change of speed that was just told.
            slot += TICK_S
            self._move(slot - self.city.now_s)
            state = self._state(lockstep=True, speed=0.0, epoch=self.service.state.epoch)
            (self._folder / "city" / "tick").write_text(str(slot))
            self.service.publish_tick(slot, state)
            ticks += 1
            if ticks % _KEEP_TICKS == 0:
                self.keep()

    def _state(self, *, lockstep: bool, speed: float, epoch: int) -> ClockState:
        return ClockState(
            epoch=epoch,
            origin_machine_s=machine_s(),
            origin_plant_s=self.city.now_s,
            speed=speed,
            lockstep=lockstep,
        )

    async def _control(self, message: dict[str, Any]) -> dict[str, Any]:
        """Answer one control request."""
        city = self.city
        try:
            match message:
                case {"op": "status"}:
                    return self.status()
                case {"op": "speed", "speed": int() | float() as speed}:
                    self._set_speed(float(speed))
                    return self.status()
                case {"op": "weather"}:
                    names = ("offset_k", "wind_factor", "cloud_factor")
                    city.set_weather(**{n: float(message[n]) for n in names if n in message})
                    return self.status()
                case {"op": "forecast", "hours": int(hours)}:
                    return forecast(
                        city.winter, city.weather_settings, city.seed, city.now_s, hours
                    )
                case {"op": "fault", "id": str(fault_id), "active": bool(active)}:
                    city.switch_fault(fault_id, active)
                    self.field.moved(city.now_s)
                    return self.status()
                case {"op": "registers", "device": str(code), "start": int(start)}:
                    if "words" in message:
                        self.field.put(code, start, [int(word) for word in message["words"]])
                    count = len(message.get("words", ())) or int(message.get("count", 1))
                    return {"words": self.field.registers(code, start, count)}
                case {"op": "stop"}:
                    asyncio.get_running_loop().call_later(0.05, self.stop)
                    return {}
        except (TypeError, ValueError) as error:
            raise InputError(f"malformed request: {error}", thing=str(message["op"])) from error
        raise InputError(
            "unknown control request",
            thing=str(message.get("op")),
            fix="use status, speed, weather, forecast, fault, registers or stop",
        )

    def _set_speed(self, speed: float) -> None:
        """Change speed: up to 60 free, above it in lockstep as fast as everybody can."""
        if not 0.0 < speed <= 1e6:
            raise InputError("speed must be positive", thing=str(speed), fix="give 1 to 60")
        lockstep = speed > FASTEST_FREE
        if lockstep:
            # Ticks are whole slots.
            self._move((-self.city.now_s) % TICK_S or float(TICK_S))
        elif not self.service.state.lockstep:
            now_s = self.service.state.plant_s(machine_s())
            if now_s > self.city.now_s:
                self._move(now_s - self.city.now_s)
        epoch = self.service.state.epoch + 1
        self.service.publish(
            self._state(lockstep=lockstep, speed=0.0 if lockstep else speed, epoch=epoch)
        )
        self._changed.set()

    def status(self) -> dict[str, Any]:
        """Return the city's condition as plain values."""
        city, state = self.city, self.service.state
        offered = {fault.id: fault for fault in city.offered}
        active = city.faults.active
        weather = city.weather
        flats = city.works.rooms.zone_c[: len(city.streets.flats.building)]
        return {
            "seed": city.seed,
            "size": city.size,
            "speed": state.speed,
            "lockstep": state.lockstep,
            "epoch": state.epoch,
            "plant_s": city.now_s,
            "plant_time": utc(city.now_s).isoformat().replace("+00:00", "Z"),
            "waiting_for": sorted(self.service.waiting_for(int(city.now_s)))
            if state.lockstep
            else [],
            "reports_pending": self.field.reporter.pending if self.field.reporter else 0,
            "faults": [f.to_dict(f.id in active) for f in offered.values()]
            + [parse_fault(i).to_dict(True) for i in active if i not in offered],
            "weather": {
                "outdoor_c": round(weather.outdoor_c, 2),
                "wind_ms": round(weather.wind_ms, 2),
                "sun_w_m2": round(weather.sun_w_m2, 1),
                "cloud": round(weather.cloud, 3),
                "offset_k": city.weather_settings.offset_k,
                "wind_factor": city.weather_settings.wind_factor,
                "cloud_factor": city.weather_settings.cloud_factor,
            },
            "rooms": {
                "mean_c": round(float(np.mean(flats)), 2),
                "share_18_pct": round(100.0 * float(np.mean(flats >= 18.0)), 1),
            },
        }
