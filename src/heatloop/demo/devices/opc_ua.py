"""OPC UA servers of the city: one a port, several devices behind it.

Values are read from the devices at the moment of answering; what is subscribed is looked at
twice a second. With certificates only Basic256Sha256 SignAndEncrypt is offered; in the clear
only where all devices of the port say `security=none`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.common.callback import CallbackType
from asyncua.common.utils import ServiceError
from asyncua.server.server import Server
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from heatloop.demo.devices.face import Face
from heatloop.demo.devices.opc_ua_nodes import Access, Attributes, Node, Users
from heatloop.edge.drivers.opc_ua_trust import make_certificate, read_identity
from heatloop.kernel.errors import InputError
from heatloop.plant.field_protocols import field_parameters
from heatloop.plant.model import Binding

logging.getLogger("asyncua").setLevel(logging.CRITICAL)
CERTIFICATE, KEY = "opc_ua_server.der", "opc_ua_server.pem"
_LOOK_S = 0.5
_VALUE = AttributeIds.Value
_ACCESS = (AttributeIds.AccessLevel, AttributeIds.UserAccessLevel)


class OpcUaServed:
    """A running server."""

    def __init__(self, server: Server, nodes: Mapping[ua.NodeId, Node]) -> None:
        self._server, self._nodes = server, nodes
        self._faces = tuple({id(n.face): n.face for n in nodes.values()}.values())
        self.certificate: bytes | None = None
        """What it shows, DER; None: it speaks in the clear."""
        listen: Any = server.iserver.callback_service.addListener
        listen(CallbackType.PreRead, self._hang)
        listen(CallbackType.PostRead, self._answered)
        listen(CallbackType.ItemSubscriptionCreated, self._subscribed)
        self._task = asyncio.create_task(self._look())

    @property
    def port(self) -> int:
        """TCP port."""
        assert self._server.bserver is not None
        return self._server.bserver.port

    async def _hang(self, event: Any, service: Any) -> None:
        del service
        while event.is_external and all(face.silent for face in self._faces):  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    def _answered(self, event: Any, service: Any) -> None:
        del service
        if event.is_external:
            self._tell([w.NodeId for w in event.request_params.NodesToRead])

    def _subscribed(self, event: Any, service: Any) -> None:
        del service
        self._tell([w.ItemToMonitor.NodeId for w in event.request_params.ItemsToCreate])

    def _tell(self, ids: Sequence[ua.NodeId]) -> None:
        """Tell each device which of its values went out."""
        by_face: dict[int, tuple[Face, list[Binding]]] = {}
        for node_id in ids:
            node = self._nodes.get(node_id)
            if node is not None and not node.face.silent:
                node.said = node.value()
                by_face.setdefault(id(node.face), (node.face, []))[1].append(node.binding)
        for face, gone in by_face.values():
            face.answered(gone)

    async def _look(self) -> None:
        """Notify those who subscribed of what has changed."""
        aspace = self._server.iserver.aspace
        while True:
            await asyncio.sleep(_LOOK_S)
            if not self._server.iserver.subscription_service.subscriptions:
                continue
            if all(face.silent for face in self._faces):
                continue
            for node in self._nodes.values():
                callbacks = aspace[node.id].attributes[_VALUE].datachange_callbacks
                if not callbacks:
                    continue
                value = node.value()
                if node.said is None or not _same(node.said, value):
                    for handle, callback in list(callbacks.items()):
                        await callback(handle, value)
                    self._tell([node.id])

    async def close(self) -> None:
        """Stop listening and close every connection."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._server.stop()


def _same(one: ua.DataValue, other: ua.DataValue) -> bool:
    return one.Value == other.Value and one.StatusCode == other.StatusCode


def certificate_of(folder: Path) -> bytes:
    """Return the certificate (DER) of the server that keeps its own in a folder, made if absent.

    Raises:
        OSError: It cannot be written.
    """
    files = folder / CERTIFICATE, folder / KEY
    if not all(file.is_file() for file in files):
        make_certificate(*files, "demo")
    return files[0].read_bytes()


