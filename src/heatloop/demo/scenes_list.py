"""Which fault scenes a city's devices are put through."""

from __future__ import annotations

from collections.abc import Iterator

from heatloop.demo.scenes import Check, Scene
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Device

_TURNING_HZ = 20.0
# Building meters answer every ten minutes, collectors twice an hour, three times make silence.
_METER_S, _COLLECTOR_S = 1500.0, 2.5 * 3600.0


def scenes_of(ledger: Ledger) -> list[Scene]:
    """Return the scenes of every type of device, one device each.

    Of substation controllers both makes are taken: those that regulate and those a gateway
    regulates.
    """
    found: list[Scene] = []
    seen: set[tuple[str, str]] = set()
    for device in ledger.devices.values():
        make = (device.profile, device.regulates)
        if make not in seen:
            seen.add(make)
            found += _of_device(ledger, device)
    return found


def _of_device(ledger: Ledger, device: Device) -> Iterator[Scene]:
    match device.profile:
        case "substation_controller":
            yield from _controller(ledger, device)
        case "heat_source_controller":
            yield from _source(device)
        case "weather_station":
            yield from _sensor(device, f"{device.asset}.outdoor_temperature")
            yield _silent(device)
        case "building_meter_concentrator":
            point = _first(ledger, device, "building_supply_temperature")
            yield from _sensor(device, point, _METER_S)
            yield _silent(device, _METER_S)
            yield _dark(device, (), _METER_S)
        case "heat_meter_mbus" | "heat_meter_cjt188_2004" | "heat_meter_cjt188_2018":
            yield from _sensor(device, f"{device.asset}.building_supply_temperature", _METER_S)
            yield _silent(device, _METER_S)
        case "heat_source_dcs_opcua":
            yield from _plant(device)
        case "booster_station_iec104":
            yield from _sensor(device, f"{device.asset}.primary_supply_temperature")
            yield from _beyond(device, ("sensor_high", "sensor_low"), "primary_supply_pressure")
            yield _silent(device)
        case "building_valve_controller":
            point = _first(ledger, device, "building_valve_opening")
            yield from _sensor(device, point, _METER_S)
            yield _silent(device, _METER_S)
        case "isolation_station_controller" | "booster_station_controller":
            yield from _sensor(device, f"{device.asset}.primary_supply_temperature")
            yield from _beyond(device, ("sensor_high", "sensor_low"), "primary_supply_pressure")
            yield _silent(device)
        case "room_collector" | "room_collector_json" | "room_collector_lora":
            yield from _collector(ledger, device)


def _first(ledger: Ledger, device: Device, kind: str) -> str:
    return next(b.point for b in ledger.bindings_of_device(device.code) if b.kind == kind)


def _silent(device: Device, within_s: float = 900.0, after: tuple[Check, ...] = ()) -> Scene:
    return Scene(
        device_type=device.profile,
        device=device.code,
        kind="comms_loss",
        fault=f"device_silent@{device.code}",
        subject=device.asset,
        rules=((f"link.{device.code}", ()),),
        after=after,
        within_s=within_s,
    )


def _sensor(device: Device, point: str, within_s: float = 900.0) -> Iterator[Scene]:
    """Yield what a sensor without an interlock is put through: its values must count as bad."""
    for kind in ("sensor_open", "sensor_short"):
        yield Scene(
            device_type=device.profile,
            device=device.code,
            kind=kind,
            fault=f"{kind}@{point}",
            subject="",
            told_by=point,
            # Who is asked so seldom steers nothing.
            apart=within_s >= _METER_S,
            within_s=within_s,
        )


def _beyond(device: Device, faults: tuple[str, ...], kind: str) -> Iterator[Scene]:
    """Yield what a signal of the device's own asset beyond its limits must lead to."""
    for fault in faults:
        yield Scene(
            device_type=device.profile,
            device=device.code,
            kind="over_limit",
            fault=f"{fault}@{device.asset}.{kind}",
            subject=f"{device.asset}.{kind}",
            rules=((fault.removeprefix("sensor_"), ()),),
        )


def _dark(device: Device, after: tuple[Check, ...], within_s: float = 900.0) -> Scene:
    """Return the scene of a substation without power, as one of its devices shows it."""
    return Scene(
        device_type=device.profile,
        device=device.code,
        kind="power_loss",
        fault=f"power_loss@{device.asset}",
        subject=device.asset,
        rules=((f"link.{device.code}", ()),),
        after=after,
        within_s=within_s,
    )


