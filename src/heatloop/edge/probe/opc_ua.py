"""OPC UA: the node tree of a server with its values.

::

    opcua://192.168.1.40:4840                        anonymous, in the clear
    opcua://user:password@192.168.1.40:4840/path     with a password
    opcua://192.168.1.40:4840?root=ns=2;s=Plant&most=5000

A server that asks for certificates is not browsed: what it offers (policies and ways to sign in)
is told, so that the device can be entered with the parameters the driver needs.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.node import Node
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaError

from heatloop.edge.probe.model import Offer, Progress, Report, Target, Value
from heatloop.kernel.errors import InputError, LinkError

logging.getLogger("asyncua").setLevel(logging.CRITICAL)
_ATTRIBUTES = (
    AttributeIds.DisplayName,
    AttributeIds.Value,
    AttributeIds.UserAccessLevel,
    AttributeIds.Description,
)
_AT_ONCE = 100
_DEEPEST = 12
_WRITABLE = 0x02


async def probe(target: Target, progress: Progress) -> Report:
    """Return the variables of the server's address space.

    Raises:
        InputError: An option does not fit, or the server refuses to be browsed so.
        LinkError: Nobody answers.
    """
    target.known("root", "most")
    most = target.whole("most", 2000, 1, 50_000)
    url = f"opc.tcp://{target.host}:{target.port}/{target.path}".rstrip("/")
    client = Client(url=url, timeout=max(target.timeout_s, 2.0))
    endpoints = await _endpoints(client, target)
    report = Report(url=target.url, protocol="opc_ua")
    report.notes += [_said(endpoint) for endpoint in endpoints]
    if not any(each.SecurityMode == ua.MessageSecurityMode.None_ for each in endpoints):
        fix = "enter it with security, policy, server_cert: " + "; ".join(report.notes)
        raise InputError("server asks for certificates", thing=target.place, fix=fix)
    if target.user:
        client.set_user(target.user)
        client.set_password(target.password)
    try:
        async with client:
            root = client.get_node(target.options.get("root", "i=85"))
            report.device = {"namespaces": " ".join(await client.get_namespace_array())}
            report.offers = await _browse(root, most, report, progress, "root" in target.options)
    except UaError as error:
        fix = "sign in with opcua://user:password@host; " + "; ".join(report.notes)
        raise InputError(f"server refuses: {error}", thing=target.place, fix=fix) from error
    progress(1.0, "")
    return report


async def _endpoints(client: Client, target: Target) -> list[Any]:
    try:
        found: list[Any] = await client.connect_and_get_server_endpoints()
    except UaError as error:
        fix = "check the port; is it OPC UA over TCP?"
        raise LinkError(f"no OPC UA server: {error}", thing=target.place, fix=fix) from error
    return found


def _said(endpoint: Any) -> str:
    mode = {1: "none", 2: "sign", 3: "sign_encrypt"}.get(int(endpoint.SecurityMode), "unknown")
    policy = str(endpoint.SecurityPolicyUri).rpartition("#")[2]
    ways = {0: "anonymous", 1: "user and password", 2: "certificate", 3: "token"}
    tokens = ", ".join(
        dict.fromkeys(ways[int(token.TokenType)] for token in endpoint.UserIdentityTokens)
    )
    return f"endpoint security={mode} policy={policy} sign-in: {tokens}"


async def _browse(
    root: Node, most: int, report: Report, progress: Progress, standard: bool
) -> list[Offer]:
    """Return the variables below a node, breadth first, none twice.

    Args:
        root: Where to begin.
        most: Most variables.
        report: Told what is left out.
        progress: Told how far it is.
        standard: Whether the nodes every server has (namespace 0) are shown too.
    """
    offers: list[Offer] = []
    level: list[tuple[Node, str]] = [(root, "")]
    seen = {root.nodeid}
    for _ in range(_DEEPEST):
        below: list[tuple[Node, str, bool]] = []
        for node, path in level:
            for each in await node.get_children_descriptions():
                nodeid = each.NodeId
                if nodeid in seen or (nodeid.NamespaceIndex == 0 and not standard):
                    continue
                seen.add(nodeid)
                name = f"{path}/{each.BrowseName.Name}".strip("/")
                variable = each.NodeClass == ua.NodeClass.Variable
                below.append((Node(root.session, nodeid), name, variable))
            if len(offers) + len(below) >= most:
                break
        variables = [(node, path) for node, path, variable in below if variable]
        offers += await _values(root, variables[: most - len(offers)], len(offers), most, progress)
        if len(offers) >= most:
            report.notes.append(f"more than {most} variables, the rest left out: give root=")
            break
        level = [(node, path) for node, path, _ in below]
        if not level:
            break
    return offers


async def _values(
    root: Node, variables: list[tuple[Node, str]], before: int, most: int, progress: Progress
) -> list[Offer]:
    offers = []
    for start in range(0, len(variables), _AT_ONCE):
        some = variables[start : start + _AT_ONCE]
        progress(min((before + start) / most, 0.99), some[0][1])
        wanted = ua.ReadParameters()
        wanted.NodesToRead = [
            ua.ReadValueId(NodeId=node.nodeid, AttributeId=attribute)
            for node, _ in some
            for attribute in _ATTRIBUTES
        ]
        answers = await root.session.read(wanted)
        for number, (node, path) in enumerate(some):
            told = answers[len(_ATTRIBUTES) * number : len(_ATTRIBUTES) * (number + 1)]
            offers.append(_offer(node, path, *told))
    return offers


def _offer(node: Node, path: str, name: Any, value: Any, access: Any, about: Any) -> Offer:
    variant = value.Value
    level = access.Value.Value if access.Value is not None else 0
    text = about.Value.Value.Text if about.Value is not None and about.Value.Value else ""
    del name
    good = value.StatusCode is None or value.StatusCode.is_good()
    return Offer(
        source=node.nodeid.to_string(),
        label=f"{path} {text or ''}".strip(),
        value=_plain(variant.Value) if variant is not None else None,
        dtype=variant.VariantType.name if variant is not None else "",
        access="rw" if int(level or 0) & _WRITABLE else "r",
        quality="good" if good else str(value.StatusCode.name),
    )


def _plain(value: Any) -> Value:
    """Return a value as JSON has it; structures and lists as text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return str(value)[:200]
