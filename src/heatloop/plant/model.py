"""The records of the ledger: assets, points, devices, gateways and how points are bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from heatloop.protocols.dtypes import words_of

_NOTHING: Mapping[str, str | float | bool] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """A thing or an organisation, standing in both trees."""

    code: str
    """Permanent code, see `coding`."""
    kind: str
    """Asset kind, see `asset_kinds`."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    parent: str = ""
    """Code of the parent on the heat path (or of the larger organisation); empty at a root."""
    organisation: str = ""
    """Code of the team, branch or company that answers for it."""
    attributes: Mapping[str, str | float | bool] = field(default_factory=lambda: _NOTHING)
    """Typed attributes of the kind, units in the names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A measuring or setting point: permanent code for people, never-reused key for stores."""

    code: str
    """`<asset code>.<kind>` or `<asset code>.<kind>.<n>`."""
    key: int
    """u32, given once by the ledger."""
    asset: str
    """Asset code."""
    kind: str
    """Row of `points.csv`."""
    n: int = 0
    """Number when the asset has several points of the kind, else 0."""
    alarm_low: float | None = None
    """Own low alarm limit; None: that of the kind."""
    alarm_high: float | None = None
    """Own high alarm limit; None: that of the kind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """An edge computer."""

    code: str
    """`GW0001` ..."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    kind: str = "station"
    """`station` (all scan classes) or `collector` (guard and normal)."""
    channel: str = "ethernet"
    """Main channel: `ethernet`, `fibre`, `4g`, `nb_iot` ..."""
    monthly_cost_yuan: float = 0.0
    """Cost of the main channel."""
    capacity_kbps: float = 0.0
    """What the main channel carries at most; 0: not known."""
    spare_channel: str = ""
    """Spare channel, of another nature than the main one; empty: none."""
    spare_monthly_cost_yuan: float = 0.0
    """Cost of the spare channel."""
    spare_capacity_kbps: float = 0.0
    """What the spare channel carries at most; 0: not known."""
    organisation: str = ""
    """Who answers for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """Something that answers (or reports) on a field protocol."""

    code: str
    """`DV0001` ..."""
    asset: str
    """Asset it serves."""
    gateway: str
    """Gateway that reads it."""
    profile: str
    """Device profile (a file of `profiles/`)."""
    protocol: str
    """Row of `field_protocols.csv`, or the name of a plug-in (`x_...`)."""
    host: str = "127.0.0.1"
    """Address, or a serial line (`/dev/ttyS1`); the endpoint name of devices that report."""
    port: int = 502
    """TCP or UDP port; 0 for devices that report by themselves and on serial lines."""
    unit_id: int = 1
    """Number on its line: Modbus unit, M-Bus primary address, IEC 104 common address."""
    regulates: str = "plc"
    """`plc`: its own loop drives valve and pumps; `edge`: the gateway drives them."""
    word_order: str = "ABCD"
    """Byte order of values over several registers: ABCD, CDAB, BADC or DCBA."""
    address: str = ""
    """Its own address where a number is not enough: meter number, node path, topic, EUI."""
    parameters: str = ""
    """What else its protocol must know, `name=value` parted by spaces (see `field_parameters`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Binding:
    """Where a point's value stands in a device, since when, and how to read it.

    value = raw * factor + offset, raw read from `words` registers as `dtype`.
    """

    key: int
    """Point key."""
    point: str
    """Point code."""
    kind: str
    """Point kind."""
    device: str
    """Device code."""
    register: int
    """First holding register, or field index of a report."""
    dtype: str
    """See `protocols.dtypes`; empty where the protocol itself says what a value is."""
    factor: float = 1.0
    """Raw to house unit."""
    offset: float = 0.0
    """Raw to house unit, counters of a replaced meter go on."""
    access: str = "r"
    """`r` or `rw`."""
    period_s: int = 30
    """Scheduled poll period, plant seconds."""
    low: float | None = None
    """Lowest value that may be written."""
    high: float | None = None
    """Highest value that may be written."""
    since: int = 0
    """Plant time from which it holds."""
    source: str = ""
    """What the device itself calls the value: record, data identifier, node, object, metric."""

    @property
    def words(self) -> int:
        """Return how many 16-bit registers the value takes."""
        return words_of(self.dtype)
