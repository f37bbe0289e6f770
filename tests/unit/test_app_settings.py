"""Settings: layers, types, lines in messages, and what may not be started."""

from __future__ import annotations

from pathlib import Path

import pytest

from heatloop.app.settings import load_settings
from heatloop.kernel.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    path = folder / "heatloop.toml"
    path.write_text(text, "utf-8")
    return path


def test_file_then_environment_then_command_line(tmp_path: Path) -> None:
    path = write(tmp_path, "[server]\nport = 8081\n[company]\nzh = '城东热力'\n")
    environ = {"HEATLOOP_SERVER_PORT": "8082", "HEATLOOP_SESSION_IDLE_MINUTES": "5",
               "HEATLOOP_SKIP_SCREENS": "1", "PATH": "/bin"}  # fmt: skip
    assert load_settings(tmp_path, path).server.port == 8081
    assert load_settings(tmp_path, path, environ).server.port == 8082
    made = load_settings(tmp_path, path, environ, {"server": {"port": 8083}})
    assert (made.server.port, made.company.zh, made.session.idle_minutes) == (8083, "城东热力", 5.0)
    assert made.records_url == f"sqlite:///{tmp_path / 'records.sqlite'}"


@pytest.mark.parametrize(
    "text,thing,place",
    [
        ("[server]\nport = 1\n\nprot = 8080\n", "server.prot", "line 4"),
        ("# a\n[sever]\nport = 1\n", "sever", "line 2"),
        ("[server]\nport = 'x'\n", "server.port", "line 2"),
        ("[server]\nport = true\n", "server.port", "line 2"),
        ("[session]\nidle_minutes = '5 min'\n", "session.idle_minutes", "line 2"),
        ("server = 3\n", "server", "line 1"),
        ("[server\n", "heatloop.toml", ""),
    ],
)
def test_mistakes_are_named_with_their_line(
    tmp_path: Path, text: str, thing: str, place: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path, write(tmp_path, text))
    assert thing in caught.value.thing
    assert caught.value.place.endswith(place)
    assert caught.value.fix


def test_missing_file_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path, tmp_path / "none.toml")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "heat.example"])
def test_plain_http_stays_on_loopback(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigError, match="loopback"):
        load_settings(tmp_path, overrides={"server": {"host": host}})
    pair = {"tls_certificate": "a.pem", "tls_key": "b.pem"}
    assert load_settings(tmp_path, overrides={"server": {"host": host, **pair}}).server.host == host
    with pytest.raises(ConfigError, match="both"):
        load_settings(tmp_path, overrides={"server": {"tls_key": "b.pem"}})


def test_unknown_time_zone_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="time zone"):
        load_settings(tmp_path, overrides={"company": {"time_zone": "Mars/Base"}})
