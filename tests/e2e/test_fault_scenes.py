"""Clause 5.3 c 4 on a live city: every type of device is made to fail, and all of it is seen."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from heatloop.cli import scenes
from heatloop.cli.scenes_stack import run_own
from heatloop.kernel.errors import InputError, LinkError
from tests.e2e.city_runs import START_S, stack_for

CONTROLLER = {"sensor_open", "sensor_short", "over_limit", "comms_loss", "power_loss", "pump_trip"}


@pytest.mark.timeout(300)
async def test_every_scene_of_every_device_type_is_seen_in_full(tmp_path: Path) -> None:
    report = await run_own(stack_for(tmp_path, lockstep=True, start_s=START_S))
    failed = [result for result in report["results"] if not result["passed"]]
    assert not failed, json.dumps(failed, indent=1, ensure_ascii=False)
    assert report["observed_pct"] == 100.0
    assert report["scenes"] == report["passed"] >= 30
    by_type: dict[str, set[str]] = {}
    for result in report["results"]:
        by_type.setdefault(result["device_type"], set()).add(result["scene"])
        assert result["told_after_s"] is not None
        assert result["recovered_after_s"] is not None
        assert result["switched_on"] < result["switched_off"]
    assert by_type["substation_controller"] >= CONTROLLER | {"foreign_write"}
    assert len(by_type) >= 5
    # An interlock is not only told: the unit was seen in its safe state.
    acted = [r for r in report["results"] if r["told"].startswith("interlock.")]
    assert len(acted) >= 14
    assert all(r["protection"] != "-" and r["protected_after_s"] > 0 for r in acted)
    assert all(r["alarm_id"] for r in report["results"] if not r["told"].startswith("quality"))


def test_the_command_needs_a_password_for_a_running_platform(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parser = argparse.ArgumentParser()
    scenes.add_to(parser.add_subparsers())
    monkeypatch.delenv(scenes.PASSWORD, raising=False)
    options = parser.parse_args(["scenes", "--url", "http://127.0.0.1:1"])
    with pytest.raises(InputError, match="no password"):
        options.action(options)
    monkeypatch.setenv(scenes.PASSWORD, "wrong")
    with pytest.raises(LinkError, match="does not answer"):
        options.action(options)
