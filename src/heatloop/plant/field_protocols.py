"""The field protocols a device may speak: `field_protocols.csv` as frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from heatloop.kernel.errors import InputError
from heatloop.plant.resources import table

PLUG_IN = "x_"
"""Names of protocols that plug-ins speak begin so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldProtocol:
    """One field protocol."""

    protocol: str
    """Name."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    interface: str
    """Standard interface it counts as (clause 5.1 d 3)."""
    transport: str
    """`tcp`, `udp`, `serial`, `line` (serial or a DTU's TCP port) or `report`."""
    port: int
    """Usual port, 0: none."""
    reports: bool
    """Whether devices report by themselves instead of being asked."""
    writes: bool
    """Whether points can be written."""


@cache
def field_protocols() -> Mapping[str, FieldProtocol]:
    """Return every field protocol by name."""
    return MappingProxyType(
        {
            row["protocol"]: FieldProtocol(
                protocol=row["protocol"],
                zh=row["zh"],
                en=row["en"],
                interface=row["interface"],
                transport=row["transport"],
                port=int(row["port"]),
                reports=row["reports"] == "1",
                writes=row["writes"] == "1",
            )
            for row in table("field_protocols.csv")
        }
    )


def protocol(name: str) -> FieldProtocol:
    """Return a field protocol; a plug-in's is asked and written like Modbus.

    Raises:
        InputError: There is no such protocol.
    """
    found = field_protocols().get(name)
    if found is not None:
        return found
    if not name.startswith(PLUG_IN):
        known = ", ".join(field_protocols())
        raise InputError("unknown protocol", thing=name, fix=f"use one of {known}, or a plug-in")
    return FieldProtocol(
        protocol=name,
        zh=name,
        en=name,
        interface="",
        transport="tcp",
        port=0,
        reports=False,
        writes=True,
    )


def field_parameters(text: str) -> dict[str, str]:
    """Return the parameters of a device, `name=value` parted by spaces, by name.

    Raises:
        InputError: A part is no `name=value`, or a name comes twice.
    """
    found: dict[str, str] = {}
    for part in text.split():
        name, equals, value = part.partition("=")
        if not name or not equals or name in found:
            raise InputError(
                "parameters are not name=value, each once",
                thing=part,
                place="parameters",
                fix="write e.g. baud=2400 parity=E",
            )
        found[name] = value
    return found
