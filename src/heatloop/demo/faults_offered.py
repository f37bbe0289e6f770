"""Which faults the demo offers: each kind on a place of its own, as the city has room."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from heatloop.demo.faults_kinds import Fault, parse_fault
from heatloop.demo.plans import Streets
from heatloop.plant.ledger import Ledger

_SUPPLY_SET = "secondary_supply_temperature_setpoint"


def offered_faults(streets: Streets, ledger: Ledger | None = None) -> list[Fault]:
    """Return the faults the demo offers.

    Args:
        streets: The city's plan.
        ledger: Its ledger; without it nothing is offered of devices, collectors, pipe nodes,
            booster stations and further sources.
    """
    rows = [*_of_streets(streets), *(_of_ledger(ledger) if ledger is not None else ())]
    return [parse_fault(fault_id) for fault_id in dict.fromkeys(rows)]


def _turn(prefix: str, count: int, digits: int = 4) -> Callable[[int], str]:
    """Return a namer of codes that goes round when there are not enough of them."""

    def code(n: int) -> str:
        return f"{prefix}{(n - 1) % count + 1:0{digits}d}"

    return code


def _of_streets(streets: Streets) -> Iterator[str]:
    stations = len(streets.substations)
    unit = _turn("UN", len(streets.units))
    station = _turn("SS", stations)
    building = _turn("BD", len(streets.buildings))
    yield f"sensor_drift@{unit(1)}.secondary_supply_temperature"
    yield f"sensor_frozen@{unit(10)}.secondary_return_temperature"
    yield f"sensor_spike@{station(6)}.primary_supply_temperature"
    yield f"sensor_open@{unit(8)}.secondary_supply_temperature"
    yield f"sensor_short@{unit(3)}.secondary_supply_temperature"
    yield f"sensor_high@{unit(2)}.secondary_supply_temperature"
    yield f"sensor_low@{unit(6)}.secondary_return_pressure"
    yield f"meter_wrong@{station(4)}.primary_heat_power"
    yield f"meter_stopped@{station(9)}.primary_heat_total"
    yield f"pump_trip@{unit(5)}"
    yield f"pump_trip@{unit(15)}"
    yield f"duty_pump_fault@{unit(19)}"
    yield f"duty_pump_overload@{unit(21)}"
    yield f"earth_leakage@{station(7)}"
    yield "pump_trip@HS0001"
    yield "source_trip@HS0001"
    yield f"power_loss@{station(2)}"
    yield f"valve_stuck@{unit(7)}"
    yield f"valve_stuck@{unit(20)}"
    yield f"valve_leaking@{unit(9)}"
    yield f"strainer_blocked@{unit(11)}"
    yield f"loop_strainer_blocked@{unit(12)}"
    yield f"exchanger_fouled@{unit(14)}"
    yield f"exchanger_fouling@{unit(18)}"
    yield f"air_lock@{building(10)}"
    yield f"slow_leak@{unit(13)}"
    yield f"slow_leak@{unit(4)}"
    yield f"pipe_burst@{unit(16)}"
    yield f"foreign_write@{unit(17)}.{_SUPPLY_SET}"


def _of_ledger(ledger: Ledger) -> Iterator[str]:
    for profile, turn in (
        ("substation_controller", 4),
        ("building_meter_concentrator", 8),
        ("heat_meter_mbus", 5),
        ("heat_meter_cjt188_2018", 3),
    ):
        devices = [d.code for d in ledger.devices.values() if d.profile == profile]
        if devices:
            yield f"device_silent@{devices[min(turn, len(devices) - 1)]}"
    mains = sorted(
        node.code
        for node in ledger.of_kind("pipe_node")
        if node.attributes.get("network") == "primary"
    )
    if mains:
        yield f"pipe_burst@{mains[len(mains) // 2]}"
        yield f"slow_leak@{mains[-1]}"
    for source in ledger.of_kind("heat_source"):
        yield f"source_trip@{source.code}"
        yield f"pump_trip@{source.code}"
    for booster in ledger.of_kind("booster_station"):
        yield f"pump_trip@{booster.code}"
    collectors = sorted(asset.code for asset in ledger.of_kind("room_collector"))
    for kind, code in zip(
        ("collector_dead", "collector_sun", "collector_lying"), collectors[::7], strict=False
    ):
        yield f"{kind}@{code}"
