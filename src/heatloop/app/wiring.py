"""Builds the platform: the one place where services are made and given to each other."""

from __future__ import annotations

import asyncio
from pathlib import Path

from heatloop.app.acceptance_build import build_acceptance
from heatloop.app.alarming import Alarming
from heatloop.app.audit_journal import Journal
from heatloop.app.audit_room import AuditRoom
from heatloop.app.audit_settings import chain_algorithm
from heatloop.app.carriers_mqtt import MqttCarrier
from heatloop.app.command_build import build_door
from heatloop.app.command_checks import CommandChecks
from heatloop.app.command_second import SecondKey
from heatloop.app.commands import Commands
from heatloop.app.curve_job import CurveJob
from heatloop.app.dispatch_build import add_dispatch_jobs, build_dispatch, dispatch_rooms
from heatloop.app.dispatch_keeping import DispatchKeeping
from heatloop.app.edge_rules import EdgeRules
from heatloop.app.emergency_books import DoorBooks
from heatloop.app.export_seal import ExportSeals
from heatloop.app.extensions import Extensions
from heatloop.app.extensions_own import GatedSchedule
from heatloop.app.field_probes import FieldProbes
from heatloop.app.fleet import Fleet
from heatloop.app.forecast_build import add_forecast_jobs, build_forecasts
from heatloop.app.gap_audit import GapAudit
from heatloop.app.gateway_certificates import GatewayCertificates
from heatloop.app.gateways import Gateways
from heatloop.app.governance import Governance
from heatloop.app.governance_audit import WatchedAudit
from heatloop.app.health import HealthReport
from heatloop.app.history import AsyncHistorian
from heatloop.app.identity_room import IdentityRoom
from heatloop.app.import_service import Imports
from heatloop.app.intake import Intake
from heatloop.app.jobs import add_jobs
from heatloop.app.keeping_room import KeepingRoom
from heatloop.app.key_room import KeyRoom
from heatloop.app.keys import FIRST_LOGIN, PlatformKeys, load_keys, write_secret
from heatloop.app.lag import LagWatch
from heatloop.app.leak_watch import LeakWatch
from heatloop.app.ledger_admin import Ledgers, load_ledger
from heatloop.app.link_watch import LinkWatch
from heatloop.app.links import Links
from heatloop.app.loop import Loop
from heatloop.app.models_build import add_models_job, build_models
from heatloop.app.notes import Notes
from heatloop.app.open_feed import Feed, FeedHub, tapped
from heatloop.app.open_room import OpenRoom
from heatloop.app.people import People, make_first_login
from heatloop.app.platform import Platform
from heatloop.app.quarantine import Quarantine
from heatloop.app.queries.bulk import Bulk
from heatloop.app.room_levels_build import add_room_levels, build_room_levels
from heatloop.app.savings_build import add_savings, build_savings
from heatloop.app.secondary_balance import SecondaryBalance
from heatloop.app.secondary_balance_export import BalanceExport
from heatloop.app.security_events import SecurityEvents
from heatloop.app.sessions import Sessions
from heatloop.app.settings import Settings
from heatloop.app.standby import Alone, Shared, Standing
from heatloop.app.strategy import Strategy
from heatloop.app.strategy_build import add_strategy
from heatloop.app.strategy_views import StrategyViews
from heatloop.app.sync import Sync, add_sync_job
from heatloop.app.twin_job import Twin
from heatloop.app.unit_stages import UnitStages
from heatloop.app.watch_room import WatchRoom
from heatloop.app.weather_build import add_weather_job, build_weather
from heatloop.app.workers import Workers
from heatloop.app.world import World
from heatloop.app.zones import Zones
from heatloop.kernel.clock import SharedClock
from heatloop.store.historian.client import HistorianClient
from heatloop.store.historian.follower import FollowedClient
from heatloop.store.records import Records


