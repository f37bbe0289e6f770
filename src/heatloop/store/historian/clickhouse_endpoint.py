"""`python -m heatloop.store.historian.clickhouse_endpoint`: a folder behind ClickHouse's HTTP.

Serves an embedded historian folder to a few clients, each with a name and a password: a screen
builder that reads, a script that brings rows, or one replica of a cluster without Keeper. It is
not a ClickHouse server: no sessions, no users in SQL, no replication, every answer whole.
"""

from __future__ import annotations

import argparse
import signal
import ssl
import sys
import threading
import tomllib
from pathlib import Path
from types import FrameType

from heatloop.kernel.errors import ConfigError, HeatloopError
from heatloop.store.historian.clickhouse_endpoint_engine import EndpointEngine
from heatloop.store.historian.clickhouse_endpoint_http import EndpointServer, User

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_USERS_HELP = """TOML of its owner alone: [name] role = "read" or "write", password = "..." """


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    parser = argparse.ArgumentParser(prog="heatloop-endpoint", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="folder of the engine")
    parser.add_argument("--users", type=Path, required=True, help=_USERS_HELP)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8123, help="port; 0: any, it is printed")
    parser.add_argument("--tls-certificate", type=Path, help="PEM; needed away from loopback")
    parser.add_argument("--tls-key", type=Path, help="PEM")
    given = parser.parse_args(arguments)
    try:
        users = load_users(given.users)
        tls = _tls(given.host, given.tls_certificate, given.tls_key)
        _serve(given.folder, (given.host, given.port), users, tls)
    except HeatloopError as error:
        sys.stderr.write(f"endpoint: {error}\n")
        return 2
    return 0


def _serve(
    folder: Path, address: tuple[str, int], users: dict[str, User], tls: ssl.SSLContext | None
) -> None:
    engine = EndpointEngine(folder)
    try:
        server = EndpointServer(address, engine, users, tls)
    except OSError as error:
        engine.close()
        raise ConfigError(
            f"cannot listen: {error}", thing=f"{address[0]}:{address[1]}", fix="choose another port"
        ) from error

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        # From another thread: this one is inside serve_forever.
        threading.Thread(target=server.shutdown).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    sys.stdout.write(f"listening on {address[0]} port {server.server_address[1]}\n")
    sys.stdout.flush()
    with server:
        server.serve_forever(poll_interval=0.1)
    engine.close()


def load_users(path: Path) -> dict[str, User]:
    """Return the users of a file.

    Raises:
        ConfigError: It cannot be read, others may read it, or a user is malformed.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(
                "file of passwords is readable for others", thing=str(path), fix="chmod 600"
            )
        told = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"users cannot be read: {error}", thing=str(path)) from error
    users = {}
    for name, words in told.items():
        role = words.get("role") if isinstance(words, dict) else None
        password = words.get("password") if isinstance(words, dict) else None
        if role not in ("read", "write") or not isinstance(password, str) or len(password) < 8:
            raise ConfigError(
                "user is malformed",
                thing=name,
                place=str(path),
                fix='give role = "read" or "write" and a password of 8 letters or more',
            )
        users[name] = User(password=password, reader=role == "read")
    if not users:
        raise ConfigError("nobody may ask", thing=str(path), fix="add a user")
    return users


def _tls(host: str, certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None or key is None:
        if certificate or key or host not in _LOOPBACK:
            raise ConfigError(
                "plain HTTP is served on loopback only",
                thing=f"--host {host}",
                fix="give --tls-certificate and --tls-key",
            )
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        raise ConfigError(f"certificate cannot be read: {error}", thing=str(certificate)) from error
    return context


if __name__ == "__main__":
    sys.exit(main())
