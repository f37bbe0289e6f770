"""Clauses of chapter 5 (devices) and 9.1.1 e-f, proved by the rules themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from heatloop.plant.acceptance import LifeFacts, LifeState, StepFact, Waiver, holding_back
from heatloop.plant.acceptance_arrival import (
    Arrival,
    PurchaseLine,
    ScannedItem,
    compare_arrival,
)
from heatloop.plant.acceptance_run import FunctionalTest
from heatloop.plant.acceptance_script import SeenAlarm
from heatloop.plant.acceptance_sensors import SensorLook, sensor_checks
from heatloop.plant.acceptance_steps import TrialSettings
from heatloop.plant.installation import Installation, tick_items
from heatloop.plant.installation_checks import installation_checks
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model_checks import FAIL, PASS, WARN, Check, Duty
from heatloop.plant.model_checks_equipment import (
    Evidence,
    checklist,
    interface_check,
    label_share,
    missing_evidence,
    radio_checks,
    reliability,
    selection_checks,
)
from heatloop.plant.model_checks_instruments import deviating_rooms, drift_check
from heatloop.plant.models import STANDARD_INTERFACES, DeviceModel, device_classes, shipped_models
from tests.unit.bench_station import UNIT, BenchStation, model, states, town_target

PRESSURE = Duty(design_kpa=1600, normal=1000, medium_c=130)
QUICK = TrialSettings(window_s=600, technician_s=600, recover_s=900)


def transmitter(**changes: object) -> DeviceModel:
    good = {"range_low": 0.0, "range_high": 2500.0, "unit": "kPa", "accuracy": 0.5, "ip": 65,
            "medium_high_c": 150.0}  # fmt: skip
    return model("pressure_transmitter", **(good | changes))


def checked(device: DeviceModel, duty: Duty = PRESSURE) -> dict[str, Check]:
    return {check.rule: check for check in selection_checks("PT-1", device, duty)}


def state_of(device: DeviceModel, rule: str, duty: Duty = PRESSURE) -> str:
    return checked(device, duty)[rule].state


def installed(device: DeviceModel, **values: object) -> dict[str, Check]:
    ticks = {item.item: True for item in tick_items(device.device_class, False)}
    given = {"location": "x", "photos": ("a" * 64,), "signed_by": "li", "ticks": ticks}
    done = Installation(**(given | values))  # type: ignore[arg-type]
    return {check.rule: check for check in installation_checks("D-1", device, done)}


def test_5_1_every_instrument_is_checked_against_its_place_and_a_misranged_one_fails() -> None:
    assert all(check.state == PASS for check in checked(transmitter()).values())
    wrong = checked(transmitter(range_high=600.0))
    assert wrong["pressure_range"].state == wrong["span"].state == FAIL
    told = wrong["pressure_range"]
    assert (told.subject, told.value, told.limit, told.clause) == (
        "PT-1", 600.0, 2400.0, "5.1 b 2 #1",
    )  # fmt: skip
    assert "600 kPa" in told.zh
    assert "2400 kPa" in told.en
    assert state_of(transmitter(medium_high_c=100.0), "medium_temperature") == FAIL
    assert {m.device_class for m in shipped_models()} == set(device_classes())


@pytest.mark.parametrize(("accuracy", "state"), [(0.5, PASS), (0.6, FAIL), (None, FAIL)])
def test_5_1_b_1_1_room_sensor_accuracy(accuracy: float | None, state: str) -> None:
    sensor = model("room_sensor", accuracy=accuracy, ip=40)
    assert state_of(sensor, "room_accuracy", Duty()) == state


def test_5_1_b_1_1_spot_check_against_a_reference() -> None:
    sensor = model("room_sensor", accuracy=0.5)
    assert drift_check("RT-1", sensor, 20.5, 20.0).state == PASS
    assert drift_check("RT-1", sensor, 20.6, 20.0).state == FAIL


@pytest.mark.parametrize(("accuracy", "state"), [(1.0, PASS), (1.1, FAIL)])
def test_5_1_b_1_2_pipe_sensor_accuracy(accuracy: float, state: str) -> None:
    sensor = model("pipe_temperature_sensor", accuracy=accuracy, range_low=0.0, range_high=150.0)
    assert state_of(sensor, "pipe_accuracy", Duty(normal=90, medium_c=130)) == state


@pytest.mark.parametrize(("times", "state"), [(1.5, PASS), (1.49, FAIL)])
def test_5_1_b_2_1_range_covers_one_and_a_half_times_design_pressure(
    times: float, state: str
) -> None:
    assert state_of(transmitter(range_high=times * 1600.0), "pressure_range") == state


@pytest.mark.parametrize(("accuracy", "state"), [(0.5, PASS), (0.2, PASS), (1.0, FAIL)])
def test_5_1_b_2_2_transmitter_class(accuracy: float, state: str) -> None:
    assert state_of(transmitter(accuracy=accuracy), "pressure_class") == state


def test_5_1_c_1_1_radio_without_number_or_outside_its_band_is_listed() -> None:
    good = model("wireless_module", srrc="2026-1234", band_mhz=470.0, power_mw=50.0)
    assert [c.state for c in radio_checks(good)] == [PASS, PASS, PASS]
    bad = list(radio_checks(replace(good, srrc="", band_mhz=433.0)))
    assert {c.rule for c in bad if c.state == FAIL} == {"radio_approval", "radio_band"}


def test_5_1_d_1_1_capacity_efficiency_and_reliability() -> None:
    pump = model("pump", capacity_kw=18.5, efficiency_pct=75.0, interfaces=("Modbus RTU",))
    found = checked(pump, Duty(design_load_kw=18.5))
    assert found["capacity"].state == found["efficiency"].state == PASS
    assert state_of(pump, "capacity", Duty(design_load_kw=18.6)) == FAIL
    assert state_of(replace(pump, efficiency_pct=69.0), "efficiency", Duty()) == FAIL
    assert state_of(replace(pump, efficiency_pct=None), "efficiency", Duty()) == FAIL
    seen = reliability(990.0, [6.0, 4.0])
    assert (seen.mtbf_h, seen.availability_pct) == (495.0, 99.0)
    assert reliability(100.0, []).mtbf_h is None


def test_5_1_d_2_1_checklist_lists_what_evidence_is_missing() -> None:
    boiler = model("boiler")
    asked = [item.item for item in checklist() if "boiler" in item.classes]
    shown = [Evidence(item=i, file="f", reviewer="li") for i in asked[1:]]
    assert [item.item for item in missing_evidence(boiler, shown)] == asked[:1]
    nobody = Evidence(item=asked[0], file="f", reviewer="")
    assert len(missing_evidence(boiler, [*shown, nobody])) == 1
    told = {c.rule: c for c in selection_checks("BL-1", boiler, Duty(), shown)}["gbt50893"]
    assert told.state == FAIL
    assert checklist()[0].zh in told.zh


def test_5_1_d_2_2_share_of_energy_saving_products() -> None:
    grades = {"a": 1, "b": 2, "c": 3, "d": None}
    models = {code: model("pump", energy_grade=grade) for code, grade in grades.items()}
    models["e"] = model("heat_meter")
    share = label_share(models, {"a": 3, "b": 2, "c": 4, "d": 1, "e": 50})
    assert share == {"devices": 10, "best": 5, "unknown": 1, "share_pct": 50.0}


@pytest.mark.parametrize("name", STANDARD_INTERFACES)
def test_5_1_d_3_standard_interface(name: str) -> None:
    assert interface_check("X", model("pump", interfaces=(name,))).state == PASS


def test_5_1_d_3_other_interface_needs_a_waiver() -> None:
    check = interface_check("X", model("pump", interfaces=("S7", "RS232")))
    assert check.state == FAIL
    assert "waiver" in check.en
    facts = life(selection=(check,))
    assert [i.item for i in holding_back(facts, LifeState.ACCEPTED)] == ["selection.interface"]
    let = Waiver(item="selection.interface", reason="converter fitted", by="chief", at=1.0)
    assert holding_back(replace(facts, waivers=(let,)), LifeState.ACCEPTED) == []


@pytest.mark.parametrize(
    ("normal", "state"),
    [(2500 / 3, PASS), (5000 / 3, PASS), (2500 / 3 - 5, FAIL), (5000 / 3 + 5, FAIL)],
)
def test_5_1_e_3_normal_pressure_within_the_middle_third(normal: float, state: str) -> None:
    assert state_of(transmitter(), "span", replace(PRESSURE, normal=normal)) == state


@pytest.mark.parametrize(("normal", "state"), [(75, PASS), (105, PASS), (74, FAIL), (106, FAIL)])
def test_5_1_e_3_normal_temperature_within_50_to_70_pct(normal: float, state: str) -> None:
    sensor = model("pipe_temperature_sensor", accuracy=0.5, range_low=0.0, range_high=150.0)
    assert state_of(sensor, "span", Duty(normal=normal, medium_c=130)) == state


@pytest.mark.parametrize(
    ("ip", "outdoor", "state"),
    [(54, False, PASS), (53, False, FAIL), (65, True, PASS), (64, True, FAIL)],
)
def test_5_1_e_3_enclosure(ip: int, outdoor: bool, state: str) -> None:
    assert state_of(transmitter(ip=ip), "enclosure", replace(PRESSURE, outdoor=outdoor)) == state


def test_5_2_photo_place_and_signature_keep_a_device_from_service() -> None:
    found = installed(model("controller"), photos=(), signed_by=" ", location="")
    assert {r for r, c in found.items() if c.state == FAIL} == {"photo", "location", "sign_off"}
    facts = life(installation=tuple(found.values()))
    held = {i.item for i in holding_back(facts, LifeState.IN_SERVICE)}
    assert held == {"installation.photo", "installation.location", "installation.sign_off"}
    assert holding_back(life(installation=None), LifeState.IN_SERVICE)[0].item == (
        "installation.record"
    )


def test_5_2_a_1_outdoor_device_is_kept_from_rain_and_frost() -> None:
    good = model("controller", ip=65, ambient_low_c=-30.0)
    outside = {"outdoor": True, "antifreeze": "heated cabinet"}
    assert all(c.state == PASS for c in installed(good, **outside).values())
    for wrong, rule in (
        (installed(replace(good, ip=54), **outside), "outdoor_ip"),
        (installed(replace(good, ambient_low_c=-10.0), **outside), "outdoor_ambient"),
        (installed(good, outdoor=True), "outdoor_antifreeze"),
    ):
        assert [r for r, c in wrong.items() if c.state == FAIL] == [rule]


def test_5_2_a_2_indoor_checklist() -> None:
    device = model("controller")
    ticks = {item.item: True for item in tick_items("controller", False)}
    assert {"damp", "corrosion", "drainage", "ventilation"} <= set(ticks)
    for item in ("damp", "drainage"):
        found = installed(device, ticks=ticks | {item: False})
        assert [r for r, c in found.items() if c.state == FAIL] == [item]


def test_5_2_a_3_straight_pipe_before_and_behind_a_meter() -> None:
    silent = model("heat_meter")
    runs = {"upstream_d": 10.0, "downstream_d": 5.0}
    assert all(c.state == PASS for c in installed(silent, **runs).values())
    assert installed(silent, **(runs | {"upstream_d": 9.9}))["upstream"].state == FAIL
    assert installed(silent, **(runs | {"downstream_d": 4.9}))["downstream"].state == FAIL
    told = model("flow_meter", upstream_d=5.0, downstream_d=3.0)
    assert installed(told, upstream_d=5.0, downstream_d=3.0)["upstream"].state == PASS


ROOM = {"height_m": 1.3, "room": "bedroom", "heater_m": 1.5, "window_m": 0.8, "outer_wall": False}


def test_5_2_b_1_placement_of_a_room_sensor_and_its_neighbours() -> None:
    sensor = model("room_sensor")
    assert all(c.state == PASS for c in installed(sensor, **ROOM).values())
    wrongs = ({"room": "kitchen"}, {"heater_m": 0.5}, {"window_m": 0.2}, {"outer_wall": True},
              {"outer_wall": None})  # fmt: skip
    for wrong in wrongs:
        assert [c for c in installed(sensor, **(ROOM | wrong)).values() if c.state == FAIL]
    rooms = {"a": 20.0, "b": 20.5, "c": 21.0, "d": 24.0}
    found = deviating_rooms(rooms, dict.fromkeys(rooms, "BD0001"))
    assert [(c.subject, c.state) for c in found] == [("d", WARN)]


@pytest.mark.parametrize(
    ("height", "state"), [(1.2, PASS), (1.4, PASS), (1.45, WARN), (1.15, WARN)]
)
def test_5_2_b_2_height_above_the_floor(height: float, state: str) -> None:
    found = installed(model("room_sensor"), **(ROOM | {"height_m": height}))
    assert found["height"].state == state


@pytest.mark.parametrize(("mm", "state"), [(501.0, PASS), (500.0, FAIL), (100.0, FAIL)])
def test_5_2_c_more_than_five_diameters_from_valve_and_bend(mm: float, state: str) -> None:
    for device_class in ("pipe_temperature_sensor", "pressure_transmitter"):
        found = installed(model(device_class), distance_mm=mm, dn_mm=100.0)
        assert found["distance"].state == state


def test_5_2_d_1_room_to_work_a_valve_by_hand() -> None:
    valve = model("valve_actuator")
    ticks = {item.item: True for item in tick_items("valve_actuator", False)}
    for item in ("manual_space", "manual_test"):
        found = installed(valve, ticks=ticks | {item: False})
        assert [r for r, c in found.items() if c.state == FAIL] == [item]


def test_5_2_d_2_valve_against_the_flow_is_found_by_tick_and_by_stroke() -> None:
    valve = model("valve_actuator")
    ticks = {item.item: True for item in tick_items("valve_actuator", False)}
    assert installed(valve, ticks=ticks | {"flow_arrow": False})["flow_arrow"].state == FAIL
    for sign, state in ((1.0, "passed"), (-0.1, "failed")):
        station = BenchStation(target=town_target("valve_actuator", UNIT), flow_sign=sign)
        steps = ("valve_stroke", "flow_direction")
        test = station.carry(FunctionalTest(station.target, QUICK, only=steps))
        assert states(test)["flow_direction"] == state


def test_5_2_e_1_signal_above_the_limit_of_the_model_and_no_blind_terminal() -> None:
    radio = model("wireless_module", rssi_low_dbm=-110.0)
    assert installed(radio, rssi_dbm=-109.0, success_pct=99.0)["rssi"].state == PASS
    assert installed(radio, rssi_dbm=-110.0)["rssi"].state == FAIL
    blind = installed(radio, rssi_dbm=-90.0, success_pct=98.9)
    assert blind["radio_success"].state == FAIL


def test_5_3_a_1_one_mismatch_is_reported_and_blocks() -> None:
    bought = [PurchaseLine(model="A", count=2, parameters="DN80"), PurchaseLine(model="B", count=1)]
    good = [ScannedItem(serial="1", model="A", parameters="DN80"),
            ScannedItem(serial="2", model="A"), ScannedItem(serial="3", model="B")]  # fmt: skip
    assert compare_arrival(bought, good) == []
    for scanned, kind in (
        (good[:2], "missing"),
        ([*good, ScannedItem(serial="4", model="B")], "too_many"),
        ([*good, ScannedItem(serial="4", model="C")], "not_ordered"),
        ([*good, good[0]], "twice"),
        ([replace(good[0], parameters="DN50"), *good[1:]], "parameters"),
    ):
        found = compare_arrival(bought, scanned)
        assert [each.kind for each in found] == [kind]
        arrival = replace(ARRIVED, mismatches=tuple(found))
        held = holding_back(life(arrival=arrival), LifeState.ACCEPTED)
        assert [item.item for item in held] == ["arrival.mismatch"]


def test_5_3_a_2_photo_and_accessories_before_accepted() -> None:
    for wrong, item in (
        (replace(ARRIVED, photo=""), "arrival.photo"),
        (replace(ARRIVED, undamaged=False), "arrival.damage"),
        (replace(ARRIVED, accessories={"antenna": False}), "arrival.accessories"),
    ):
        assert [i.item for i in holding_back(life(arrival=wrong), LifeState.ACCEPTED)] == [item]


def test_5_3_b_three_documents_before_accepted() -> None:
    facts = life(documents=frozenset(("certificate",)))
    held = [item.item for item in holding_back(facts, LifeState.ACCEPTED)]
    assert held == ["documents.test_report", "documents.manual"]


def test_5_3_c_1_ten_minutes_of_samples_at_99_pct() -> None:
    for lost, state in ((0.0, "passed"), (0.05, "failed")):
        station = BenchStation(target=town_target(), lost=lost)
        test = station.carry(FunctionalTest(station.target, QUICK, only=("communication",)))
        assert test.records[0].state == state
        assert test.records[0].measured[0]["window_s"] == 600


def test_5_3_c_2_scripted_test_names_every_step_with_its_times() -> None:
    station = BenchStation(target=town_target())
    steps = ("communication", "points", "valve_stroke", "pump")
    test = station.carry(FunctionalTest(station.target, QUICK, only=steps))
    assert states(test) == dict.fromkeys(steps, "passed")
    stroke = next(r for r in test.records if r.name == "valve_stroke")
    assert [row["asked_pct"] for row in stroke.measured] == [0.0, 50.0, 100.0]
    times = [(r.started_s, r.ended_s) for r in test.records]
    assert times == sorted(times)
    assert len(next(r for r in test.records if r.name == "points").measured) > 40


def test_5_3_c_3_ready_for_automatic_only_if_the_loop_follows() -> None:
    for follow in (True, False):
        station = BenchStation(target=town_target(), follow=follow)
        test = station.carry(FunctionalTest(station.target, QUICK, only=("loop",)))
        assert test.auto_ready is follow


def test_5_3_c_4_every_simulated_fault_needs_alarm_and_protection() -> None:
    def tells(station: BenchStation) -> tuple[SeenAlarm, ...]:
        if station.fault != "sensor_open":
            return ()
        station.valve = 0.0
        return (
            SeenAlarm(id="a", subject=UNIT, rule="interlock.over_temperature",
                      onset_s=station.now_s, active=True),
        )  # fmt: skip

    station = BenchStation(target=town_target(), react=tells)
    test = station.carry(FunctionalTest(station.target, QUICK, only=("fault",)))
    found = states(test)
    assert found.pop("fault.sensor_open") == "passed"
    assert set(found) == {
        "fault.sensor_short", "fault.over_limit_high", "fault.comms_loss", "fault.power_loss",
    }  # fmt: skip
    assert set(found.values()) == {"failed"}
    facts = life(test=tuple(test.facts()))
    assert len(holding_back(facts, LifeState.TESTED)) == 4


def test_9_1_1_e_feedback_within_three_pct_and_in_time() -> None:
    for most, state in ((97.5, "passed"), (96.5, "failed")):
        station = BenchStation(target=town_target(), valve_most=most)
        test = station.carry(FunctionalTest(station.target, QUICK, only=("valve_stroke",)))
        assert test.records[0].state == state
    slow = BenchStation(target=town_target(), stroke_s=900.0)
    test = slow.carry(FunctionalTest(slow.target, QUICK, only=("valve_stroke",)))
    assert test.records[0].state == "failed"


def look(point: str, value: float | None, **changes: object) -> SensorLook:
    kind = point.split(".")[1]
    assert kind in point_kinds()
    good = {"point": point, "kind": kind, "value": value, "quality": 0, "samples": 240,
            "spread": 0.4}  # fmt: skip
    return SensorLook(**(good | changes))  # type: ignore[arg-type]


def test_9_1_1_f_range_freeze_and_cold_consistency() -> None:
    cold = [
        look("UN0001.secondary_supply_temperature", 11.9),
        look("UN0001.secondary_return_temperature", 8.1),
        look("UN0001.secondary_supply_pressure", 310.0),
        look("UN0001.secondary_return_pressure", 300.0),
    ]
    assert {c.state for c in sensor_checks(cold, ambient_c=10.0, pumps_off=True)} == {PASS}

    def failing(changed: SensorLook, *, pumps_off: bool = True) -> set[str]:
        looks = [changed if each.kind == changed.kind else each for each in cold]
        checks = sensor_checks(looks, ambient_c=10.0, pumps_off=pumps_off)
        return {f"{c.rule} {c.subject}" for c in checks if c.state == FAIL}

    warm = "UN0001.secondary_supply_temperature"
    assert failing(look(warm, 12.1)) == {f"cold {warm}"}
    assert failing(look(warm, 12.1), pumps_off=False) == set()
    assert failing(look(warm, 850.0, quality=2)) == {f"range {warm}", f"cold {warm}"}
    assert failing(look(warm, None)) == {f"no_value {warm}"}
    assert failing(look(warm, 10.0, spread=0.0), pumps_off=False) == {f"frozen {warm}"}
    pressure = "UN0001.secondary_supply_pressure"
    assert failing(look(pressure, 330.0)) == {f"equal_pressure {pressure}"}


ARRIVED = Arrival(mismatches=(), photo="p", undamaged=True, accessories={"antenna": True})
STEPS = (StepFact(step="points", passed=True, zh="", en=""),)


def life(**changes: object) -> LifeFacts:
    documents = frozenset(("certificate", "test_report", "manual"))
    good = {"arrival": ARRIVED, "documents": documents, "selection": (), "installation": (),
            "needs_test": True, "test": STEPS}  # fmt: skip
    return LifeFacts(**(good | changes))  # type: ignore[arg-type]


def test_5_3_service_only_with_all_passed_or_a_recorded_waiver() -> None:
    assert holding_back(life(), LifeState.IN_SERVICE) == []
    failed = (StepFact(step="pump", passed=False, zh="泵", en="pump"),)
    facts = life(test=failed)
    assert [i.item for i in holding_back(facts, LifeState.IN_SERVICE)] == ["test.pump"]
    let = Waiver(item="test.pump", reason="spare part on its way", by="chief", at=1.0)
    assert holding_back(replace(facts, waivers=(let,)), LifeState.IN_SERVICE) == []
    # What never happened cannot be waived.
    never = Waiver(item="test.run", reason="no time", by="chief", at=1.0)
    assert holding_back(life(test=None, waivers=(never,)), LifeState.TESTED)
