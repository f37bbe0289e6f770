"""The platform: every service, built once by `wiring` and given to the web."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heatloop.app.acceptance import Acceptance
    from heatloop.app.alarming import Alarming
    from heatloop.app.audit import Audit
    from heatloop.app.audit_room import AuditRoom
    from heatloop.app.carriers_mqtt import MqttCarrier
    from heatloop.app.command_door import CommandDoor
    from heatloop.app.commands import Commands
    from heatloop.app.curve_job import CurveJob
    from heatloop.app.device_life import DeviceLife
    from heatloop.app.device_life_delivery import Deliveries
    from heatloop.app.dispatch import Dispatch
    from heatloop.app.dispatch_cost import DispatchCost
    from heatloop.app.dispatch_export import SeasonExport
    from heatloop.app.dispatch_keeping import DispatchKeeping
    from heatloop.app.dispatch_order import DispatchOrders
    from heatloop.app.dispatch_season import DispatchSeason
    from heatloop.app.edge_rules import EdgeRules
    from heatloop.app.emergency import Emergency
    from heatloop.app.emergency_views import EmergencyBook
    from heatloop.app.export_seal import ExportSeals
    from heatloop.app.field_probes import FieldProbes
    from heatloop.app.fleet import Fleet
    from heatloop.app.forecast_read import ForecastRead
    from heatloop.app.forecasts import Forecasts
    from heatloop.app.gap_audit import GapAudit
    from heatloop.app.gateways import Gateways
    from heatloop.app.health import HealthReport
    from heatloop.app.history import AsyncHistorian
    from heatloop.app.identity_room import IdentityRoom
    from heatloop.app.import_service import Imports
    from heatloop.app.intake import Intake
    from heatloop.app.keeping_room import KeepingRoom
    from heatloop.app.key_room import KeyRoom
    from heatloop.app.keys import PlatformKeys
    from heatloop.app.lag import LagWatch
    from heatloop.app.leak_watch import LeakWatch
    from heatloop.app.ledger_admin import Ledgers
    from heatloop.app.link_watch import LinkWatch
    from heatloop.app.links import Links
    from heatloop.app.live import Hub
    from heatloop.app.loop import Loop
    from heatloop.app.models import Models
    from heatloop.app.models_views import ModelViews
    from heatloop.app.network_plan import NetworkPlan
    from heatloop.app.open_room import OpenRoom
    from heatloop.app.people import People
    from heatloop.app.plan_deviation import PlanDeviation
    from heatloop.app.queries.bulk import Bulk
    from heatloop.app.room_levels import RoomLevels
    from heatloop.app.room_levels_views import RoomLevelViews
    from heatloop.app.savings import Savings
    from heatloop.app.savings_export import SavingsExport
    from heatloop.app.savings_tuned_run import TunedRun
    from heatloop.app.savings_views import SavingsViews
    from heatloop.app.schedule import Schedule
    from heatloop.app.season_check import SeasonCheck
    from heatloop.app.secondary_balance import SecondaryBalance
    from heatloop.app.secondary_balance_export import BalanceExport
    from heatloop.app.security_events import SecurityEvents
    from heatloop.app.sessions import Sessions
    from heatloop.app.settings import Settings
    from heatloop.app.standby import Standing
    from heatloop.app.strategy import Strategy
    from heatloop.app.strategy_views import StrategyViews
    from heatloop.app.supervision import Supervision
    from heatloop.app.sync import Sync
    from heatloop.app.twin_job import Twin
    from heatloop.app.unit_stages import UnitStages
    from heatloop.app.watch_room import WatchRoom
    from heatloop.app.weather import Weather
    from heatloop.app.workers import Workers
    from heatloop.app.world import World
    from heatloop.app.zones import Zones
    from heatloop.store.records import Records


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """What the web and the process work with."""

    settings: Settings
    """Settings of the installation."""
    keys: PlatformKeys
    """The platform's own secrets."""
    world: World
    """Ledger in force, latest values, plant time."""
    records: Records
    """Everything that is no time series."""
    historian: AsyncHistorian
    """Time series."""
    hub: Hub
    """Open live streams."""
    links: Links
    """Open gateway links."""
    loop: Loop
    """Stages in their order."""
    intake: Intake
    """Entrance of field data."""
    gateways: Gateways
    """Keys and spools of gateways."""
    key_room: KeyRoom
    """Rotation of keys, re-sealing, certificates."""
    exports: ExportSeals
    """How exports go out."""
    gap_audit: GapAudit
    """Whether every expected sample is stored or explained."""
    link_watch: LinkWatch
    """Success and bandwidth of links."""
    mqtt: MqttCarrier
    """Gateways that come by a broker."""
    alarming: Alarming
    """Alarms."""
    commands: Commands
    """Commands."""
    door: CommandDoor
    """What people's commands pass before they are signed."""
    emergency: Emergency
    """Emergency stops."""
    emergency_book: EmergencyBook
    """Emergency stops as people read them."""
    leaks: LeakWatch
    """Leak balances of the water zones."""
    twin: Twin
    """The network as it is now, estimated."""
    workers: Workers
    """Processes for heavy work."""
    stages: UnitStages
    """Strategy stages of units."""
    curve: CurveJob
    """Heating curve strategy."""
    ledgers: Ledgers
    """Import and export of ledgers."""
    probes: FieldProbes
    """Probes of devices, one at a time."""
    sessions: Sessions
    """Who is signed in."""
    people: People
    """Users."""
    identity: IdentityRoom
    """Factors, accounts, programs' keys, the identity provider."""
    devices: DeviceLife
    """Devices from purchase to retirement."""
    deliveries: Deliveries
    """Purchase lists and deliveries."""
    acceptance: Acceptance
    """Functional tests of devices."""
    season: SeasonCheck
    """Checks before the season."""
    audit: Audit
    """Audit trail."""
    audit_room: AuditRoom
    """State, checks, exports and periods of the trail."""
    bulk: Bulk
    """Exports of samples and roll-ups."""
    imports: Imports
    """History brought in from files."""
    health: HealthReport
    """Whether everything works."""
    edge_rules: EdgeRules
    """Rules gateways run by themselves."""
    schedule: Schedule
    """Jobs by plant time."""
    standing: Standing
    """Whether this instance works or stands by."""
    keeping: KeepingRoom
    """Backups, integrity, maintenance and files."""
    lag: LagWatch
    """How late the event loop runs."""
    outside: OpenRoom
    """What other programs see: subscriptions, webhooks, MQTT, OPC UA, metrics, modules."""
    weather: Weather
    """Weather now, forecast and observed."""
    fleet: Fleet
    """Work for many stations at a time."""
    forecasts: Forecasts
    """Forecasts of heat and room temperature."""
    forecast_read: ForecastRead
    """Forecasts as people read them."""
    deviation: PlanDeviation
    """Operation beside its plan."""
    supervision: Supervision
    """Plans, periods and ratios as people read them."""
    dispatch: Dispatch
    """Dispatch of heat sources."""
    dispatch_keeping: DispatchKeeping
    """Prices, costs and outages dispatch works with."""
    network_plan: NetworkPlan
    """Set-points of primary networks."""
    dispatch_orders: DispatchOrders
    """Sends what plans ask of sources through the door."""
    dispatch_season: DispatchSeason
    """The N-1 check and the report before the season."""
    dispatch_cost: DispatchCost
    """Planned and actual cost of heat."""
    season_export: SeasonExport
    """That report as a file."""
    models: Models
    """Learnt models of units."""
    model_views: ModelViews
    """The same as people read them."""
    savings: Savings
    """What the strategy saved, and the chain that proves it."""
    savings_views: SavingsViews
    """The same as people read it."""
    savings_export: SavingsExport
    """The same as a table."""
    tuned_run: TunedRun
    """Tuned curves on switch-back days."""
    strategy: Strategy
    """Station control by model."""
    strategy_views: StrategyViews
    """Its strategies as people read them."""
    balance: SecondaryBalance
    """How buildings share the water of their units."""
    balance_export: BalanceExport
    """The same as a list for technicians."""
    room_levels: RoomLevels
    """The level of rooms station control aims at."""
    room_level_views: RoomLevelViews
    """The same as people read it."""
    sync: Sync
    """Exchange with billing and customer systems."""
    zones: Zones
    """Boundary to the customer zone."""
    security_events: SecurityEvents
    """Takes note of what happens to security."""
    watch: WatchRoom
    """Security events, registers and duties."""
