"""SNMP: the objects below a node, by version 2c.

::

    snmp://public@192.168.1.50?root=1.3.6.1.2.1&most=500     community before the @
"""

from __future__ import annotations

from pysnmp.hlapi.v3arch.asyncio import (
    CommunityData,
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    bulk_walk_cmd,
)

from heatloop.edge.probe.model import Offer, Progress, Report, Target, Value
from heatloop.kernel.errors import InputError, LinkError

_SYSTEM = "1.3.6.1.2.1.1."
_NAMES = {"1.0": "description", "5.0": "name", "6.0": "location", "3.0": "uptime"}
_AT_ONCE = 20


async def probe(target: Target, progress: Progress) -> Report:
    """Return the objects below a node with their values.

    Raises:
        InputError: An option does not fit.
        LinkError: The agent does not answer.
    """
    target.known("root", "most")
    root = target.options.get("root", "1.3.6.1.2.1")
    if not all(part.isdecimal() for part in root.split(".")):
        raise InputError("no object identifier", thing=root, fix="write e.g. root=1.3.6.1.2.1")
    most = target.whole("most", 500, 1, 20_000)
    report = Report(url=target.url, protocol="snmp")
    engine = SnmpEngine()
    try:
        transport = await UdpTransportTarget.create(
            (target.host, target.port), timeout=target.timeout_s, retries=1
        )
        walk = bulk_walk_cmd(
            engine,
            CommunityData(target.user or "public", mpModel=1),  # noqa: S508 - as the device speaks
            transport,
            ContextData(),
            0,
            _AT_ONCE,
            ObjectType(ObjectIdentity(root)),
            lookupMib=False,
            lexicographicMode=False,
        )
        async for error, status, _, rows in walk:
            if error or status:
                if not report.offers:
                    raise _silent(target, str(error or status.prettyPrint()))
                report.notes.append(f"ended early: {error or status}")
                break
            for name, value in rows:
                _take(report, str(name), value)
            progress(min(len(report.offers) / most, 0.99), "")
            if len(report.offers) >= most:
                report.notes.append(f"more than {most} objects, the rest left out: give root=")
                break
    finally:
        engine.close_dispatcher()
    if not report.offers:
        fix = "give another root="
        raise InputError("agent has nothing below this node", thing=root, fix=fix)
    progress(1.0, "")
    return report


def _silent(target: Target, why: str) -> LinkError:
    fix = "check address, community (snmp://community@host) and that our address is admitted"
    return LinkError(f"agent does not answer: {why}", thing=target.place, fix=fix)


def _take(report: Report, oid: str, value: object) -> None:
    plain: Value
    try:
        plain = int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        plain = value.prettyPrint() if hasattr(value, "prettyPrint") else str(value)
    if oid.startswith(_SYSTEM) and (name := _NAMES.get(oid.removeprefix(_SYSTEM))):
        report.device[name] = str(plain)
    report.offers.append(Offer(source=oid, value=plain, dtype=type(value).__name__))
