"""All ways in which devices report to this gateway, started and stopped together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from heatloop.edge.config import EdgeConfig
from heatloop.edge.drivers.listener import Listener, ListenerTools
from heatloop.edge.drivers.listener_intake import Intake, Keep
from heatloop.edge.index import ProfileIndex
from heatloop.edge.link_stats import LinkStats
from heatloop.edge.report_book import ReportBook
from heatloop.kernel.errors import ConfigError
from heatloop.protocols.reports.times import zone_of

_BOOK = "reports.log"


class Listeners:
    """The listeners that the settings ask for, and the intake they share.

    Args:
        config: The gateway's settings.
        index: Its profile.
        keep: Spools a batch; returns when it is fsynced.
        now_s: Plant time.
        stats: Counts what was due, came and was refused.
    """

    def __init__(
        self,
        config: EdgeConfig,
        index: ProfileIndex,
        keep: Keep,
        *,
        now_s: Callable[[], float],
        stats: LinkStats,
    ) -> None:
        self.intake = Intake(ReportBook(config.data / _BOOK), keep, now_s, stats)
        self.listeners = make_listeners(config, self.intake)
        self.use(index)

    def use(self, index: ProfileIndex) -> None:
        """Know the devices of this profile from now on."""
        self.intake.use(index)
        for listener in self.listeners:
            listener.use(index)

    async def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin to listen.

        Raises:
            ConfigError: A port is taken, or a folder cannot be used.
        """
        if not self.listeners:
            return
        tasks.create_task(self.intake.run())
        for listener in self.listeners:
            try:
                await listener.start()
            except OSError as error:
                fix = "stop what holds the port, or change it in the settings"
                thing = type(listener).__name__
                raise ConfigError(f"cannot listen: {error}", thing=thing, fix=fix) from error
            tasks.create_task(listener.run())

    async def stop(self) -> None:
        """Stop listening; what was answered is in the spool."""
        for listener in self.listeners:
            await listener.stop()


def make_listeners(config: EdgeConfig, intake: Intake) -> list[Listener]:
    """Return the listeners that the settings ask for; each module is loaded only then.

    Raises:
        ConfigError: The zone does not exist.
    """
    zone_of(config.zone)
    secrets: Path = config.secrets or config.data / "secrets"
    tools = ListenerTools(intake=intake, zone=config.zone, secrets=secrets)
    found: list[Listener] = []
    if config.coap_port:
        from heatloop.edge.drivers.coap import CoapListener

        found.append(CoapListener(tools, config.coap_host, config.coap_port))
    if config.http_port:
        from heatloop.edge.drivers.http import HttpListener, Route
        from heatloop.edge.drivers.http_json import JsonRoute
        from heatloop.edge.drivers.lorawan import LorawanRoute
        from heatloop.edge.drivers.wmbus import WmbusRoute

        routes: dict[str, Route] = {
            "report": JsonRoute(tools),
            "lorawan": LorawanRoute(tools),
            "wmbus": WmbusRoute(tools),
        }
        found.append(
            HttpListener(
                tools,
                config.http_host,
                config.http_port,
                routes,
                certificate=config.http_certificate,
                key=config.http_key,
            )
        )
    if config.wmbus_port:
        from heatloop.edge.drivers.wmbus import WmbusListener

        found.append(WmbusListener(tools, config.wmbus_host, config.wmbus_port))
    if config.file_drop is not None:
        from heatloop.edge.drivers.file_drop import FileDropListener

        found.append(FileDropListener(tools, config.file_drop))
    return found
