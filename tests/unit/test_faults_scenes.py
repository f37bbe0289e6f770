"""Fault scenes against a city that follows a script: what is counted as seen, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from heatloop.demo import scenes_run
from heatloop.demo.faults_kinds import KINDS as FAULT_KINDS
from heatloop.demo.faults_kinds import parse_fault
from heatloop.demo.scenes import KINDS, Check, Scene
from heatloop.demo.scenes_list import scenes_of
from heatloop.demo.scenes_run import SeenAlarm, SeenPoint, report_of, run_scene, run_scenes
from heatloop.kernel.errors import LinkError
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset, Binding, Device, Point

VALVE, PUMP = "UN0001.valve_opening", "UN0001.circulation_pump_frequency"
RULE = "interlock.over_temperature"
SCENE = Scene(
    device_type="substation_controller",
    device="DV0003",
    kind="sensor_open",
    fault="sensor_open@UN0001.secondary_supply_temperature",
    subject="UN0001",
    rules=(("interlock.sensor_lost", ()), (RULE, (Check(point=VALVE, op="<=", value=1.0),))),
    after=(Check(point=VALVE, op=">=", value=5.0),),
    within_s=300.0,
    back_within_s=600.0,
)
WEATHER = Scene(
    device_type="weather_station",
    device="DV0002",
    kind="sensor_open",
    fault="sensor_open@WS0001.outdoor_temperature",
    subject="",
    told_by="WS0001.outdoor_temperature",
    within_s=300.0,
    back_within_s=300.0,
)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes_run, "_LOOK_EVERY_S", 0.0)


@dataclass
class Script:
    """A city of one unit; every look is 30 s later."""

    told_after: float | None = 60.0
    """Plant time from fault to alarm; None: no alarm."""
    shuts_after: float | None = 90.0
    """Plant time from fault to the valve shutting; None: it stays open."""
    clears_after: float | None = 60.0
    """Plant time from the fault's end to the alarm's; None: it stays."""
    opens_after: float = 60.0
    subject: str = "UN0001"
    point: str = VALVE
    quality: str = "good"
    bad_after: float | None = None
    """Plant time from the fault until the quality is bad; None: it stays good."""
    now: float = 1_766_246_400.0
    on_s: float | None = None
    off_s: float | None = None
    switched: list[tuple[str, bool]] = field(default_factory=list)

    async def now_s(self) -> float:
        self.now += 30.0
        return self.now

    async def switch(self, fault: str, active: bool) -> None:
        self.switched.append((fault, active))
        if active:
            self.on_s, self.off_s = self.now, None
        else:
            self.off_s = self.now

    async def alarms(self, asset: str) -> list[SeenAlarm]:
        on_s, after = self.on_s, self.told_after
        if on_s is None or after is None or self.now < on_s + after:
            return []
        gone = self.clears_after
        cleared = self.off_s is not None and gone is not None and self.now >= self.off_s + gone
        return [
            SeenAlarm(
                id="a1", subject=self.subject, rule=RULE, onset_s=on_s + after, cleared=cleared
            )
        ]

    async def latest(self, points: Sequence[str]) -> dict[str, SeenPoint]:
        value, quality = 40.0, self.quality
        if self.off_s is not None:
            value = 40.0 if self.now >= self.off_s + self.opens_after else 0.0
        elif self.on_s is not None:
            if self.shuts_after is not None and self.now >= self.on_s + self.shuts_after:
                value = 0.0
            if self.bad_after is not None and self.now >= self.on_s + self.bad_after:
                quality = "bad"
        at_s = self.now // 30.0 * 30.0
        return {code: SeenPoint(value=value, quality=quality, at_s=at_s) for code in points}


async def test_a_scene_seen_in_full_is_recorded_with_its_times() -> None:
    city = Script()
    result = await run_scene(city, SCENE)
    assert result.passed, result.why
    assert (result.alarm_id, result.told) == ("a1", RULE)
    assert result.protection == f"{VALVE} <= 1"
    assert result.told_after_s == 60.0
    assert result.protected_after_s == 90.0
    assert result.recovered_after_s == 60.0
    assert city.switched == [(SCENE.fault, True), (SCENE.fault, False)]
    assert result.switched_on < result.switched_off
    assert result.to_dict()["zh"] == "传感器断线"


@pytest.mark.parametrize(
    "changes, missing",
    [
        ({"told_after": None}, "no alarm or no protection"),
        ({"subject": "UN0002"}, "no alarm or no protection"),
        ({"told_after": 900.0}, "no alarm or no protection"),
        ({"shuts_after": None}, "no alarm or no protection"),
        ({"clears_after": None}, "not well again"),
        ({"opens_after": 1e9}, "not well again"),
    ],
)
async def test_what_is_missing_fails_the_scene_and_the_fault_is_switched_off(
    changes: dict[str, object], missing: str
) -> None:
    city = Script(**changes)  # type: ignore[arg-type]
    result = await run_scene(city, SCENE)
    assert not result.passed
    assert missing in result.why
    assert city.switched[-1] == (SCENE.fault, False)


async def test_a_protection_in_the_sample_that_raised_the_alarm_is_none() -> None:
    """What the very sample shows was so before anybody could act."""
    result = await run_scene(Script(told_after=60.0, shuts_after=0.0), SCENE)
    assert result.passed
    assert result.protected_after_s == 90.0


async def test_a_city_not_at_rest_is_waited_for() -> None:
    result = await run_scene(Script(quality="stale"), SCENE)
    assert result.why == "city not at rest before within 600 s"


async def test_bad_quality_tells_where_no_alarm_does() -> None:
    point = WEATHER.told_by
    result = await run_scene(Script(told_after=None, bad_after=120.0), WEATHER)
    assert result.passed, result.why
    assert (result.alarm_id, result.told) == ("", f"quality bad: {point}")
    assert result.protection == "-"
    assert result.told_after_s == 120.0
    silent = await run_scene(Script(told_after=None), WEATHER)
    assert not silent.passed


async def test_a_broken_link_fails_the_scene_and_is_named() -> None:
    class Broken(Script):
        async def switch(self, fault: str, active: bool) -> None:
            raise LinkError("the city does not answer", thing="city.sock")

    result = await run_scene(Broken(), SCENE)
    assert not result.passed
    assert "does not answer" in result.why


async def test_the_report_counts_by_device_type() -> None:
    told: list[str] = []
    city = Script()
    good = await run_scenes(city, [SCENE], lambda r: told.append(r.fault))
    bad = await run_scenes(Script(told_after=None), [WEATHER])
    report = report_of([*good, *bad], size="tiny")
    assert told == [SCENE.fault]
    assert (report["scenes"], report["passed"], report["observed_pct"]) == (2, 1, 50.0)
    assert report["by_device_type"]["substation_controller"] == {"scenes": 1, "passed": 1}
    assert report["by_device_type"]["weather_station"] == {"scenes": 1, "passed": 0}
    assert report["clause"] == "5.3 c 4"
    assert report["size"] == "tiny"


async def test_scenes_apart_run_beside_the_others_and_keep_their_place() -> None:
    ends: list[str] = []
    slow = replace(WEATHER, apart=True, fault="sensor_short@WS0001.outdoor_temperature")

    class Both(Script):
        async def switch(self, fault: str, active: bool) -> None:
            ends.append(f"{fault.split('@')[0]} {active}")
            await super().switch(fault, active)

    results = await run_scenes(Both(bad_after=200.0), [slow, SCENE])
    assert [r.fault for r in results] == [slow.fault, SCENE.fault]
    # Both were on at the same time.
    assert ends[:2] in (
        ["sensor_open True", "sensor_short True"],
        ["sensor_short True", "sensor_open True"],
    )


@pytest.mark.parametrize(
    "check, shown, holds",
    [
        (Check(point="a", op="<=", value=1.0), 1.0, True),
        (Check(point="a", op="<=", value=1.0), 1.1, False),
        (Check(point="a", op=">=", value=1.0), 0.9, False),
        (Check(point="a", op="~", value=2.0), 41.9, True),
        (Check(point="a", op="~", value=2.0), 42.1, False),
        (Check(point="a", op="~", value=2.0, of="b"), 61.0, True),
        (Check(point="a", op="~", value=2.0, of="b"), 40.0, False),
        (Check(point="a", op="~", value=2.0, of="c"), 40.0, False),
        (Check(point="a", op="<=", value=1.0), None, False),
    ],
)
def test_checks(check: Check, shown: float | None, holds: bool) -> None:
    assert check.holds({"a": 40.0}, {"a": shown, "b": 60.0}) is holds


def town() -> Ledger:
    """Return a ledger with one device of every profile, and both makes of station controller."""
    rows = [
        ("HS0001", "heat_source", "", "heat_source_controller", "plc", ()),
        ("WS0001", "weather_station", "", "weather_station", "plc", ()),
        ("IS0001", "isolation_station", "HS0001", "isolation_station_controller", "plc", ()),
        ("BS0001", "booster_station", "HS0001", "booster_station_controller", "plc", ()),
        ("SS0001", "substation", "HS0001", "substation_controller", "plc", ()),
        ("SS0002", "substation", "HS0001", "substation_controller", "edge", ()),
        ("SS0001", "", "", "building_meter_concentrator", "plc",
         ("BD0001.building_supply_temperature",)),
        ("RC0001", "room_collector", "FL00001", "room_collector", "plc",
         ("FL00001.room_temperature",)),
    ]  # fmt: skip
    assets = [
        Asset(code="CO01", kind="company", zh="c", en="c"),
        Asset(code="UN0001", kind="unit", zh="u", en="u", parent="SS0001", organisation="CO01"),
        Asset(code="UN0002", kind="unit", zh="u", en="u", parent="SS0002", organisation="CO01"),
        Asset(code="BD0001", kind="building", zh="b", en="b", parent="UN0001", organisation="CO01"),
        Asset(code="FL00001", kind="flat", zh="f", en="f", parent="BD0001", organisation="CO01"),
    ]
    devices, points, bindings = [], [], []
    for number, (code, kind, parent, profile, regulates, measured) in enumerate(rows, 1):
        if kind:
            assets.append(
                Asset(code=code, kind=kind, zh=code, en=code, parent=parent, organisation="CO01")
            )
        device = f"DV{number:04d}"
        devices.append(
            Device(code=device, asset=code, gateway="GW0001", profile=profile,
                   regulates=regulates, protocol="modbus_tcp")
        )  # fmt: skip
        for point in measured:
            key, name = len(points) + 1, point.split(".")
            points.append(Point(code=point, key=key, asset=name[0], kind=name[1]))
            bindings.append(
                Binding(key=key, point=point, kind=name[1], device=device, register=key,
                        dtype="int16")
            )  # fmt: skip
    return Ledger(version=1, assets=assets, devices=devices, gateways=[], points=points,
                  bindings=bindings, keys={})  # fmt: skip


def test_every_type_of_device_has_its_scenes() -> None:
    scenes = scenes_of(town())
    by_type: dict[str, set[str]] = {}
    for scene in scenes:
        by_type.setdefault(scene.device_type, set()).add(scene.kind)
        fault = parse_fault(scene.fault)
        assert fault.kind in FAULT_KINDS
        assert scene.kind in KINDS
        # Something must tell of every scene.
        assert bool(scene.rules) != bool(scene.told_by)
    assert len(by_type) == 7
    for kinds in by_type.values():
        assert kinds & {"comms_loss", "power_loss"}
        assert kinds & {"sensor_open", "over_limit"}
    wanted = {"sensor_open", "sensor_short", "over_limit", "comms_loss", "power_loss"}
    assert by_type["substation_controller"] >= wanted | {"pump_trip", "foreign_write"}
    both = {s.device for s in scenes if s.device_type == "substation_controller"}
    assert both == {"DV0005", "DV0006"}
