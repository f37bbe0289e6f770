"""How many main devices are intelligent: digital, telling their state, set from afar (7.1 a).

Read off the ledger alone: a device counts as digital when its value comes over one of the field
protocols, as telling its state when a state of its own is read with it (for instruments the state
of the link, which every bound device has), and as set from afar when a set-point or limit of its
own is bound to be written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from heatloop.app.world import World
from heatloop.kernel.scope import Scope
from heatloop.plant.ledger import Ledger

MOST_LACKING = 200
_WRITABLE = "rw"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceClass:
    """A class of devices and how one is known by its points."""

    name: str
    """Name in the interface."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    group: str
    """`operating`, `control` or `sensor`."""
    values: tuple[str, ...]
    """Point kinds; an asset with any of them has such a device, a sensor has one a point."""
    status: tuple[str, ...] = ()
    """Point kinds that tell its state; empty: the state of its link does."""
    settings: tuple[str, ...] = ()
    """Point kinds that set it; some of them must be bound to be written."""
    assets: tuple[str, ...] = ()
    """Asset kinds it stands at; empty for any."""
    main: bool = True
    """Whether it is on the list of main devices."""


_LIMITS_C = ("limit_supply_temperature_high", "source_supply_temperature_setpoint")
_LIMITS_KPA = (
    "limit_return_pressure_low",
    "limit_supply_pressure_high",
    "source_differential_pressure_setpoint",
)
CLASSES = (
    DeviceClass(name="boiler", zh="锅炉", en="boilers", group="operating", values=("boiler_load",),
                status=("boiler_state",), settings=("boiler_enable",)),
    DeviceClass(name="chp", zh="热电机组", en="CHP units", group="operating",
                values=("chp_heat_power",), status=("chp_state",), settings=("chp_load_setpoint",)),
    DeviceClass(name="storage_tank", zh="蓄热罐", en="storage tanks", group="operating",
                values=("tank_charge_level",), status=("tank_charge_flow",),
                settings=("tank_charge_flow_setpoint",)),
    DeviceClass(name="source_pump", zh="热源循环泵", en="source pumps", group="operating",
                values=("pump_frequency",), status=("pump_state",), assets=("pump",),
                settings=("source_differential_pressure_setpoint", "pump_frequency_setpoint")),
    DeviceClass(name="circulation_pump", zh="循环泵（变频）", en="circulation pumps with drives",
                group="operating", values=("circulation_pump_frequency",),
                status=("circulation_pump_state", "circulation_pump_fault"),
                settings=("circulation_pump_frequency_setpoint",)),
    DeviceClass(name="makeup_pump", zh="补水泵", en="make-up pumps", group="operating",
                values=("makeup_pump_state",), status=("makeup_pump_state",),
                settings=("makeup_pump_command", "secondary_return_pressure_setpoint")),
    DeviceClass(name="control_valve", zh="一次侧电动调节阀", en="primary control valves",
                group="control", values=("valve_opening",), status=("valve_opening",),
                settings=("valve_opening_setpoint",)),
    DeviceClass(name="building_valve", zh="楼栋平衡阀", en="building balancing valves",
                group="control", values=("building_valve_opening",),
                status=("building_valve_opening",), settings=("building_valve_opening",)),
    DeviceClass(name="station_controller", zh="热力站控制器", en="station controllers",
                group="control", values=("station_mode",), status=("interlock_word",),
                settings=("station_mode",)),
    DeviceClass(name="source_controller", zh="热源控制器", en="source controllers",
                group="control", values=("source_supply_temperature",),
                settings=("source_supply_temperature_setpoint",)),
    DeviceClass(name="heat_meter", zh="热源和热力站热量表", group="sensor",
                en="heat meters of sources and stations",
                values=("primary_heat_total", "source_heat_total"),
                settings=(*_LIMITS_C, "secondary_supply_temperature_setpoint")),
    DeviceClass(name="temperature", zh="管道温度传感器", en="pipe temperature sensors",
                group="sensor", settings=_LIMITS_C,
                values=("primary_supply_temperature", "primary_return_temperature",
                        "secondary_supply_temperature", "secondary_return_temperature",
                        "source_supply_temperature", "source_return_temperature")),
    DeviceClass(name="pressure", zh="压力变送器", en="pressure transmitters", group="sensor",
                settings=_LIMITS_KPA,
                values=("primary_supply_pressure", "primary_return_pressure",
                        "secondary_supply_pressure", "secondary_return_pressure",
                        "source_supply_pressure", "source_return_pressure")),
    DeviceClass(name="flow_meter", zh="流量计", en="flow meters", group="sensor",
                values=("primary_flow", "secondary_flow", "source_flow"),
                settings=("limit_circulation_flow_low", "secondary_flow_setpoint",
                          "source_differential_pressure_setpoint")),
    DeviceClass(name="building_meter", zh="楼栋热量表", en="building heat meters", group="sensor",
                values=("building_heat_total",), main=False),
    DeviceClass(name="room_sensor", zh="室温采集终端", en="room-temperature sensors",
                group="sensor", values=("room_temperature",), main=False,
                settings=("room_set_temperature", "user_valve_command")),
    DeviceClass(name="weather_station", zh="气象站", en="weather stations", group="sensor",
                values=("outdoor_temperature",), main=False),
)  # fmt: skip
"""Every class that is counted."""


@dataclass(kw_only=True, slots=True)
class ClassShare:
    """How the devices of a class are equipped."""

    about: DeviceClass
    """The class."""
    total: int = 0
    """Devices."""
    digital: int = 0
    """Of these with digital communication."""
    status: int = 0
    """Of these telling their state."""
    remote: int = 0
    """Of these set from afar."""
    smart: int = 0
    """Of these with all three."""
    lacking: list[str] = field(default_factory=list)
    """Point codes of devices that lack something, the first `MOST_LACKING`."""


def smart_devices(world: World, scope: Scope) -> list[ClassShare]:
    """Return how the devices inside a scope are equipped, by class; empty classes left out."""
    ledger = world.ledger
    by_kind: dict[str, list[tuple[str, str]]] = {}
    for point in ledger.points.values():
        if world.sees(scope, point.asset):
            by_kind.setdefault(point.kind, []).append((point.asset, point.code))
    bound = {binding.point: binding.device for binding in ledger.bindings}
    found = []
    for about in CLASSES:
        share = ClassShare(about=about)
        for asset, code in _devices(about, by_kind, ledger):
            _count(share, asset, code, bound, ledger)
        if share.total:
            found.append(share)
    return found


def _devices(
    about: DeviceClass, by_kind: dict[str, list[tuple[str, str]]], ledger: Ledger
) -> Iterator[tuple[str, str]]:
    """Yield (asset, point code) of each device of a class."""
    for kind in about.values:
        for asset, code in by_kind.get(kind, ()):
            if not about.assets or ledger.assets[asset].kind in about.assets:
                yield asset, code


def _count(share: ClassShare, asset: str, code: str, bound: dict[str, str], ledger: Ledger) -> None:
    about = share.about
    device = bound.get(code)
    digital = device is not None
    beside = () if device is None else ledger.bindings_of_device(device)
    own = {point.code for point in ledger.points_of(asset)}
    status = digital and (
        not about.status or any(each.kind in about.status and each.point in own for each in beside)
    )
    # A sensor's limits may stand at the unit below the station its controller serves.
    remote = any(each.kind in about.settings and each.access == _WRITABLE for each in beside)
    share.total += 1
    share.digital += digital
    share.status += status
    share.remote += remote
    if digital and status and remote:
        share.smart += 1
    elif len(share.lacking) < MOST_LACKING:
        share.lacking.append(code)
