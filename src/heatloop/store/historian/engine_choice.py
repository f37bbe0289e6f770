"""Chooses the historian's engine by its address: embedded, ClickHouse, or PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from heatloop.kernel.errors import ConfigError
from heatloop.store.historian import clickhouse_url
from heatloop.store.historian.port import Historian

POSTGRES = ("postgresql", "postgres")


def check_url(url: str) -> str:
    """Return the address if an engine is chosen by it; empty: the embedded engine.

    Raises:
        ConfigError: No engine has such an address.
    """
    scheme = url.partition("://")[0]
    if scheme in clickhouse_url.SCHEMES:
        clickhouse_url.parse(url)
    elif scheme in POSTGRES:
        if urlsplit(url).password:
            raise ConfigError(
                "password in an address",
                place="storage.historian_url",
                fix="put it in storage.historian_password_file",
            )
    elif url:
        raise ConfigError(
            "no historian engine has such an address",
            thing=scheme[:40],
            place="storage.historian_url",
            fix="leave it empty, or begin with clickhouse://, clickhouse+https:// or postgresql://",
        )
    return url


def open_historian(
    url: str,
    *,
    data: Path,
    zone: ZoneInfo,
    password_file: str = "",
    key: bytes | None = None,
) -> Historian:
    """Open the historian of an installation.

    Args:
        url: Address of the engine; empty: the embedded one below `data`.
        data: Data folder.
        zone: Zone of the company's days.
        password_file: File with the password at the engine; empty: none.
        key: Encrypts what the embedded engine stores, 32 bytes; None: stored in the clear.

    Raises:
        ConfigError: The address, the password or the folder is not right.
        LinkError: The engine does not answer.
    """
    check_url(url)
    # The engines are loaded when they are chosen: the embedded one is half a gigabyte.
    if not url:
        from heatloop.store.historian.chdb import ChdbHistorian

        return ChdbHistorian.open(data / "historian", zone=zone, key=key)
    password = read_password(password_file)
    if url.partition("://")[0] in POSTGRES:
        from heatloop.store.historian.frames import FramesHistorian

        return FramesHistorian(_with_password(url, password), zone=zone)
    from heatloop.store.historian.clickhouse_open import open_clickhouse

    return open_clickhouse(clickhouse_url.parse(url), password, zone=zone, state=state_folder(data))


def state_folder(data: Path) -> Path:
    """Return the folder of what is kept here about replicas elsewhere."""
    return data / "historian-replicas"


def read_password(path: str) -> str:
    """Return the password in a file, empty for no file.

    Raises:
        ConfigError: It cannot be read.
    """
    if not path:
        return ""
    try:
        return Path(path).read_text("utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"password file cannot be read: {error}",
            thing=path,
            place="storage.historian_password_file",
            fix="give a file with the password in one line",
        ) from error


def _with_password(url: str, password: str) -> str:
    scheme, _, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    user, at, host = place.rpartition("@")
    if not password:
        return url
    return f"{scheme}://{user}:{quote(password, safe='')}{at or '@'}{host}{slash}{path}"
