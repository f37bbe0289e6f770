"""Notes from gateways: command reports, alarms, gaps and events, each to whoever keeps it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from heatloop.app.alarming import Alarming
from heatloop.app.commands import Commands
from heatloop.app.edge_rules import EdgeRules
from heatloop.app.emergency import Emergency
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.link_notes import read_report
from heatloop.app.patience import until_done
from heatloop.app.quarantine import Quarantine
from heatloop.app.world import World
from heatloop.kernel.errors import InputError
from heatloop.kernel.messages import Alarm
from heatloop.store.historian.port import EventRow
from heatloop.store.records import Records

_MOST_TEXT = 1000


class Notes:
    """Takes notes in the order they were written; every kind may come twice without harm."""

    def __init__(
        self,
        *,
        world: World,
        records: Records,
        historian: AsyncHistorian,
        alarming: Alarming,
        commands: Commands,
        quarantine: Quarantine,
    ) -> None:
        self._world, self._records, self._historian = world, records, historian
        self._alarming, self._commands = alarming, commands
        self._quarantine = quarantine
        self.edge_rules: EdgeRules | None = None
        """Keeps what gateways say of their rules; set by whoever builds both."""
        self.emergency: Emergency | None = None
        """Keeps what gateways say of emergency stops; set by whoever builds both."""
        self.heard: Callable[[str, Mapping[str, Any]], None] | None = None
        """Told what gateways count of their links; set by whoever watches for attacks."""
        self._order = asyncio.Lock()

    async def take(self, notes: list[tuple[str, list[dict[str, Any]]]]) -> None:
        """Take the notes of several envelopes; one that is malformed is set aside alone."""
        async with self._order:
            events: list[EventRow] = []
            for gateway, each in notes:
                for note in each:
                    try:
                        await self._one(gateway, note, events)
                    except (InputError, KeyError, TypeError, ValueError) as error:
                        detail = f"{type(error).__name__} {error}: {str(note)[:300]}"
                        await self._quarantine.add(gateway, "bad_note", detail, 1)
            if events:
                await until_done("historian", lambda: self._historian.append_events(events))

    async def _one(self, gateway: str, note: dict[str, Any], events: list[EventRow]) -> None:
        body = {name: value for name, value in note.items() if name != "type"}
        match note.get("type"):
            case "command_report":
                await self._commands.report(gateway, body)
            case "alarm":
                alarm = Alarm.from_dict(body)
                self._own(gateway, alarm.subject)
                await self._alarming.from_edge(alarm)
            case "alarm_clear":
                if isinstance(body.get("alarm"), dict):
                    # It may overtake the note that raised it.
                    alarm = Alarm.from_dict(body["alarm"])
                    self._own(gateway, alarm.subject)
                    await self._alarming.from_edge(alarm)
                await self._alarming.cleared_at_edge(str(body["id"]), float(body["at"]))
            case "gap":
                await self._gap(gateway, body)
            case "link_stats":
                report = read_report(gateway, body, self._world.ledger)
                if self.heard is not None:
                    self.heard(gateway, body)
                await until_done("records", lambda: in_thread(self._records.links.put, report))
            case "stop_report" if self.emergency is not None:
                await self.emergency.report(gateway, body)
            case "rules" if self.edge_rules is not None:
                await self.edge_rules.report(gateway, body)
            case "event":
                events.append(self._event(gateway, body))
            case other:
                raise InputError("unknown note", thing=str(other))

    def _own(self, gateway: str, subject: str) -> None:
        """Refuse a note about something that another gateway is responsible for."""
        ledger = self._world.ledger
        if subject == gateway:
            return
        if subject in ledger.points:
            own = ledger.gateway_of(subject) == gateway
        elif subject in ledger.devices:
            own = ledger.devices[subject].gateway == gateway
        else:
            own = subject in ledger.assets and self._answers_for(gateway, subject)
        if own:
            return
        raise InputError("not a thing of this gateway", thing=subject)

    def _answers_for(self, gateway: str, asset: str) -> bool:
        """Return whether a gateway reads a device on an asset, above it or below it."""
        ledger = self._world.ledger
        chain = [asset]
        while (parent := ledger.assets[chain[-1]].parent) in ledger.assets:
            chain.append(parent)
        near = (*chain, *(each.code for each in ledger.below(asset)))
        return any(d.gateway == gateway for code in near for d in ledger.devices_of(code))

    async def _gap(self, gateway: str, body: dict[str, Any]) -> None:
        device = str(body["device"])
        self._own(gateway, device)
        start, end = int(body["slots_from"]), body.get("slots_to")
        await until_done(
            "records",
            lambda: in_thread(
                self._records.gaps.put,
                gateway=gateway,
                device=device,
                slots_from=start,
                slots_to=None if end is None else int(end),
                cause=str(body["cause"])[:80],
            ),
        )

    def _event(self, gateway: str, body: dict[str, Any]) -> EventRow:
        subject = str(body.get("point") or body.get("asset") or gateway)
        self._own(gateway, subject)
        point = self._world.ledger.points.get(subject)
        return EventRow(
            key=point.key if point is not None else 0,
            at_ms=int(body["at_ms"]),
            subject=subject,
            text=str(body["text"])[:_MOST_TEXT],
        )
