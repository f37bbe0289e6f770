"""Gives an outside broker what is new, from the feed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from heatloop.app.alarm_views import plain
from heatloop.app.alarming import Alarming
from heatloop.app.latest import positions_of
from heatloop.app.open_feed import Entry, Feed
from heatloop.app.open_scope import chosen_assets, chosen_points
from heatloop.app.open_settings import MqttOutSettings, words
from heatloop.app.views.interfaces import InterfaceState
from heatloop.app.world import World
from heatloop.bridge.mqtt_out import ClosingSocket, MqttOut, OutBroker
from heatloop.bridge.mqtt_out_topics import alarm_payload, alarm_topic, out_point
from heatloop.kernel.clock import utc
from heatloop.kernel.errors import ConfigError
from heatloop.kernel.scope import Scope
from heatloop.kernel.series import Columns
from heatloop.plant.kinds import point_kinds
from heatloop.plant.ledger import Ledger

_WAIT_S, _ENTRIES, _MOST_ALARMS = 2.0, 64, 100_000
_EVERYTHING = Scope.everything()


class MqttRepublish:
    """Follows the feed and hands everything chosen to the broker's thread.

    Args:
        settings: Broker and what goes there.
        world: Ledger and latest values.
        feed: What is new.
        alarming: Open alarms.
    """

    def __init__(
        self, settings: MqttOutSettings, world: World, feed: Feed, alarming: Alarming
    ) -> None:
        self._settings, self._world, self._feed = settings, world, feed
        self._alarming = alarming
        self._out: MqttOut | None = None
        self._ledger: Ledger | None = None
        self._assets: frozenset[str] | None = None
        self._wanted = np.zeros(1, bool)
        self._open: dict[str, bytes] = {}
        self._skipped = 0

    async def run(self) -> None:
        """Work until cancelled; without a broker in the settings there is nothing to do.

        Raises:
            ConfigError: A file cannot be read, or an asset or kind does not exist.
        """
        if not self._settings.url:
            await asyncio.Event().wait()
        out = MqttOut(_broker(self._settings), self._latest, self._alarms)
        self._out = out
        seq = self._feed.head
        await asyncio.to_thread(self._install)
        await self._load_alarms()
        out.start()
        try:
            while True:
                await self._feed.wait(seq, _WAIT_S)
                if self._world.ledger is not self._ledger:
                    await asyncio.to_thread(self._install)
                if seq + 1 < self._feed.oldest:
                    self._skipped += self._feed.oldest - 1 - seq
                    seq = self._feed.oldest - 1
                entries = self._feed.after(seq, _ENTRIES)
                for entry in entries:
                    self._take(out, entry)
                    seq = entry.seq
                await asyncio.sleep(0)
        finally:
            await asyncio.to_thread(out.stop)

    def _install(self) -> None:
        world, settings, kinds = self._world, self._settings, point_kinds()
        ledger = world.ledger
        assets = chosen_assets(world, words(settings.assets), "mqtt_out.assets")
        points = chosen_points(world, assets, words(settings.kinds), "mqtt_out.kinds")
        made = {
            p.key: out_point(p.code, p.asset, p.kind, p.n, kinds[p.kind].unit, p.key)
            for p in points
        }
        wanted = np.zeros(max(made, default=0) + 2, bool)
        wanted[list(made)] = True
        self._assets, self._wanted, self._ledger = assets, wanted, ledger
        if self._out is not None:
            self._out.points = made

    async def _load_alarms(self) -> None:
        page = await self._alarming.page(_EVERYTHING, True, None, "", 1, _MOST_ALARMS)
        for item in page.items:
            self._keep(item.subject, plain(item))

    def _keep(self, asset: str, data: Mapping[str, object]) -> tuple[str, bytes] | None:
        if not self._settings.alarms or (self._assets is not None and asset not in self._assets):
            return None
        topic = alarm_topic(self._settings.prefix, asset, str(data["id"]))
        payload = alarm_payload(data)
        if payload:
            self._open[topic] = payload
        else:
            self._open.pop(topic, None)
        return topic, payload

    def _take(self, out: MqttOut, entry: Entry) -> None:
        if entry.columns is not None:
            out.put(self._newest(entry.columns))
        elif entry.name == "alarm" and entry.data is not None:
            said = self._keep(entry.asset, entry.data)
            if said is not None:
                out.say(*said)

    def _newest(self, columns: Columns) -> Columns:
        """Return the chosen rows nothing newer is known of: what a broker keeps is the present."""
        latest = self._world.latest
        chosen = columns.take(self._wanted[np.minimum(columns.keys, len(self._wanted) - 1)])
        at = latest.index.find(chosen.keys)
        return chosen.take((at >= 0) & (chosen.slots >= latest.slots[at]))

    def _latest(self) -> Columns:
        """Return the latest of every chosen point that has a value; called in a thread."""
        latest = self._world.latest
        out = self._out
        at = positions_of(latest.index, out.points if out is not None else ())
        at = at[latest.slots[at] > 0]
        return Columns(
            latest.index.keys[at], latest.slots[at], latest.values[at], latest.quality[at]
        )

    def _alarms(self) -> Mapping[str, bytes]:
        return dict(self._open)  # in one step, as the other thread needs it

    def state(self) -> InterfaceState:
        """Return how it does."""
        out, settings = self._out, self._settings
        at = out.last_error_at if out is not None else None
        form = f"Sparkplug B, group {settings.group}" if settings.sparkplug else "JSON"
        return InterfaceState(
            name="mqtt_out",
            zh="MQTT 转发",
            en="MQTT republish",
            enabled=bool(settings.url),
            connected=out is not None and out.online,
            clients=0,
            sent=out.sent if out is not None else 0,
            dropped=(out.dropped if out is not None else 0) + self._skipped,
            waiting=out.waiting if out is not None else 0,
            last_error=out.last_error if out is not None else "",
            last_error_at=None if at is None else utc(at),
            address=settings.url,
            detail=f"{len(out.points)} points, {form}" if out is not None else "",
        )


def _broker(settings: MqttOutSettings) -> OutBroker:
    tls: ssl.SSLContext | None = None
    try:
        file = settings.password_file
        password = Path(file).read_text("utf-8").strip() if file else ""
        if settings.url.startswith("mqtts:"):
            tls = ssl.create_default_context(cafile=settings.ca_file or None)
            tls.minimum_version = ssl.TLSVersion.TLSv1_2
            tls.sslsocket_class = ClosingSocket
            if settings.certificate_file:
                tls.load_cert_chain(settings.certificate_file, settings.key_file)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"file cannot be read: {error}", thing="mqtt_out") from error
    return OutBroker(
        url=settings.url,
        user=settings.user,
        password=password,
        tls=tls,
        prefix=settings.prefix,
        group=settings.group if settings.sparkplug else "",
        queue=settings.queue,
    )
