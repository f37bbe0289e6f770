"""Builds the command door and the emergency stop behind it."""

from __future__ import annotations

from typing import TypedDict

from heatloop.app.alarming import Alarming
from heatloop.app.audit import Audit
from heatloop.app.audit_journal import Journal
from heatloop.app.command_alarms import CommandAlarms
from heatloop.app.command_checks import CommandChecks
from heatloop.app.command_door import CommandDoor
from heatloop.app.command_gate import CommandGate
from heatloop.app.command_physics import Physics
from heatloop.app.commands import Commands
from heatloop.app.emergency import Emergency
from heatloop.app.emergency_books import DoorBooks
from heatloop.app.emergency_orders import OrderFile
from heatloop.app.emergency_views import EmergencyBook
from heatloop.app.keys import PlatformKeys
from heatloop.app.links import Links
from heatloop.app.security_events import SecurityEvents
from heatloop.app.settings import Settings
from heatloop.app.twin_job import Twin
from heatloop.app.world import World
from heatloop.store.records import Records


class DoorRooms(TypedDict):
    """What stands around the command door."""

    door: CommandDoor
    emergency: Emergency
    emergency_book: EmergencyBook


def build_door(
    settings: Settings,
    *,
    world: World,
    records: Records,
    audit: Audit,
    alarming: Alarming,
    commands: Commands,
    checks: CommandChecks,
    twin: Twin,
    links: Links,
    keys: PlatformKeys,
    books: DoorBooks,
    journal: Journal,
    events: SecurityEvents,
) -> DoorRooms:
    """Return what stands around the command door, under the names the platform knows.

    From here on checks refuse what an emergency stop holds, and forged commands are events.
    """
    alarms = CommandAlarms(world, alarming)
    proof_s = 60.0 * getattr(settings.session, "proof_minutes", 5.0)
    gate = CommandGate(world, audit, alarms, settings.door, proof_s)
    door = CommandDoor(
        world=world,
        records=records,
        commands=commands,
        checks=checks,
        physics=Physics(world, twin, settings.door),
        gate=gate,
        settings=settings.door,
    )
    gate.events = commands.events = events
    emergency = Emergency(
        world=world,
        records=records,
        links=links,
        keys=keys,
        books=books,
        gate=gate,
        alarms=alarms,
        journal=journal,
        settings=settings.door,
        file=OrderFile(settings.data / "emergency" / "orders.json"),
    )
    checks.stopped = emergency.stopped
    return {
        "door": door,
        "emergency": emergency,
        "emergency_book": EmergencyBook(world, links, emergency),
    }
