"""What one gateway must know to work alone: its devices, bindings and write limits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Binding, Device

SCAN_PERIODS_S = {"fast": 0.5, "guard": 10.0, "normal": 30.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgeProfile:
    """The signed configuration a gateway gets from the platform and keeps for bad days."""

    gateway: str
    """Gateway code."""
    version: int
    """Rises with every change."""
    ledger_version: int
    """Ledger it was made from."""
    devices: tuple[Device, ...]
    """Devices to read."""
    bindings: tuple[Binding, ...]
    """All points of those devices."""

    def of_device(self, code: str) -> tuple[Binding, ...]:
        """Return the bindings of one device, in register order."""
        found = (b for b in self.bindings if b.device == code)
        return tuple(sorted(found, key=lambda b: b.register))

    def to_dict(self) -> dict[str, Any]:
        """Return the profile as plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> EdgeProfile:
        """Read a profile from plain values.

        Raises:
            InputError: A field is missing or unknown.
        """
        try:
            rest = {k: v for k, v in data.items() if k not in ("devices", "bindings")}
            return cls(
                devices=tuple(Device(**d) for d in data["devices"]),
                bindings=tuple(Binding(**b) for b in data["bindings"]),
                **rest,
            )
        except (KeyError, TypeError) as error:
            raise InputError(f"edge profile is malformed: {error}", fix="fetch it again") from error


def make_edge_profile(ledger: Ledger, gateway: str, version: int) -> EdgeProfile:
    """Return what a gateway must know of the ledger.

    Args:
        ledger: Where its devices and points stand.
        gateway: Gateway code.
        version: Version of the profile; must rise with every change.

    Raises:
        InputError: There is no such gateway.
    """
    if gateway not in ledger.gateways:
        raise InputError("no such gateway", thing=gateway, fix="enter it in the ledger first")
    devices = ledger.devices_of_gateway(gateway)
    return EdgeProfile(
        gateway=gateway,
        version=version,
        ledger_version=ledger.version,
        devices=devices,
        bindings=tuple(b for d in devices for b in ledger.bindings_of_device(d.code)),
    )
