"""What a ledger row says about an OPC UA server."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.kernel.errors import ConfigError, InputError
from heatloop.plant.field_protocols import field_parameters
from heatloop.plant.model import Device

_SECURITIES = ("sign_encrypt", "sign", "none")
_POLICIES = ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")
_MODES = ("subscribe", "poll")
_KNOWN = frozenset(
    (
        "security", "policy", "server_cert", "user", "password", "mode", "publish_ms",
        "sample_ms", "path",
    )
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Where a server is and how to speak with it."""

    url: str
    """`opc.tcp://host:port/path`."""
    security: str
    """`sign_encrypt`, `sign` or `none`."""
    policy: str
    """Security policy."""
    server_cert: str
    """Name of the secret with the server's certificate."""
    user: str
    """User name; empty: anonymous."""
    password: str
    """Name of the secret with the password."""
    subscribes: bool
    """Whether values are subscribed; else every read asks for them."""
    publish_ms: float
    """Publishing interval."""
    sample_ms: float
    """Sampling interval."""


def settings_of(device: Device) -> Settings:
    """Return the settings of a device.

    Raises:
        ConfigError: A parameter is unknown, missing or out of range.
    """
    try:
        return _settings(device)
    except (InputError, ValueError) as error:
        fix = "write e.g. server_cert=plant.der user=gateway password=plant_password"
        if isinstance(error, InputError) and error.fix:
            fix = error.fix
        text = error.message if isinstance(error, InputError) else str(error)
        raise ConfigError(text, thing=device.code, place="parameters", fix=fix) from error


def _settings(device: Device) -> Settings:
    given = field_parameters(device.parameters)
    unknown = sorted(given.keys() - _KNOWN)
    if unknown:
        raise InputError(f"no such parameter: {', '.join(unknown)}")
    security = _choice(given, "security", _SECURITIES)
    policy = _choice(given, "policy", _POLICIES)
    mode = _choice(given, "mode", _MODES)
    if security != "none" and "server_cert" not in given:
        fix = "put the server's certificate into the secrets folder and name it: server_cert=..."
        raise InputError("server's certificate is not named", fix=fix)
    if ("user" in given) != ("password" in given):
        raise InputError("user and password (the name of a secret) belong together")
    publish_ms = float(given.get("publish_ms", 1000))
    sample_ms = float(given.get("sample_ms", publish_ms))
    if not (50 <= publish_ms <= 60_000 and 0 <= sample_ms <= 60_000):
        raise InputError("publish_ms is 50 to 60000, sample_ms 0 to 60000")
    path = given.get("path", "").lstrip("/")
    return Settings(
        url=f"opc.tcp://{device.host}:{device.port}/{path}",
        security=security,
        policy=policy,
        server_cert=given.get("server_cert", ""),
        user=given.get("user", ""),
        password=given.get("password", ""),
        subscribes=mode == "subscribe",
        publish_ms=publish_ms,
        sample_ms=sample_ms,
    )


def _choice(given: dict[str, str], name: str, allowed: tuple[str, ...]) -> str:
    """Return a parameter that is one of these; the first where it is not given."""
    value = given.get(name, allowed[0])
    if value not in allowed:
        raise InputError(f"{name} is not one of {', '.join(allowed)}")
    return value
