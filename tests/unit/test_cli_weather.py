"""`heatloop weather` from outside: what it prints, stores and refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from heatloop.cli import main
from heatloop.kernel.clock import machine_s
from tests.contract.weather_provider import Provider, open_meteo, provider
from tests.unit.test_weather_files import epw, line


@pytest.fixture
def server() -> Iterator[Provider]:
    with provider() as made:
        made.say("/v1/forecast", open_meteo(machine_s()))
        yield made


PLACE = ("--lat", "43.88", "--lon", "125.32")


def test_fetch_prints_the_hours(server: Provider, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weather", "fetch", *PLACE, "--hours", "72", "--url", server.url, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["hours"]) == 72
    assert told["source"] == "open-meteo"
    assert told["hours"][0]["temperature_c"] is not None
    assert main(["weather", "fetch", *PLACE, "--hours", "24", "--url", server.url]) == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) == 1 + 1 + 24
    assert "now 当前" in text
    assert "阴 overcast" in text


def test_fetch_refuses_in_words(server: Provider, capsys: pytest.CaptureFixture[str]) -> None:
    url = ("--url", server.url)
    assert main(["weather", "fetch", *PLACE, "--hours", "0", *url]) == 2
    assert main(["weather", "fetch", *PLACE, "--tz", "Mars/Crater", *url]) == 2
    assert main(["weather", "fetch", "--lat", "99", "--lon", "1", *url]) == 3
    assert main(["weather", "fetch", *PLACE, "--source", "qweather", *url]) == 3
    server.only("/v1/forecast", b"", 503)
    assert main(["weather", "fetch", *PLACE, *url]) == 1
    assert "ill" in capsys.readouterr().err


def test_import_prints_a_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "Changchun.epw"
    file.write_bytes(epw(*(line(1, 1, hour, temp=-hour) for hour in range(1, 25))))
    assert main(["weather", "import", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["hours"], told["stored"], told["place"]) == (24, 0, "Changchun, Jilin, CHN")
    assert told["quantities"]["temperature_c"] == {
        "count": 24, "low": -24.0, "mean": -12.5, "high": -1.0}  # fmt: skip
    table = tmp_path / "t.csv"
    table.write_text("time,TEMP,WSPM\n2025-01-01 00:00,-3,2\n2025-01-01 01:00,999990,2\n")
    assert main(["weather", "import", str(table), "--tz", "Asia/Shanghai"]) == 0
    text = capsys.readouterr().out
    assert "2024-12-31T16:00:00Z" in text
    assert "nowhere" in text


def test_import_refuses_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weather", "import", str(tmp_path / "no.epw")]) == 2
    other = tmp_path / "a.txt"
    other.write_text("x")
    assert main(["weather", "import", str(other)]) == 2
    assert "epw" in capsys.readouterr().err
