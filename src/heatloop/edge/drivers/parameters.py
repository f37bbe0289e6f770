"""A device's parameters, taken one by one at the start; wrong and unknown ones are refused."""

from __future__ import annotations

from collections.abc import Mapping

from heatloop.kernel.errors import ConfigError, InputError
from heatloop.plant.field_protocols import field_parameters
from heatloop.plant.model import Device


class Parameters:
    """What `device.parameters` says.

    Args:
        device: Device of the ledger.
        known: Names that mean something.

    Raises:
        ConfigError: The text is malformed or has another name; so do all methods, for values.
    """

    def __init__(self, device: Device, known: tuple[str, ...]) -> None:
        self._device = device
        try:
            self._texts: Mapping[str, str] = field_parameters(device.parameters)
        except InputError as error:
            raise self.wrong(error.message, error.fix) from error
        for name in self._texts:
            if name not in known:
                raise self.wrong(f"unknown parameter {name}", f"use {', '.join(known)}")

    def wrong(self, message: str, fix: str) -> ConfigError:
        """Return the error that names the device."""
        return ConfigError(message, thing=self._device.code, place="parameters", fix=fix)

    def text(self, name: str, default: str) -> str:
        """Return a parameter as it is written."""
        return self._texts.get(name, default)

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """Return one of some words."""
        found = self._texts.get(name, default)
        if found not in choices:
            raise self.wrong(f"{name}={found} is none of its choices", f"use {', '.join(choices)}")
        return found

    def flag(self, name: str, *, default: bool) -> bool:
        """Return whether a parameter is 1, as opposed to 0."""
        return self.choice(name, str(int(default)), ("0", "1")) == "1"

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """Return a number within limits."""
        text = self._texts.get(name)
        if text is None:
            return default
        try:
            found = float(text)
        except ValueError:
            found = low - 1.0
        if not low <= found <= high:
            raise self.wrong(f"{name}={text} is out of range", f"use {low:g} to {high:g}")
        return found

    def code(self, name: str, default: int, digits: int) -> int:
        """Return a hexadecimal number of some digits at most."""
        text = self._texts.get(name, f"{default:X}")
        try:
            found = int(text, 16)
        except ValueError:
            found = -1
        if not 0 <= found < 16**digits:
            raise self.wrong(f"{name}={text} is no code", f"give up to {digits} hexadecimal digits")
        return found
