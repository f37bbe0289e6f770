"""BACnet/IP: the devices that answer Who-Is, and the objects of one.

::

    bacnet://192.168.1.80:47808?device=1001     the objects of one device
    bacnet://192.168.1.255                      who is there (broadcast)

`own=192.168.1.5/24` is our own address where the machine has several.
"""

from __future__ import annotations

from typing import Any

from bacpypes3.apdu import AbortPDU, ErrorRejectAbortNack
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import Address, IPv4Address
from bacpypes3.primitivedata import ObjectIdentifier

from heatloop.edge.probe.model import Offer, Progress, Report, Target, Value
from heatloop.kernel.errors import InputError, LinkError

_OUR_INSTANCE = 4_194_302
_MOST = 1000
_VALUED = {
    "analog-input", "analog-output", "analog-value", "binary-input", "binary-output",
    "binary-value", "multi-state-input", "multi-state-output", "multi-state-value",
    "accumulator", "large-analog-value", "integer-value", "positive-integer-value",
}  # fmt: skip


async def probe(target: Target, progress: Progress) -> Report:
    """Return the devices that answer, and the objects of the one that is meant.

    Raises:
        InputError: An option does not fit, or the device refuses.
        LinkError: Nobody answers.
    """
    target.known("device", "own")
    wanted = target.whole("device", _OUR_INSTANCE + 1, 0, _OUR_INSTANCE + 1)
    report = Report(url=target.url, protocol="bacnet")
    # BACnet answers by broadcast.
    every = "0.0.0.0"
    own = target.options.get("own", "127.0.0.1/32" if target.host.startswith("127.") else every)
    try:
        # Port 0: any free one, so that a BACnet program on this machine is not in the way.
        here = IPv4Address(f"{own}:0")
    except ValueError as error:
        fix = "write own=192.168.1.5/24"
        raise InputError("no address of ours", thing=own, fix=fix) from error
    about = DeviceObject(
        objectIdentifier=("device", _OUR_INSTANCE), objectName="heatloop-probe", vendorIdentifier=0
    )
    app = NormalApplication(about, here)
    try:
        found = await _who_is(app, target, wanted)
        for device, address in found:
            number = device[1]
            report.found.append(
                {
                    "device": str(number),
                    "url": f"bacnet://{address}{'' if ':' in str(address) else ':47808'}"
                    f"?device={number}",
                }
            )
        if not found:
            fix = "check address and port; name the device with device=, or our address with own="
            raise LinkError("no device answers Who-Is", thing=target.place, fix=fix)
        if len(found) == 1:
            await _objects(app, *found[0], report, progress)
        else:
            report.notes.append("ask one of the devices alone for its objects")
    finally:
        app.close()
    progress(1.0, "")
    return report


async def _who_is(app: Any, target: Target, wanted: int) -> list[tuple[ObjectIdentifier, Address]]:
    one = wanted <= _OUR_INSTANCE
    limits = {"low_limit": wanted, "high_limit": wanted} if one else {}
    answers = await app.who_is(
        address=Address(f"{target.host}:{target.port}"),
        timeout=max(target.timeout_s, 2.0),
        **limits,
    )
    return [(each.iAmDeviceIdentifier, each.pduSource) for each in answers]


async def _objects(
    app: Any, device: ObjectIdentifier, address: Address, report: Report, progress: Progress
) -> None:
    report.device["device"] = str(device[1])
    try:
        for name in ("object-name", "vendor-name", "model-name"):
            report.device[name] = str(await app.read_property(address, device, name))
        objects = list(await app.read_property(address, device, "object-list"))
    except AbortPDU:
        count = int(await app.read_property(address, device, "object-list", 0))
        objects = [
            await app.read_property(address, device, "object-list", index)
            for index in range(1, min(count, _MOST) + 1)
        ]
    except ErrorRejectAbortNack as error:
        raise InputError(f"device refuses: {error}", thing=str(device[1])) from error
    valued = [each for each in objects if str(each[0]) in _VALUED]
    for number, each in enumerate(valued[:_MOST]):
        progress(number / len(valued), str(each))
        report.offers.append(await _offer(app, address, each))
    if len(objects) > len(valued):
        report.notes.append(f"{len(objects) - len(valued)} objects have no value")


async def _offer(app: Any, address: Address, each: ObjectIdentifier) -> Offer:
    async def ask(name: str) -> Any:
        try:
            return await app.read_property(address, each, name)
        except (ErrorRejectAbortNack, TimeoutError):
            return None

    value, label, unit = await ask("present-value"), await ask("object-name"), await ask("units")
    plain: Value
    try:
        plain = float(value)
    except (TypeError, ValueError):
        plain = None if value is None else str(value)
    return Offer(
        source=f"{each[0]},{each[1]}",
        label=str(label or ""),
        value=plain,
        unit=str(unit or ""),
        dtype=str(each[0]),
    )
