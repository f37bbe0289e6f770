"""The read-only OPC UA server, a process of its own beside the platform.

A process, because encryption and browsing of a large plant take turns of many milliseconds that
the platform's event loop does not have, and because a client that misbehaves then harms nobody
else. It gets the model and values over its standard input, says its state over its standard
output, and asks the platform who may come in over a socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_session import InternalSession
from asyncua.server.server import Server
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from heatloop.bridge.opc_ua_server_nodes import NAMESPACE, LazyNodes, Plant
from heatloop.bridge.opc_ua_server_wire import (
    MODEL,
    STATE,
    VALUES,
    Model,
    frame,
    read_frame,
    read_model,
    read_values,
)

_AUTH_WAIT_S = 10.0
_STATE_S = 1.0
_PUBLISH_STEP = 500


class PlatformUsers:
    """The library's user manager: the platform says who somebody is.

    The library asks without waiting, so for a tenth of a second (the platform's password check)
    this process does nothing else; the platform locks out who guesses.
    """

    def __init__(self, line: socket.socket) -> None:
        line.settimeout(_AUTH_WAIT_S)
        self._line = line
        self.refused = 0
        """Sign-ins that were refused."""

    def get_user(
        self,
        iserver: Any,
        username: str | None = None,
        password: str | bytes | None = None,
        certificate: Any = None,
    ) -> User | None:
        """Return who somebody is, None for nobody."""
        del iserver, certificate
        word = password.decode("utf-8", "replace") if isinstance(password, bytes) else password
        if username and word and self._ask(username, word):
            return User(role=UserRole.User, name=username)
        self.refused += 1
        return None

    def _ask(self, user: str, password: str) -> bool:
        line = json.dumps({"user": user[:64], "password": password[:256]}).encode() + b"\n"
        try:
            self._line.sendall(line)
            return self._line.recv(1) == b"1"
        except OSError:
            return False


def _trusted(folder: Path, der: bytes) -> bool:
    return any(file.read_bytes() == der for file in folder.glob("*.der"))


class OpcUaServer:
    """A running server.

    Args:
        model: What it shows.
        users: Who may come in.
    """

    def __init__(self, model: Model, users: PlatformUsers) -> None:
        self._model, self._users = model, users
        self._server = Server(user_manager=users)  # type: ignore[arg-type]
        self._plant: Plant | None = None
        self._nodes: LazyNodes | None = None
        self.pushed = 0
        """Values handed to subscriptions."""
        self.taken = 0
        """Values taken in."""

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: The port is taken, or a certificate cannot be read.
        """
        model, server = self._model, self._server
        InternalSession.max_connections = model.max_sessions
        kinds = ua.SecurityPolicyType
        server.set_security_policy(
            [
                kinds.Basic256Sha256_SignAndEncrypt,
                kinds.Aes128Sha256RsaOaep_SignAndEncrypt,
                kinds.Aes256Sha256RsaPss_SignAndEncrypt,
            ]
        )
        server.set_identity_tokens([ua.UserNameIdentityToken])
        await server.init()
        server.set_endpoint(f"opc.tcp://{model.host}:{model.port}/")
        server.set_server_name("heatloop")
        await server.set_application_uri(model.uri)
        await server.load_certificate(model.certificate, "der")
        await server.load_private_key(model.key, None, "pem")
        server.iserver.certificate_validator = self._judge
        index = await server.register_namespace(NAMESPACE)
        aspace = server.iserver.aspace
        self._plant = Plant(model, index)
        self._nodes = LazyNodes(aspace._nodes, self._plant, index)
        aspace._nodes = self._nodes
        aspace[ua.NodeId(ua.Int32(ObjectIds.ObjectsFolder))].references.append(
            self._plant.root_reference()
        )
        await server.start()

    @property
    def port(self) -> int:
        """Return the TCP port."""
        assert self._server.bserver is not None
        return int(self._server.bserver.port)

    async def _judge(self, found: x509.Certificate, about: Any) -> None:
        del about
        folder = self._model.trusted
        if not folder:
            return
        der = found.public_bytes(Encoding.DER)
        if not await asyncio.to_thread(_trusted, Path(folder), der):
            raise ServiceError(StatusCodes.BadCertificateUntrusted)

    async def take(self, body: bytes) -> None:
        """Take in values and tell those who subscribed."""
        assert self._plant is not None
        assert self._nodes is not None
        columns = read_values(body)
        at = self._plant.values.take(columns)
        self.taken += len(columns.keys)
        if not self._nodes.watched:
            return
        for number, (node, each) in enumerate(self._nodes.watched_at(at)):
            value = self._plant.values.data(each)
            callbacks = node.attributes[AttributeIds.Value].datachange_callbacks
            for handle, callback in list(callbacks.items()):
                with contextlib.suppress(ua.uaerrors.UaError, KeyError):
                    await callback(handle, value)
                    self.pushed += 1
            if number % _PUBLISH_STEP == _PUBLISH_STEP - 1:
                await asyncio.sleep(0)

    def state(self) -> dict[str, Any]:
        """Return how it does."""
        assert self._nodes is not None
        assert self._plant is not None
        return {
            "port": self.port,
            "clients": InternalSession._current_connections,
            "watched": len(self._nodes.watched),
            "made": self._nodes.made,
            "points": len(self._plant.points),
            "pushed": self.pushed,
            "taken": self.taken,
            "refused": self._users.refused,
        }

    async def stop(self) -> None:
        """Close every session and stop listening."""
        await self._server.stop()


async def _streams() -> asyncio.StreamReader:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _say(state: dict[str, Any]) -> None:
    data = frame(STATE, json.dumps(state).encode())
    os.write(1, data)


async def serve() -> int:
    """Serve until the platform closes the pipe."""
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    reader = await _streams()
    letter, body = await read_frame(reader)
    assert letter == MODEL
    model = read_model(body)
    line = socket.socket(fileno=model.auth_fd)
    server = OpcUaServer(model, PlatformUsers(line))
    try:
        await server.start()
    except (OSError, ValueError) as error:
        _say({"error": f"{type(error).__name__}: {error}"})
        return 1

    async def tell() -> None:
        while True:
            _say(server.state())
            await asyncio.sleep(_STATE_S)

    telling = asyncio.create_task(tell())
    try:
        while True:
            letter, body = await read_frame(reader)
            if letter == VALUES:
                await server.take(body)
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0  # The platform has gone, or wants us gone.
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5.0):
                await server.stop()
        line.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(serve()))
