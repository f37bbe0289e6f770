"""Everything other programs see of the platform, built in one place and run together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from heatloop.app.extensions import Extensions
from heatloop.app.extensions_run import ExtensionRunner
from heatloop.app.open_feed import Feed
from heatloop.app.open_interfaces import Interfaces
from heatloop.app.open_metrics import Metrics
from heatloop.app.open_mqtt import MqttRepublish
from heatloop.app.open_opc_ua import OpcUaOut
from heatloop.app.open_subscribers import Subscribers
from heatloop.app.schedule import Job
from heatloop.app.webhooks import Webhooks

if TYPE_CHECKING:
    from heatloop.app.alarming import Alarming
    from heatloop.app.audit import Audit
    from heatloop.app.history import AsyncHistorian
    from heatloop.app.platform import Platform
    from heatloop.app.sessions import Sessions
    from heatloop.app.settings import Settings
    from heatloop.app.world import World
    from heatloop.store.records import Records

FINDINGS = ("quality.case",)
"""Kinds of logged events that subscribers know as findings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenRoom:
    """The ways out of the platform."""

    feed: Feed
    """Everything new, in order."""
    subscribers: Subscribers
    """Subscriptions of other programs."""
    webhooks: Webhooks
    """Events pushed to others."""
    mqtt_out: MqttRepublish
    """Values and alarms at somebody else's broker."""
    opc_ua: OpcUaOut
    """The OPC UA server."""
    metrics: Metrics
    """Figures for Prometheus."""
    interfaces: Interfaces
    """The state of all of these."""
    runner: ExtensionRunner
    """Plug-ins at work."""
    extensions: Extensions
    """All modules."""

    @classmethod
    def build(
        cls,
        settings: Settings,
        *,
        world: World,
        records: Records,
        historian: AsyncHistorian,
        feed: Feed,
        alarming: Alarming,
        audit: Audit,
        sessions: Sessions,
        extensions: Extensions,
    ) -> Self:
        """Build all of them; nothing runs yet.

        Raises:
            ConfigError: A file named in the settings cannot be read.
        """
        webhooks = Webhooks(world, records, audit, settings.webhooks)

        def tell(kind: str, body: dict[str, Any], asset: str) -> None:
            if kind in FINDINGS:
                feed.event("finding", body, asset)

        webhooks.reader.tell = tell
        return cls(
            feed=feed,
            subscribers=Subscribers(world, historian, feed, alarming, settings.subscribe),
            webhooks=webhooks,
            mqtt_out=MqttRepublish(settings.mqtt_out, world, feed, alarming),
            opc_ua=OpcUaOut(settings.opc_ua, settings.keys, world, feed, sessions),
            metrics=Metrics(settings.metrics.token_file),
            interfaces=Interfaces(),
            runner=ExtensionRunner(extensions, world, feed, alarming),
            extensions=extensions,
        )

    def join(self, platform: Platform) -> None:
        """Take up what needs the whole platform, and the job of strategies."""
        self.metrics.of(platform)
        self.interfaces.of(platform)
        platform.curve.others = self.runner.proposals
        period_s = platform.settings.control.curve_interval_s
        platform.schedule.add(
            Job(name="strategies", period_s=period_s, run=self.runner.propose, least_pause_s=1.0)
        )

    async def run(self) -> None:
        """Work until cancelled."""
        await self.extensions.load()
        async with asyncio.TaskGroup() as tasks:
            for name, part in (
                ("webhooks", self.webhooks.run()),
                ("mqtt out", self.mqtt_out.run()),
                ("opc ua", self.opc_ua.run()),
                ("extensions", self.runner.run()),
            ):
                tasks.create_task(part, name=name)
