"""Deployment files name only what exists: commands, settings, files, ports."""

import argparse
import configparser
import csv
import importlib.util
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import yaml

from heatloop.app.setting_sections import Settings
from heatloop.app.settings import load_settings
from heatloop.cli import build_parser
from heatloop.cli import platform as platform_process

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
OBJECTS = list(yaml.safe_load_all((DEPLOY / "kubernetes/heatloop.yaml").read_text("utf-8")))


def containers() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, service in COMPOSE["services"].items():
        yield f"compose {name}", service
    for one in OBJECTS:
        if one["kind"] in ("StatefulSet", "Deployment"):
            for container in one["spec"]["template"]["spec"]["containers"]:
                yield f"kubernetes {container['name']}", container


def options_of(module: str) -> set[str]:
    source = importlib.util.find_spec(module)
    assert source is not None, module
    if source.submodule_search_locations is not None:
        source = importlib.util.find_spec(f"{module}.__main__")
        assert source is not None, module
    assert source.origin is not None
    return set(re.findall(r'"(--[a-z-]+)"', Path(source.origin).read_text("utf-8")))


def test_every_program_that_is_started_exists_and_knows_its_options() -> None:
    seen = 0
    for where, container in containers():
        command = container.get("command")
        if not command:
            continue
        seen += 1
        assert command[:2] == ["python", "-m"], where
        given = {word for word in command[3:] if word.startswith("--")}
        assert given <= options_of(command[2]), where
    assert seen == 4


def test_every_probe_is_python_that_compiles_or_a_path_that_is_served() -> None:
    from heatloop.web.factory import bare_app

    paths = set(bare_app().openapi()["paths"])
    for where, container in containers():
        for name in ("healthcheck", "readinessProbe", "startupProbe", "livenessProbe"):
            probe = container.get(name, {})
            words = probe.get("test", ["CMD"])[1:] or probe.get("exec", {}).get("command", [])
            if words[:2] == ["python", "-c"]:
                compile(words[2], where, "exec")
                for path in re.findall(r"https://[^/]+(/[^']+)'", words[2]):
                    assert path in paths, where
            if "httpGet" in probe:
                assert probe["httpGet"]["path"] in paths, where


def test_the_units_start_commands_that_parse() -> None:
    for unit in (DEPLOY / "systemd").glob("*.service"):
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read(unit, "utf-8")
        words = shlex.split(parser["Service"]["ExecStart"].replace("%i", "GW0001"))
        assert words[0] == "/opt/heatloop/bin/heatloop"
        options = build_parser().parse_args(words[1:])
        assert isinstance(options, argparse.Namespace)
        assert parser["Service"]["Restart"] == "always"


@pytest.mark.parametrize("place", ["heatloop.toml", "kubernetes/heatloop.toml"])
def test_the_settings_can_be_started_with(place: str) -> None:
    settings = load_settings(Path("/data"), DEPLOY / place)
    assert settings.backup.to
    assert settings.backup.incremental_every_minutes <= 60


def test_files_that_are_there_twice_are_the_same() -> None:
    for name in ("heatloop.toml", "mosquitto.conf"):
        assert (DEPLOY / name).read_bytes() == (DEPLOY / "kubernetes" / name).read_bytes()


def test_environment_variables_of_heatloop_are_settings() -> None:
    known = {
        f"HEATLOOP_{section.name}_{key}".upper()
        for section in fields(Settings)
        if section.name not in ("data", "config")
        for key in get_type_hints(get_type_hints(Settings)[section.name])
    }
    for path in DEPLOY.rglob("*"):
        if path.is_file():
            for name in re.findall(r"\bHEATLOOP_[A-Z0-9_]+", path.read_text("utf-8")):
                assert name in known | {"HEATLOOP_HOME", "HEATLOOP_VERSION", "HEATLOOP_BACKUP"}


def test_what_settings_and_files_name_is_mounted() -> None:
    mounts = {
        re.sub(r"^.*?:(/[^:]+)(:ro)?$", r"\1", volume)
        for volume in COMPOSE["services"]["platform"]["volumes"]
    }
    pod = next(o for o in OBJECTS if o["kind"] == "StatefulSet")["spec"]["template"]["spec"]
    platform = next(c for c in pod["containers"] if c["name"] == "platform")
    claimed = {mount["mountPath"] for mount in platform["volumeMounts"]}
    for path in re.findall(r'"(/[a-z][^"]+)"', (DEPLOY / "heatloop.toml").read_text("utf-8")):
        for held in (mounts, claimed):
            assert any(path == m or path.startswith(f"{m}/") for m in held), path


def test_hosts_that_settings_name_are_services() -> None:
    text = (DEPLOY / "heatloop.toml").read_text("utf-8")
    hosts = set(re.findall(r"://(?:[a-z]+@)?([a-z]+)[:/]", text))
    services = {o["metadata"]["name"] for o in OBJECTS if o["kind"] == "Service"}
    assert hosts == {"postgres", "mosquitto"}
    assert hosts <= set(COMPOSE["services"])
    assert hosts <= services


def test_the_platform_listens_where_it_is_looked_for() -> None:
    settings = load_settings(Path("/data"), DEPLOY / "heatloop.toml")
    both = [settings.server.port, settings.crypto.gateway_port]
    assert COMPOSE["services"]["platform"]["ports"] == [f"{port}:{port}" for port in both]
    pod = next(o for o in OBJECTS if o["kind"] == "StatefulSet")["spec"]["template"]["spec"]
    ports = [p for c in pod["containers"] for p in c.get("ports", [])]
    assert [p["containerPort"] for p in ports] == both


def test_nothing_runs_as_root_or_with_more_than_it_needs() -> None:
    for name in ("historian", "platform"):
        service = COMPOSE["services"][name]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert re.search(r"^USER 10001$", dockerfile, re.MULTILINE)
    assert platform_process.__name__ in str(COMPOSE["services"]["platform"]["command"])


def test_the_inventory_is_a_table_of_servers_storage_and_network() -> None:
    with (DEPLOY / "inventory.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    roles = {row["role"] for row in rows}
    assert {"platform", "historian", "records", "broker", "backup", "gateway"} <= roles
    for row in rows:
        for size in ("small", "city"):
            figures = [float(row[f"{size}_{w}"]) for w in ("count", "cpu", "memory_gb", "disk_gb")]
            assert all(figure >= 0 for figure in figures)
        assert row["network"]
        assert row["spare"]
