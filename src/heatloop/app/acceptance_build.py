"""Builds what devices need from delivery to the check before the season."""

from __future__ import annotations

from typing import TypedDict

from heatloop.app.acceptance import Acceptance
from heatloop.app.acceptance_driver import Bench
from heatloop.app.acceptance_report import Reports
from heatloop.app.alarming import Alarming
from heatloop.app.audit import Audit
from heatloop.app.command_checks import CommandChecks
from heatloop.app.commands import Commands
from heatloop.app.device_life import DeviceLife
from heatloop.app.device_life_delivery import Deliveries
from heatloop.app.history import AsyncHistorian
from heatloop.app.keeping_room import open_files
from heatloop.app.keys import PlatformKeys
from heatloop.app.season_check import SeasonCheck
from heatloop.app.settings import Settings
from heatloop.app.unit_stages import UnitStages
from heatloop.app.workers import Workers
from heatloop.app.world import World
from heatloop.store.records import Records


class DeviceRooms(TypedDict):
    """What stands around the life of devices."""

    devices: DeviceLife
    deliveries: Deliveries
    acceptance: Acceptance
    season: SeasonCheck


def build_acceptance(
    settings: Settings,
    *,
    world: World,
    records: Records,
    historian: AsyncHistorian,
    audit: Audit,
    alarming: Alarming,
    commands: Commands,
    checks: CommandChecks,
    keys: PlatformKeys,
    workers: Workers,
    stages: UnitStages,
) -> DeviceRooms:
    """Return what stands around the life of devices, under the names the platform knows."""
    devices = DeviceLife(world, records, audit, open_files(settings))
    bench = Bench(
        world=world, commands=commands, checks=checks, alarming=alarming, historian=historian
    )
    reports = Reports(
        world=world,
        records=records,
        files=devices.files,
        keys=keys,
        workers=workers,
        company=settings.company,
    )
    acceptance = Acceptance(
        bench=bench,
        records=records,
        audit=audit,
        life=devices,
        stages=stages,
        reports=reports,
        time_zone=settings.company.time_zone,
    )
    return {
        "devices": devices,
        "deliveries": Deliveries(world, records, audit, devices),
        "acceptance": acceptance,
        "season": SeasonCheck(bench, acceptance),
    }
