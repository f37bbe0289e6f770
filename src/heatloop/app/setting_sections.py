"""The settings of one installation, typed and checked; `settings` reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from heatloop.app.audit_settings import AuditSettings, check_audit
from heatloop.app.command_settings import DoorSettings, check_door
from heatloop.app.crypto_settings import CryptoSettings, check_crypto
from heatloop.app.fleet_settings import FleetSettings, check_fleet
from heatloop.app.forecast_settings import ForecastSettings, check_forecast
from heatloop.app.identity_settings import IdentitySettings, OidcSettings, check_identity
from heatloop.app.keeping_settings import (
    BackupSettings,
    FilesSettings,
    S3Settings,
    check_keeping,
)
from heatloop.app.open_settings import (
    ExtensionSettings,
    MetricsSettings,
    MqttOutSettings,
    OpcUaSettings,
    SubscribeSettings,
    WebhookSettings,
    check_open,
)
from heatloop.app.price_settings import PriceSettings, check_prices
from heatloop.app.privacy_settings import PrivacySettings, check_privacy
from heatloop.app.standby_settings import RedundancySettings, check_redundancy
from heatloop.app.storage_settings import RetentionSettings, check_retention
from heatloop.app.strategy_settings import StrategySettings, check_strategy
from heatloop.app.sync_settings import SyncSettings, check_sync
from heatloop.app.watch_settings import WatchSettings, check_watch
from heatloop.app.weather_settings import WeatherSettings, check_weather
from heatloop.app.zone_settings import ZoneSettings, check_zones
from heatloop.kernel.errors import ConfigError
from heatloop.store.historian.engine_choice import check_url

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, kw_only=True, slots=True)
class CompanySettings:
    """The company this installation serves."""

    zh: str = "智慧供热平台"
    """Chinese name."""
    en: str = "heatloop"
    """English name."""
    time_zone: str = "Asia/Shanghai"
    """IANA zone for calendars and day roll-ups."""
    demo: bool = False
    """Whether the plant is a demonstration; every screen and export says so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerSettings:
    """The HTTP face."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8080
    """Port to listen on."""
    tls_certificate: str = ""
    """PEM file; needed unless bound to loopback."""
    tls_key: str = ""
    """PEM file."""
    max_streams: int = 500
    """Live streams at a time."""
    max_upload_mb: int = 64
    """Largest upload."""
    max_connections: int = 4096
    """Connections at a time; more are closed at once."""
    max_connections_an_address: int = 1024
    """Connections at a time from one address."""
    head_wait_s: float = 10.0
    """Longest time the head of a request may take, machine time."""
    body_wait_s: float = 30.0
    """Longest time between two pieces of a body, machine time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionSettings:
    """Sign-in policy (machine time)."""

    idle_minutes: float = 15.0
    """A session ends after this long without a request."""
    max_hours: float = 12.0
    """A session ends after this long whatever happens."""
    lock_after: int = 5
    """Failed sign-ins from one place that lock a user out there."""
    lock_minutes: float = 15.0
    """How long the lock holds."""
    proof_minutes: float = 5.0
    """What is dangerous needs a proof of identity younger than this; 0: none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlSettings:
    """Commands and the curve control job (plant time)."""

    command_expiry_s: float = 600.0
    """Life of a command."""
    curve_interval_s: float = 600.0
    """How often set-points are decided."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StorageSettings:
    """Where things are kept; empty means below the data folder."""

    records_url: str = ""
    """SQLAlchemy URL of the records; empty: SQLite `records.sqlite`."""
    historian_socket: str = ""
    """Unix socket of the historian; empty: `run/historian.sock`."""
    follower_socket: str = ""
    """Unix socket of a second historian fed with the same data; empty: none."""
    historian_url: str = ""
    """Server that keeps the series, `postgresql://...` or `clickhouse+https://...`; empty: the
    embedded engine."""
    historian_password_file: str = ""
    """File with the password at that server."""
    rollup_interval_s: float = 600.0
    """How often roll-ups are refreshed, plant time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TwinSettings:
    """The network twin."""

    enabled: bool = True
    """Whether it runs."""
    interval_s: float = 60.0
    """How often the network's state is estimated, plant time."""
    max_points: int = 20_000
    """Estimates kept as points at most, mains first; screens show the others without history."""
    workers: int = 1
    """Processes that work for the platform."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MqttSettings:
    """The broker gateways may come by: their spare channel, or the only one of large plants."""

    url: str = ""
    """`mqtts://host:port`; plain mqtt only to this machine; empty: no broker."""
    user: str = ""
    """User name at the broker."""
    password_file: str = ""
    """File with the password at the broker."""
    ca_file: str = ""
    """PEM of the broker's certificate authority; empty: the system's."""
    group: str = "heatloop"
    """Name of the shared subscription: processes of one group take turns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockSettings:
    """Plant time."""

    socket: str = ""
    """Unix socket that publishes plant time; empty: the machine's clock."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All settings of the platform process."""

    data: Path
    """Data folder."""
    config: Path | None = None
    """File they were read from; None without one."""
    company: CompanySettings = field(default_factory=CompanySettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    session: SessionSettings = field(default_factory=SessionSettings)
    control: ControlSettings = field(default_factory=ControlSettings)
    door: DoorSettings = field(default_factory=DoorSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    backup: BackupSettings = field(default_factory=BackupSettings)
    files: FilesSettings = field(default_factory=FilesSettings)
    s3: S3Settings = field(default_factory=S3Settings)
    twin: TwinSettings = field(default_factory=TwinSettings)
    mqtt: MqttSettings = field(default_factory=MqttSettings)
    clock: ClockSettings = field(default_factory=ClockSettings)
    subscribe: SubscribeSettings = field(default_factory=SubscribeSettings)
    mqtt_out: MqttOutSettings = field(default_factory=MqttOutSettings)
    opc_ua: OpcUaSettings = field(default_factory=OpcUaSettings)
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    extensions: ExtensionSettings = field(default_factory=ExtensionSettings)
    redundancy: RedundancySettings = field(default_factory=RedundancySettings)
    weather: WeatherSettings = field(default_factory=WeatherSettings)
    forecast: ForecastSettings = field(default_factory=ForecastSettings)
    fleet: FleetSettings = field(default_factory=FleetSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    sync: SyncSettings = field(default_factory=SyncSettings)
    zones: ZoneSettings = field(default_factory=ZoneSettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    crypto: CryptoSettings = field(default_factory=CryptoSettings)
    watch: WatchSettings = field(default_factory=WatchSettings)
    prices: PriceSettings = field(default_factory=PriceSettings)
    strategy: StrategySettings = field(default_factory=StrategySettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    identity: IdentitySettings = field(default_factory=IdentitySettings)
    oidc: OidcSettings = field(default_factory=OidcSettings)

    @property
    def keys(self) -> Path:
        """Return the folder of secrets, readable by the owner alone."""
        return self.data / "keys"

    @property
    def records_url(self) -> str:
        """Return the URL of the records."""
        return self.storage.records_url or f"sqlite:///{self.data / 'records.sqlite'}"

    @property
    def historian_socket(self) -> Path:
        """Return the historian's socket."""
        given = self.storage.historian_socket
        return Path(given) if given else self.data / "run" / "historian.sock"


def check(settings: Settings) -> Settings:
    """Return the settings if they may be started with.

    Raises:
        ConfigError: Plain HTTP away from loopback, half a TLS pair, or an unknown time zone.
    """
    server = settings.server
    if bool(server.tls_certificate) != bool(server.tls_key):
        raise ConfigError(
            "TLS needs both a certificate and a key",
            thing="server.tls_key",
            fix="give both server.tls_certificate and server.tls_key",
        )
    if server.host not in _LOOPBACK and not server.tls_certificate:
        raise ConfigError(
            "plain HTTP is served on loopback only",
            thing=f"server.host = {server.host}",
            fix="bind to 127.0.0.1, or give server.tls_certificate and server.tls_key",
        )
    if not 0 <= server.port <= 65535:
        raise ConfigError("no such port", thing=f"server.port = {server.port}", fix="give 1-65535")
    twin = settings.twin
    if not (twin.interval_s >= 1.0 and twin.max_points >= 0 and 1 <= twin.workers <= 64):
        raise ConfigError(
            "the twin cannot run so",
            thing="twin",
            fix="give interval_s >= 1, max_points >= 0 and 1 to 64 workers",
        )
    check_url(settings.storage.historian_url)
    check_keeping(settings.backup)
    check_retention(settings.retention)
    _check_broker(settings.mqtt)
    check_open(
        settings.subscribe,
        settings.mqtt_out,
        settings.opc_ua,
        settings.webhooks,
        settings.extensions,
    )
    check_redundancy(settings.redundancy, settings.records_url)
    check_weather(settings.weather)
    check_forecast(settings.forecast)
    check_fleet(settings.fleet)
    check_sync(settings.sync)
    check_zones(settings.zones)
    check_audit(settings.audit)
    check_crypto(settings.crypto)
    check_watch(settings.watch)
    check_privacy(settings.privacy)
    check_prices(settings.prices)
    check_strategy(settings.strategy)
    check_identity(settings.identity, settings.oidc)
    check_door(settings.door)
    try:
        ZoneInfo(settings.company.time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(
            "unknown time zone", thing=settings.company.time_zone, fix="give an IANA zone"
        ) from error
    return settings


def _check_broker(mqtt: MqttSettings) -> None:
    if not mqtt.url:
        return
    parts = urlsplit(mqtt.url)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ConfigError("not a broker's address", thing="mqtt.url", fix="give mqtts://host:port")
    if parts.scheme == "mqtt" and parts.hostname not in _LOOPBACK:
        raise ConfigError(
            "plain mqtt leaves this machine", thing=f"mqtt.url = {mqtt.url}", fix="use mqtts"
        )
    if not mqtt.group or any(letter in mqtt.group for letter in "/+#"):
        raise ConfigError(
            "no name of a shared subscription", thing="mqtt.group", fix="leave out / + and #"
        )
