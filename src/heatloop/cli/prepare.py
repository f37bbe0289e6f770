"""What must exist before the processes start: keys, ledger, enrolment tokens, edge settings."""

from __future__ import annotations

import os
from pathlib import Path

from heatloop.app.ledger_admin import create_gateway_token, install_ledger, load_ledger
from heatloop.app.settings import Settings, load_settings
from heatloop.app.wiring import open_records
from heatloop.cli.stack import StackOptions
from heatloop.control.strategy import Stage
from heatloop.demo.field import source_token
from heatloop.demo.ledger import demo_ledger
from heatloop.demo.ledger_devices import DCS_CERTIFICATE, SOURCE
from heatloop.edge.config import load_config
from heatloop.kernel.clock import machine_s
from heatloop.plant.ledger import Ledger
from heatloop.store.records import Records

_EDGE = """\
gateway = "{gateway}"
platform_url = "{url}"
data = "."
token_file = "token"
clock_socket = "{clock}"
coap_host = "127.0.0.1"
coap_port = {coap_port}
http_host = "127.0.0.1"
http_port = {coap_port}
"""


def settings_of(options: StackOptions) -> Settings:
    """Return the settings the platform will start with."""
    overrides = {"server": {"host": options.host, "port": options.port}}
    return load_settings(options.data, options.config, os.environ, overrides)


def prepare(options: StackOptions) -> Ledger:
    """Make the data folder ready and return the ledger in force.

    A demo gets the city's ledger; each gateway without a key gets a token and its settings.

    Raises:
        ConfigError: The settings are wrong.
    """
    for name in ("run", "logs"):
        (options.data / name).mkdir(parents=True, exist_ok=True)
    records, _ = open_records(settings_of(options))
    try:
        if options.demo:
            rows = demo_ledger(options.size, options.seed, options.base_port)
            ledger = install_ledger(records, *rows)
            if not records.stages.all():
                _hand_to_strategy(records, ledger)
        else:
            ledger = load_ledger(records)
        for index, gateway in enumerate(sorted(ledger.gateways)):
            if options.demo:
                _prepare_edge(options, records, gateway, index)
        if options.demo:
            _introduce(options, ledger)
    finally:
        records.close()
    return ledger


def _hand_to_strategy(records: Records, ledger: Ledger) -> None:
    """Let the heating-curve strategy write: a demo is there to show the loop closed."""
    for unit in ledger.of_kind("unit"):
        records.stages.set(unit.code, Stage.AUTOMATIC, by="demo", at=machine_s())


def _prepare_edge(options: StackOptions, records: Records, gateway: str, index: int) -> None:
    folder = options.data / "edge" / gateway
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "edge.toml"
    path.write_text(
        _EDGE.format(
            gateway=gateway,
            url=options.url,
            clock=(options.run_dir / "city.sock").resolve(),
            coap_port=options.coap_port + index,
        )
    )
    enrolled = any(row.code == gateway and row.public_key for row in records.gateways.list())
    if not enrolled:
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text(create_gateway_token(records, gateway))


def _introduce(options: StackOptions, ledger: Ledger) -> None:
    """Give gateways what they know the city's servers by: certificates and tokens."""
    city = options.data / "city"
    city.mkdir(exist_ok=True)
    token = source_token(city)
    for gateway in ledger.gateways:
        _secret(options, gateway, f"http.{SOURCE}.token", token.encode())
    for device in ledger.devices.values():
        if device.protocol == "opc_ua":
            # Large, and only some cities have one.
            from heatloop.demo.devices.opc_ua import certificate_of

            _secret(options, device.gateway, DCS_CERTIFICATE, certificate_of(city))


def _secret(options: StackOptions, gateway: str, name: str, data: bytes) -> None:
    folder = options.data / "edge" / gateway / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / name).touch(mode=0o600)
    (folder / name).write_bytes(data)


def local_gateways(options: StackOptions) -> list[str]:
    """Return the gateways whose settings stand in the data folder: those run here."""
    return sorted(load_config(path).gateway for path in (options.data / "edge").glob("*/edge.toml"))


def first_login(options: StackOptions) -> tuple[str, str] | None:
    """Return (user, password) of the first login, or None once the password was changed."""
    path: Path = options.data / "keys" / "first-login.txt"
    try:
        user, password = path.read_text().split()
    except FileNotFoundError:
        return None
    return user, password
