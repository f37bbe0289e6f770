"""Reading what gateways say about their links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.plant.ledger import Ledger
from heatloop.protocols.link_counts import CHANNELS, HOUR_S, LinkTotals
from heatloop.store.records.links import LinkReport


def read_report(gateway: str, body: Mapping[str, Any], ledger: Ledger) -> LinkReport:
    """Return what a gateway counted in an hour; devices that are not its own are left out.

    Raises:
        InputError: The hour is not one.
        KeyError, TypeError, ValueError: The note is malformed.
    """
    hour = int(body["hour"])
    if hour < 0 or hour % HOUR_S:
        raise InputError("no start of an hour", thing=str(hour), fix="send whole hours")
    own = {d.code for d in ledger.devices_of_gateway(gateway)}
    subjects = {
        str(code): LinkTotals.of_device(said)
        for code, said in body["devices"].items()
        if code in own
    }
    for name, said in body["channels"].items():
        if name in CHANNELS:
            subjects[name] = LinkTotals.of_channel(said)
    return LinkReport(
        gateway=gateway,
        hour=hour,
        run=int(body["run"]),
        number=int(body["n"]),
        subjects=subjects,
    )