def open_records(settings: Settings) -> tuple[Records, PlatformKeys]:
    """Return records and keys, made and upgraded as needed; the first start makes `admin`.

    The password of the first login stands in `keys/first-login.txt` until it is changed.

    Raises:
        ConfigError: A key file is damaged, or the records were written by a newer version.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    keys = load_keys(settings.keys, settings.crypto.suite)
    records = Records.open(settings.records_url)
    keys.serve(records.sealer)
    password = make_first_login(records)
    if password is not None:
        write_secret(settings.keys / FIRST_LOGIN, f"admin\n{password}\n".encode())
    return records, keys


def _historian(settings: Settings) -> HistorianClient:
    """Return the historian of this installation, with its follower if there is one."""
    follower = settings.storage.follower_socket
    if not follower:
        return HistorianClient(settings.historian_socket)
    folder = settings.data / "follower-journals"
    return FollowedClient(settings.historian_socket, Path(follower), folder)


def build_platform(
    settings: Settings,
    *,
    clock: SharedClock | None = None,
    historian: AsyncHistorian | None = None,
) -> Platform:
    """Build every service; nothing runs yet.

    Args:
        settings: Settings of the installation.
        clock: Plant clock; None for the machine's.
        historian: Time series; None for the historian process of this installation.

    Raises:
        ConfigError: The installation cannot be started with these settings.
    """
    records, keys = open_records(settings)
    world = World(clock or SharedClock(), load_ledger(records))
    feed = Feed(settings.subscribe.kept_rows)
    source = historian or _historian(settings)
    series = tapped(source, feed)
    hub, links, lag = FeedHub(settings.server.max_streams, feed), Links(), LagWatch()
    standing: Standing = (
        Shared(settings.redundancy, records, source)
        if settings.redundancy.enabled
        else Alone(settings.redundancy, source)
    )
    records.audit.use_algorithm(chain_algorithm(settings.audit, settings.crypto.suite))
    journal = Journal(settings.data / "audit-journal", keys)
    audit, quarantine = WatchedAudit(records, journal), Quarantine(records)
    checks = CommandChecks(world)
    alarming = Alarming(world, records, hub, audit)
    security_events = SecurityEvents(world, records, alarming)
    second_key = SecondKey(settings.keys) if settings.door.second_signature else None
    commands = Commands(
        world=world,
        records=records,
        hub=hub,
        audit=audit,
        links=links,
        keys=keys,
        checks=checks,
        expiry_s=settings.control.command_expiry_s,
        next_counter=standing.next_counter,
        second=second_key,
    )
    notes = Notes(
        world=world,
        records=records,
        historian=series,
        alarming=alarming,
        commands=commands,
        quarantine=quarantine,
    )
    loop = Loop(
        world=world,
        hub=hub,
        historian=series,
        alarming=alarming,
        commands=commands,
        notes=notes,
        quarantine=quarantine,
    )
    certificates = GatewayCertificates(settings, records, audit)
    gateways = Gateways(world, records, audit, links, keys, certificates)
    edge_rules = EdgeRules(world, records, audit, links, keys)
    books = DoorBooks(
        world=world,
        keys=keys,
        links=links,
        settings=settings.door,
        second=second_key,
        path=settings.data / "emergency" / "ledger.json",
    )
    notes.edge_rules = edge_rules
    intake = Intake(loop, gateways.persist, world.now_s)
    people = People(world, records, audit)
    workers = Workers(settings.twin.workers)
    # What people ask of the network must not wait behind a night's judging and reports.
    twin_workers = Workers(settings.twin.workers)
    tasks: set[asyncio.Task[None]] = set()

    def ledger_changed() -> None:
        loop.install()
        for job in (gateways.send_profiles(), books.send_all()):
            task = asyncio.get_running_loop().create_task(job)
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    extensions = Extensions(world, series, records, audit, settings.extensions)
    schedule = GatedSchedule(world.clock, records, extensions.runs)
    sessions = Sessions(records, people, audit, settings, keys.data, settings.keys / FIRST_LOGIN)
    sessions.note = security_events.note
    ledgers = Ledgers(world, records, audit, ledger_changed)
    stages = UnitStages(world, records, audit)
    device_rooms = build_acceptance(
        settings,
        world=world,
        records=records,
        historian=series,
        audit=audit,
        alarming=alarming,
        commands=commands,
        checks=checks,
        keys=keys,
        workers=workers,
        stages=stages,
    )
    twin = Twin(world, series, hub, twin_workers, settings.twin)
    door_rooms = build_door(
        settings,
        world=world,
        records=records,
        audit=audit,
        alarming=alarming,
        commands=commands,
        checks=checks,
        twin=twin,
        links=links,
        keys=keys,
        books=books,
        journal=journal,
        events=security_events,
    )
    notes.emergency = door_rooms["emergency"]
    leaks = LeakWatch(world, series, alarming, hub)
    zones = Zones.build(
        settings.zones,
        settings.keys,
        settings.crypto.suite,
        world=world,
        records=records,
        historian=series,
        leaks=leaks,
        hub=hub,
        audit=audit,
        security=security_events,
    )
    weather = build_weather(
        settings,
        world=world,
        records=records,
        historian=series,
        hub=hub,
        audit=audit,
        alarming=alarming,
    )
    balance = SecondaryBalance(world, series)
    strategy = Strategy(
        world,
        records,
        weather,
        workers,
        audit,
        settings.strategy,
        settings.prices,
        wishes=zones.wishes.shifts,
    )
    fleet = Fleet(settings.fleet)
    dispatch = build_dispatch(settings, world=world, records=records, audit=audit, workers=workers)
    model_room = build_models(
        settings,
        fleet=fleet,
        world=world,
        records=records,
        historian=series,
        audit=audit,
    )
    platform = Platform(
        settings=settings,
        keys=keys,
        world=world,
        records=records,
        historian=series,
        hub=hub,
        links=links,
        loop=loop,
        intake=intake,
        gateways=gateways,
        key_room=KeyRoom(keys, records, audit, gateways),
        exports=ExportSeals(settings.crypto, keys.suite, audit),
        gap_audit=GapAudit(world, series, records, links, settings.company.time_zone),
        link_watch=LinkWatch(world, records, alarming),
        mqtt=MqttCarrier(settings.mqtt, gateways, intake, links, keys),
        alarming=alarming,
        commands=commands,
        **door_rooms,
        leaks=leaks,
        twin=twin,
        workers=workers,
        stages=stages,
        **device_rooms,
        curve=CurveJob(world, records, commands, checks),
        ledgers=ledgers,
        probes=FieldProbes(audit),
        sessions=sessions,
        people=people,
        identity=IdentityRoom.build(
            settings, records=records, people=people, audit=audit, sessions=sessions
        ),
        audit=audit,
        audit_room=AuditRoom.build(
            settings,
            world=world,
            records=records,
            audit=audit,
            alarming=alarming,
            keys=keys,
            workers=workers,
        ),
        bulk=Bulk(world, series, audit, settings.company, Governance(world, records, audit).guard),
        imports=Imports(world, series, audit, settings.data / "imports"),
        health=HealthReport(
            world=world,
            links=links,
            hub=hub,
            intake=intake,
            historian=series,
            records=records,
            lag=lag,
            schedule=schedule,
            company=settings.company,
            standing=standing,
        ),
        edge_rules=edge_rules,
        schedule=schedule,
        standing=standing,
        keeping=KeepingRoom.build(
            settings,
            world=world,
            records=records,
            historian=series,
            alarming=alarming,
            audit=audit,
            files=device_rooms["devices"].files,
            schedule=schedule,
        ),
        lag=lag,
        outside=OpenRoom.build(
            settings,
            world=world,
            records=records,
            historian=series,
            feed=feed,
            alarming=alarming,
            audit=audit,
            sessions=sessions,
            extensions=extensions,
        ),
        weather=weather,
        **build_forecasts(
            settings,
            fleet=fleet,
            world=world,
            records=records,
            historian=series,
            weather=weather,
            alarming=alarming,
            audit=audit,
            strategy=strategy,
        ),
        **model_room,
        **build_savings(
            settings,
            fleet=fleet,
            world=world,
            records=records,
            historian=series,
            audit=audit,
            models=model_room["models"],
        ),
        strategy=strategy,
        strategy_views=StrategyViews(world, records, strategy),
        balance=balance,
        balance_export=BalanceExport(balance, audit, settings.company),
        **build_room_levels(
            settings,
            fleet=fleet,
            world=world,
            records=records,
            historian=series,
            audit=audit,
        ),
        dispatch=dispatch,
        dispatch_keeping=DispatchKeeping(world, records, audit),
        **dispatch_rooms(
            settings,
            world=world,
            records=records,
            historian=series,
            audit=audit,
            door=door_rooms["door"],
            workers=workers,
            dispatch=dispatch,
        ),
        sync=Sync(world, records, audit, ledgers, settings.sync),
        zones=zones,
        security_events=security_events,
        watch=WatchRoom.build(
            settings,
            world=world,
            records=records,
            events=security_events,
            audit=audit,
            quarantine=quarantine,
            notes=notes,
            schedule=schedule,
        ),
    )
    platform.curve.wishes = zones.wishes.shifts
    platform.curve.wish_most_k = settings.zones.wish_most_k
    add_jobs(platform)
    platform.outside.join(platform)
    add_weather_job(platform.schedule, platform.weather)
    add_forecast_jobs(platform.schedule, platform.forecasts, platform.deviation)
    platform.strategy.champion = platform.models.champion
    add_models_job(platform.schedule, platform.models)
    add_room_levels(platform)
    add_strategy(platform)
    add_savings(platform)
    add_dispatch_jobs(platform)
    add_sync_job(platform.schedule, platform.sync, settings.sync)
    return platform
