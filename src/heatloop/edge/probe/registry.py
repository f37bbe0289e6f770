"""Which probe speaks which kind of URL; its library is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import cast

from heatloop.edge.probe.model import Progress, Report, Target, no_progress, split_url
from heatloop.kernel.errors import LinkError

Probe = Callable[[Target, Progress], Awaitable[Report]]
_HERE = "heatloop.edge.probe"
# Scheme: (module, usual port; 0 where a serial port is as usual).
_SCHEMES = {
    "modbus": ("modbus", 502),
    "rtu+tcp": ("modbus", 502),
    "rtu": ("modbus", 0),
    "opcua": ("opc_ua", 4840),
    "iec104": ("iec104", 2404),
    "mbus": ("mbus", 10001),
    "cjt188": ("cjt188", 10001),
    "dlt645": ("dlt645", 10001),
    "bacnet": ("bacnet", 47808),
    "snmp": ("snmp", 161),
    "mqtt": ("mqtt", 1883),
    "coap": ("coap", 5683),
}
SCHEMES = tuple(_SCHEMES)
"""Kinds of URLs that can be probed."""


def target_of(url: str, timeout_s: float = 1.0) -> Target:
    """Return the parts of a device's URL.

    Raises:
        InputError: It is no URL of a known scheme.
    """
    return split_url(url, {scheme: port for scheme, (_, port) in _SCHEMES.items()}, timeout_s)


async def probe(target: Target, progress: Progress = no_progress) -> Report:
    """Return what the device at this URL offers.

    Args:
        target: Where it is.
        progress: Told how far it is.

    Raises:
        InputError: An option does not fit, or the device refuses.
        LinkError: It does not answer; `fix` says what to try.
    """
    module, _ = _SCHEMES[target.scheme]
    try:
        run = cast(Probe, import_module(f"{_HERE}.{module}").probe)
    except ImportError as error:
        fix = f"install {error.name}"
        raise LinkError("the protocol's library is missing", thing=module, fix=fix) from error
    try:
        return await run(target, progress)
    except LinkError as error:
        if error.fix:
            raise
        raise unreachable(target, error) from error
    except (OSError, TimeoutError) as error:
        raise unreachable(target, error) from error


def unreachable(target: Target, error: BaseException) -> LinkError:
    """Return the refusal for a device that cannot be reached, with what to try."""
    if target.host.startswith("/"):
        fix = "check the port's name, that nothing else uses it, wiring A/B, baud and parity"
    else:
        fix = "check address, port and power of the device, and the firewall on the way"
        if target.scheme == "modbus":
            fix += "; behind a serial converter try rtu+tcp://"
    why = error.message if isinstance(error, LinkError) else str(error) or type(error).__name__
    return LinkError(f"cannot reach the device: {why}", thing=target.place, fix=fix)