async def serve(
    faces: Sequence[Face], host: str, port: int, *, access: Access | None = None
) -> OpcUaServed:
    """Start a server for the devices behind one port.

    Args:
        faces: The devices.
        host: Address to listen on.
        port: TCP port; 0 for any.
        access: Who may come in; needed unless all devices say `security=none`.

    Raises:
        InputError: A certificate is needed and there is no folder for it, or a source is no
            node id.
        OSError: The port is taken.
    """
    access = access or Access()
    server = Server(user_manager=Users(access.users))  # type: ignore[arg-type]
    certificate = await _secured(server, faces, access)
    await server.init()
    server.set_endpoint(f"opc.tcp://{host}:{port}/")
    if certificate is not None:
        await server.set_application_uri(certificate[1])
    nodes: dict[ua.NodeId, Node] = {}
    for face in faces:
        folder = await server.nodes.objects.add_object(1, face.device.code)
        for binding in face.bindings:
            source = binding.source.replace("{address}", face.device.address)
            node = Node(face, binding, await _node_id(server, source))
            if node.id in nodes:
                raise InputError("two points share a node", thing=source, fix="use {address}")
            nodes[node.id] = node
            await _add(server, folder, node)
    server.iserver.attribute_service = Attributes(server.iserver.aspace, nodes)
    await server.start()
    served = OpcUaServed(server, nodes)
    served.certificate = certificate[0] if certificate is not None else None
    return served


async def _secured(
    server: Server, faces: Sequence[Face], access: Access
) -> tuple[bytes, str] | None:
    """Set the server's certificate and policies; return the certificate and its URI."""
    kinds = ua.SecurityPolicyType
    said = [field_parameters(face.device.parameters).get("security") for face in faces]
    if all(word == "none" for word in said):
        server.set_security_policy([kinds.NoSecurity])
        server.set_identity_tokens([ua.AnonymousIdentityToken, ua.UserNameIdentityToken])
        return None
    if access.folder is None:
        raise InputError("server has no folder for its certificate", thing=faces[0].device.code)
    await asyncio.to_thread(certificate_of, access.folder)
    own = read_identity(access.folder / CERTIFICATE, access.folder / KEY)
    await server.load_certificate(own.certificate, "der")
    await server.load_private_key(own.key, None, "pem")
    server.set_security_policy([kinds.Basic256Sha256_SignAndEncrypt])
    server.set_identity_tokens([ua.AnonymousIdentityToken, ua.UserNameIdentityToken])

    async def validate(found: x509.Certificate, about: Any) -> None:
        del about
        if access.trusted and found.public_bytes(Encoding.DER) not in access.trusted:
            raise ServiceError(StatusCodes.BadCertificateUntrusted)

    server.iserver.certificate_validator = validate
    return own.certificate, own.uri


async def _node_id(server: Server, source: str) -> ua.NodeId:
    text = source
    if source.startswith("nsu="):
        uri, _, rest = source[4:].partition(";")
        text = f"ns={await server.register_namespace(uri)};{rest}"
    try:
        found = ua.NodeId.from_string(text)
    except (ua.uaerrors.UaError, ValueError) as error:
        raise InputError(f"no node id: {source}", thing=source) from error
    while len(await server.get_namespace_array()) <= found.NamespaceIndex:
        number = len(await server.get_namespace_array())
        await server.register_namespace(f"urn:heatloop:demo:{number}")
    return found


async def _add(server: Server, folder: Any, node: Node) -> None:
    name = f"{node.id.NamespaceIndex}:{node.binding.point}"
    made = await folder.add_variable(node.id, name, 0, varianttype=node.type)
    aspace = server.iserver.aspace
    aspace.set_attribute_value_callback(made.nodeid, _VALUE, lambda *_: node.value())
    level = 3 if node.binding.access == "rw" else 1
    for attribute in _ACCESS:
        value = ua.DataValue(ua.Variant(level, ua.VariantType.Byte))
        await made.write_attribute(attribute, value)