def _foreign(device: Device, point: str, near: float) -> Scene:
    return Scene(
        device_type=device.profile,
        device=device.code,
        kind="foreign_write",
        fault=f"foreign_write@{point}",
        subject=point,
        rules=(("foreign_write", (Check(point=point, op="~", value=near),)),),
        after=(Check(point=point, op="~", value=near),),
    )


def _source(device: Device) -> Iterator[Scene]:
    yield from _plant(device)
    yield _foreign(device, f"{device.asset}.source_supply_temperature_setpoint", 8.0)


def _plant(device: Device) -> Iterator[Scene]:
    asset = device.asset
    yield from _sensor(device, f"{asset}.source_supply_temperature")
    yield from _beyond(device, ("sensor_high",), "source_supply_temperature")
    yield from _beyond(device, ("sensor_low",), "source_return_pressure")
    yield _silent(device)


def _collector(ledger: Ledger, device: Device) -> Iterator[Scene]:
    room = _first(ledger, device, "room_temperature")
    for kind, fault, subject, rule in (
        ("over_limit", "collector_lying", room, "high"),
        ("power_loss", "collector_dead", device.asset, f"link.{device.code}"),
    ):
        yield Scene(
            device_type=device.profile,
            device=device.code,
            kind=kind,
            fault=f"{fault}@{device.asset}",
            subject=subject,
            rules=((rule, ()),),
            apart=True,
            within_s=_COLLECTOR_S,
            back_within_s=_COLLECTOR_S,
        )


def _controller(ledger: Ledger, device: Device) -> Iterator[Scene]:
    station = device.asset
    unit = next(a.code for a in ledger.children(station) if a.kind == "unit")
    supply = f"{unit}.secondary_supply_temperature"
    turning = Check(point=f"{unit}.circulation_pump_frequency", op=">=", value=_TURNING_HZ)
    # First what leaves the water warm. Cut off, the station goes on by itself; without power its
    # valve stays where it is.
    near = Check(point=supply, op="~", value=8.0, of=f"{supply}_setpoint")
    yield _silent(device, after=(turning, near))
    yield _dark(device, (turning, Check(point=f"{unit}.valve_opening", op=">=", value=0.5)))
    yield _foreign(device, f"{supply}_setpoint", 8.0)
    if device.regulates == "plc":
        # Where a gateway drives the valve it writes the register itself, many times an hour.
        yield _foreign(device, f"{unit}.valve_opening_setpoint", 5.0)
    for kind, fault, rules in _interlocked(station, unit):
        yield Scene(
            device_type=device.profile,
            device=device.code,
            kind=kind,
            fault=fault,
            subject=unit,
            rules=rules,
            after=(turning,),
        )


def _interlocked(
    station: str, unit: str
) -> tuple[tuple[str, str, tuple[tuple[str, tuple[Check, ...]], ...]], ...]:
    """Return (scene, fault, what tells and what is then done) of a unit's interlocks."""
    supply = f"{unit}.secondary_supply_temperature"
    valve, pump = f"{unit}.valve_opening", f"{unit}.circulation_pump_frequency"
    shut = Check(point=valve, op="<=", value=1.0)
    held = Check(point=valve, op="~", value=1.0)
    wide = Check(point=valve, op=">=", value=30.0)
    turning = Check(point=pump, op=">=", value=_TURNING_HZ)
    stopped = Check(point=pump, op="<=", value=0.0)
    dry = Check(point=f"{unit}.makeup_flow", op="<=", value=0.0)
    # A controller that takes an impossible reading for a lost sensor holds its valve, one that
    # believes it goes to the safe side of what it reads.
    lost = ("interlock.sensor_lost", (held,))
    hot = ("interlock.over_temperature", (shut,))
    return (
        ("sensor_open", f"sensor_open@{supply}", (lost, hot)),
        ("sensor_short", f"sensor_short@{supply}", (lost, ("interlock.frost", (wide, turning)))),
        ("over_limit", f"sensor_high@{supply}", (hot,)),
        (
            "over_limit",
            f"sensor_high@{unit}.secondary_supply_pressure",
            (("interlock.over_pressure", (stopped, dry)),),
        ),
        (
            "over_limit",
            f"sensor_low@{unit}.secondary_return_pressure",
            (("interlock.return_pressure_low", (stopped,)),),
        ),
        (
            "over_limit",
            f"sensor_low@{station}.tank_level",
            (("interlock.dry_run", (dry,)),),
        ),
        ("pump_trip", f"pump_trip@{unit}", (("interlock.pump_fault", (stopped, shut)),)),
    )
