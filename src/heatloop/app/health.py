"""Whether everything works, by layer (clause 4.1), and what the sign-in page may know."""

from __future__ import annotations

import asyncio

from heatloop import __version__
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.intake import Intake
from heatloop.app.lag import LagWatch
from heatloop.app.links import Links
from heatloop.app.live import Hub, LiveEvent
from heatloop.app.schedule import Schedule
from heatloop.app.setting_sections import CompanySettings
from heatloop.app.standby import ACTIVE, STANDBY, Standing
from heatloop.app.views.system import Health, Info, Part
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.errors import HeatloopError
from heatloop.store.records import Records

_LAYERS = ("device", "data", "application")
_PATIENCE_S = 2.0


class HealthReport:
    """Looks at every part."""

    def __init__(
        self,
        *,
        world: World,
        links: Links,
        hub: Hub,
        intake: Intake,
        historian: AsyncHistorian,
        records: Records,
        lag: LagWatch,
        schedule: Schedule,
        company: CompanySettings,
        standing: Standing,
    ) -> None:
        self._world, self._links, self._hub, self._intake = world, links, hub, intake
        self._historian, self._records, self._lag = historian, records, lag
        self._schedule = schedule
        self._company, self._standing = company, standing

    async def report(self) -> Health:
        """Return the state of every part."""
        data = await asyncio.gather(self._historian_part(), self._records_part())
        parts = [*self._gateways(), self._stations(), *data, self._intake_part(), *self._own()]
        layers = {layer: all(part.ok for part in parts if part.layer == layer) for layer in _LAYERS}
        status = "ok" if all(layers.values()) else "degraded"
        return Health(status=status, layers=layers, parts=parts)

    def _gateways(self) -> list[Part]:
        if not self._standing.active:
            return []  # They are connected to the instance that works.
        return [
            Part(
                name=f"gateway {code}",
                layer="device",
                ok=self._links.line(code) is not None,
                detail="connected" if self._links.line(code) is not None else "not connected",
            )
            for code in self._world.ledger.gateways
        ]

    def _stations(self) -> Part:
        stations = self._world.layout.stations.values()
        online = sum(self._world.is_online(station) for station in stations)
        return Part(
            name="stations",
            layer="device",
            ok=online == len(stations),
            detail=f"{online} of {len(stations)} report",
        )

    async def _historian_part(self) -> Part:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                stats = await self._historian.stats()
        except (HeatloopError, OSError, TimeoutError) as error:
            return Part(name="historian", layer="data", ok=False, detail=str(error))
        detail = ", ".join(f"{name} {value}" for name, value in list(stats.items())[:6])
        return Part(name="historian", layer="data", ok=True, detail=detail)

    async def _records_part(self) -> Part:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await in_thread(self._records.ping)
        except (HeatloopError, OSError, TimeoutError) as error:
            return Part(name="records", layer="data", ok=False, detail=str(error))
        return Part(name="records", layer="data", ok=True, detail="answers")

    def _intake_part(self) -> Part:
        figures = self._intake.figures
        return Part(
            name="intake",
            layer="data",
            ok=True,
            detail=f"{figures.rows} samples, {figures.notes} notes, "
            f"{figures.rejected_rows} set aside, {figures.refused} envelopes refused",
        )

    def _role(self) -> str:
        if self._standing.active:
            return ACTIVE
        where = self._standing.active_url
        return f"{STANDBY}, {where} works" if where else STANDBY

    def _own(self) -> list[Part]:
        failed, took = self._schedule.failures, self._schedule.took_s
        words = ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in took.items())
        return [
            Part(
                name="jobs",
                layer="application",
                ok=not failed,
                detail="; ".join(f"{name}: {why}" for name, why in failed.items()) or words,
            ),
            Part(
                name="instance",
                layer="application",
                ok=True,
                detail=self._role(),
            ),
            Part(
                name="web",
                layer="application",
                ok=True,
                detail=f"{len(self._hub)} live streams",
            ),
            Part(
                name="event loop",
                layer="application",
                ok=self._lag.recent_ms < 200.0,
                detail=f"lag {self._lag.recent_ms:.1f} ms, worst {self._lag.worst_ms:.1f} ms",
            ),
        ]

    def info(self) -> Info:
        """Return what the sign-in page may know."""
        return Info(
            version=__version__,
            demo=self._company.demo,
            company_zh=self._company_name()[0],
            company_en=self._company_name()[1],
            time_zone=self._company.time_zone,
            plant_time=utc(self._world.now_s()),
            speed=self._world.clock.state.speed,
        )

    def _company_name(self) -> tuple[str, str]:
        companies = self._world.ledger.of_kind("company")
        if companies:
            return companies[0].zh, companies[0].en
        return self._company.zh, self._company.en

    def clock_event(self) -> LiveEvent:
        """Return plant time and speed for the live stream."""
        at = utc(round(self._world.now_s())).isoformat().replace("+00:00", "Z")
        state = self._world.clock.state
        return LiveEvent(
            name="clock",
            data={
                "plant_time": at,
                "speed": state.speed,
                "lockstep": state.lockstep,
                "demo": self._company.demo,
            },
        )
