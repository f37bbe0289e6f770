"""Which driver speaks which protocol: ours by name, others as plug-ins.

A third party adds a protocol without touching this package: its distribution declares, under the
entry-point group `heatloop.drivers`, the protocol's name (`x_...`) and the driver class.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points

from heatloop.edge.drivers.port import Driver, DriverTools, Planned, Reading
from heatloop.kernel.errors import ConfigError, HeatloopError
from heatloop.plant.model import Device

GROUP = "heatloop.drivers"
NO_DRIVER = "no_driver"
# Loaded only where a device speaks the protocol: their libraries are large.
_OWN = {
    "modbus_tcp": "heatloop.edge.drivers.modbus:ModbusDriver",
    "modbus_rtu": "heatloop.edge.drivers.modbus:ModbusDriver",
    "modbus_rtu_tcp": "heatloop.edge.drivers.modbus:ModbusDriver",
    "s7": "heatloop.edge.drivers.s7:S7Driver",
    "opc_ua": "heatloop.edge.drivers.opc_ua:OpcUaDriver",
    "iec104": "heatloop.edge.drivers.iec104:Iec104Driver",
    "mbus": "heatloop.edge.drivers.mbus:MbusDriver",
    "cjt188": "heatloop.edge.drivers.cjt188:Cjt188Driver",
    "dlt645": "heatloop.edge.drivers.dlt645:Dlt645Driver",
    "sparkplug": "heatloop.edge.drivers.sparkplug:SparkplugDriver",
    "mqtt": "heatloop.edge.drivers.mqtt:MqttDriver",
    "bacnet": "heatloop.edge.drivers.bacnet:BacnetDriver",
    "snmp": "heatloop.edge.drivers.snmp:SnmpDriver",
    "ping": "heatloop.edge.drivers.ping:PingDriver",
}


def driver_class(protocol: str) -> type[Driver]:
    """Return the driver of a protocol.

    Raises:
        ConfigError: There is none, or it cannot be loaded.
    """
    path = _OWN.get(protocol)
    try:
        if path is not None:
            module, _, name = path.partition(":")
            found = getattr(import_module(module), name)
        else:
            plug = next((p for p in entry_points(group=GROUP) if p.name == protocol), None)
            if plug is None:
                fix = f"install a package with an entry point {protocol} in {GROUP}"
                raise ConfigError("no driver speaks this protocol", thing=protocol, fix=fix)
            found = plug.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"driver cannot be loaded: {error}", thing=protocol) from error
    if not (isinstance(found, type) and issubclass(found, Driver)):
        raise ConfigError("plug-in is no driver", thing=protocol, place=str(found))
    return found


class NoDriver(Driver):
    """Stands in for a driver that cannot be had: its device's slots are gaps with that cause."""

    async def read(self, planned: object, now_s: float) -> Reading:
        """Return nothing, and why."""
        del planned, now_s
        return Reading([], NO_DRIVER)

    async def _read(self, planned: object, reading: Reading) -> None:
        del planned
        reading.cause = NO_DRIVER

    def _drop(self) -> None:
        pass


def make_driver(device: Device, tools: DriverTools) -> Driver:
    """Return the driver of a device; one that only says why, where there is none."""
    try:
        return driver_class(device.protocol)(device, tools)
    except HeatloopError as error:
        found = NoDriver(device, tools)
        found._log.broken(error)
        return found


__all__ = ["GROUP", "NO_DRIVER", "NoDriver", "Planned", "driver_class", "make_driver"]
