"""The settings of one installation: `heatloop.toml`, then `HEATLOOP_*`, typed and checked.

An environment variable is named after its section and field: `HEATLOOP_SERVER_PORT=8090`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from heatloop.kernel.errors import ConfigError

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


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionSettings:
    """Sign-in policy (machine time)."""

    idle_minutes: float = 15.0
    """A session ends after this long without a request."""
    max_hours: float = 12.0
    """A session ends after this long whatever happens."""
    lock_after: int = 5
    """Failed sign-ins that lock a user out."""
    lock_minutes: float = 15.0
    """How long the lock holds."""


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
    rollup_interval_s: float = 600.0
    """How often roll-ups are refreshed, plant time."""


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
    company: CompanySettings = field(default_factory=CompanySettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    session: SessionSettings = field(default_factory=SessionSettings)
    control: ControlSettings = field(default_factory=ControlSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    clock: ClockSettings = field(default_factory=ClockSettings)

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


_SECTIONS = tuple(f.name for f in fields(Settings) if f.name != "data")


def _line_of(text: str, section: str, key: str = "") -> str:
    """Return `line N` of a key in the file's text, for people to find it."""
    here = ""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.split("#")[0].strip()
        if bare.startswith("[") and bare.endswith("]"):
            here = bare.strip("[] ")
            if not key and here == section:
                return f"line {number}"
        name = bare.split("=")[0].strip().strip("\"'")
        wanted = (key, f"{section}.{key}") if key else (section,)
        if "=" in bare and name in wanted and here in (section, ""):
            return f"line {number}"
    return ""


def _typed(value: Any, kind: type, thing: str, place: str) -> Any:
    """Return `value` as `kind`; text from the environment is converted."""
    if kind is bool and isinstance(value, str) and value.lower() in ("true", "false", "1", "0"):
        return value.lower() in ("true", "1")
    if isinstance(value, str) and kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            pass
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is kind:
        return value
    raise ConfigError(
        f"{thing} must be {kind.__name__}, is {value!r}", thing=thing, place=place, fix="correct it"
    )


def _section(name: str, current: Any, given: Mapping[str, Any], where: str, text: str) -> Any:
    types = get_type_hints(type(current))
    changes: dict[str, Any] = {}
    for key, value in given.items():
        thing = f"{name}.{key}"
        place = f"{where} {_line_of(text, name, key)}".strip()
        if key not in types:
            known = ", ".join(types)
            raise ConfigError("unknown setting", thing=thing, place=place, fix=f"use: {known}")
        changes[key] = _typed(value, types[key], thing, place)
    return replace(current, **changes)


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
    try:
        ZoneInfo(settings.company.time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(
            "unknown time zone", thing=settings.company.time_zone, fix="give an IANA zone"
        ) from error
    return settings


def load_settings(
    data: Path,
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> Settings:
    """Read the settings: defaults, then the file, then the environment, then `overrides`.

    Args:
        data: Data folder.
        config: `heatloop.toml`; None for none.
        environ: Environment variables.
        overrides: Section -> field -> value, from the command line.

    Raises:
        ConfigError: The file is missing or no TOML, a setting is unknown, of the wrong type,
            or may not be started with.
    """
    settings = Settings(data=data)
    layers: list[tuple[str, Mapping[str, Any], str]] = []
    if config is not None:
        layers.append((str(config), *_read_toml(config)))
    layers.append(("environment", _from_environ(environ or {}), ""))
    layers.append(("command line", overrides or {}, ""))
    for where, sections, text in layers:
        for name, given in sections.items():
            if name not in _SECTIONS or not isinstance(given, Mapping):
                place = f"{where} {_line_of(text, name)}".strip()
                known = ", ".join(f"[{s}]" for s in _SECTIONS)
                raise ConfigError("unknown section", thing=name, place=place, fix=f"use: {known}")
            changed = _section(name, getattr(settings, name), given, where, text)
            settings = replace(settings, **{name: changed})
    return check(settings)


def _read_toml(path: Path) -> tuple[dict[str, Any], str]:
    try:
        text = path.read_text("utf-8")
        return tomllib.loads(text), text
    except OSError as error:
        raise ConfigError(
            "the configuration file cannot be read", thing=str(path), fix="check --config"
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"the configuration file is not TOML: {error}", thing=str(path), fix="correct the line"
        ) from error


def _from_environ(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return sections from HEATLOOP_<SECTION>_<FIELD>; others of that prefix are left alone."""
    found: dict[str, dict[str, str]] = {}
    for name, value in environ.items():
        section, _, key = name.removeprefix("HEATLOOP_").lower().partition("_")
        if name.startswith("HEATLOOP_") and key and section in _SECTIONS:
            found.setdefault(section, {})[key] = value
    return found
