"""Clause 5.3 c 4: simulated faults verify alarms and protection, for every type of device.

The whole chain (wire, gateway, platform, API) is put through the same scenes in
`tests/e2e/test_fault_scenes.py`; here a controller alone is held against them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from heatloop.demo.checkpoint import load_city, save_city
from heatloop.demo.city import City
from heatloop.demo.ledger import demo_ledger
from heatloop.demo.scenes import Scene
from heatloop.demo.scenes_list import scenes_of
from heatloop.plant.build import build_ledger
from heatloop.station.interlocks import interlock_texts

START = 1_767_571_200.0
FOUR = {"sensor_open", "sensor_short", "over_limit", "comms_loss"}


def scenes(size: str) -> list[Scene]:
    return scenes_of(build_ledger(*demo_ledger(size, 2), version=1, keys={}))


INTERLOCKED = [
    scene
    for scene in scenes("tiny")
    if scene.subject == "UN0001" and any(rule.startswith("interlock.") for rule, _ in scene.rules)
]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("city") / "tiny.npz"
    save_city(City(2, "tiny", START), path)
    return path


def shown(city: City, scene: Scene) -> dict[str, float | None]:
    return {code: float(city.shown[city.measured[code]]) for code in scene.points}


@pytest.mark.parametrize("scene", INTERLOCKED, ids=[scene.fault for scene in INTERLOCKED])
def test_5_3_c_4_a_controller_tells_of_the_fault_and_goes_to_its_safe_state(
    kept: Path, scene: Scene
) -> None:
    city, _, _ = load_city(kept, seed=2, size="tiny", base_port=15020)
    city.step(30.0)
    before = shown(city, scene)
    city.switch_fault(scene.fault, True)
    for _ in range(20):
        city.step(30.0)
    word = int(city.shown[city.measured["UN0001.interlock_word"]])
    told = {f"interlock.{name}" for name, _, _ in interlock_texts(word)} & dict(scene.rules).keys()
    assert told
    now = shown(city, scene)
    for rule in told:
        for check in scene.checks(rule):
            assert check.holds(before, now), f"{check}: {now[check.point]}"
    city.switch_fault(scene.fault, False)
    for _ in range(20):
        city.step(30.0)
    assert scene.recovered(before, shown(city, scene))


@pytest.mark.parametrize("size", ["tiny", "medium"])
def test_5_3_c_4_every_type_of_device_has_a_script(size: str) -> None:
    ledger = build_ledger(*demo_ledger(size, 2), version=1, keys={})
    by_type: dict[str, set[str]] = {}
    for scene in scenes_of(ledger):
        by_type.setdefault(scene.device_type, set()).add(scene.kind)
    assert by_type.keys() == {device.profile for device in ledger.devices.values()}
    assert by_type["substation_controller"] >= FOUR | {"power_loss", "pump_trip", "foreign_write"}
    assert by_type["heat_source_controller"] >= FOUR
    for kinds in by_type.values():
        assert kinds & {"comms_loss", "power_loss"}
        assert kinds & {"sensor_open", "over_limit"}


def test_5_3_c_4_the_scenes_of_the_interlocks_are_all_there() -> None:
    kinds = [scene.kind for scene in INTERLOCKED]
    assert kinds.count("over_limit") == 4
    assert {"sensor_open", "sensor_short", "pump_trip"} <= set(kinds)
