"""An OPC UA session: made over an encrypted channel, closed politely, never trusted blindly."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from asyncua import ua
from asyncua.client.ua_client import UaClientState
from asyncua.crypto import security_policies
from asyncua.crypto.uacrypto import CertProperties
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaStructParsingError
from structlog.typing import FilteringBoundLogger

from heatloop.edge.drivers.opc_ua_client import CountingProtocol, UaDeviceClient, goodbye
from heatloop.edge.drivers.opc_ua_settings import Settings
from heatloop.edge.drivers.opc_ua_trust import own_identity, trusted_certificate
from heatloop.edge.drivers.port import DamagedError, DriverTools
from heatloop.kernel.errors import InputError, LinkError

_LOG: FilteringBoundLogger = structlog.get_logger(__name__)
ITEMS_A_CALL = 500
_NAMESPACES = ua.NodeId.from_string("i=2255")


class OpcUaSession:
    """One session with one server.

    Args:
        settings: Where and how.
        tools: What the gateway lends.
    """

    def __init__(self, settings: Settings, tools: DriverTools) -> None:
        self._settings, self._tools = settings, tools
        self._client: UaDeviceClient | None = None
        self._namespaces: list[str] = []
        self._goodbyes: set[asyncio.Task[None]] = set()
        if settings.security == "none":
            _LOG.warning("OPC UA without encryption, as the ledger asks", url=settings.url)

    def _begin(self) -> None:
        """Forget what belonged to the session before."""

    def _broken(self, error: Exception) -> Exception:
        protocol = self._protocol()
        if protocol is not None and protocol.damage is not None:
            text = f"server sent what cannot be read: {error}"
            return DamagedError(text, kind=protocol.damage, thing=self._settings.url)
        if isinstance(error, UaStructParsingError):
            return DamagedError(str(error), thing=self._settings.url)
        if isinstance(error, TimeoutError):
            return TimeoutError("server does not answer in time")
        return LinkError(f"{type(error).__name__}: {error}", thing=self._settings.url)

    def _protocol(self) -> CountingProtocol | None:
        client = self._client
        found = client.uaclient.protocol if client is not None else None
        return found if isinstance(found, CountingProtocol) else None

    @property
    def bytes_up(self) -> int:
        """Bytes from the server since the session was made."""
        protocol = self._protocol()
        return protocol.up if protocol is not None else 0

    async def _connected(self) -> None:
        client = self._client
        if client is not None and client.state is UaClientState.CONNECTED:
            return
        if client is not None:
            damaged = self._protocol()
            self.reset()
            if damaged is not None and damaged.damage is not None:
                text = "server sent what cannot be read"
                raise DamagedError(text, kind=damaged.damage, thing=self._settings.url)
        self._begin()
        made = self._client = UaDeviceClient(self._settings.url, self._tools.timeout_s)
        await self._secure(made)
        await made.connect()
        (array,) = await self._read_nodes([_NAMESPACES])
        self._namespaces = list(array.Value.Value) if array.Value is not None else []

    async def _secure(self, client: UaDeviceClient) -> None:
        settings, tools = self._settings, self._tools
        if settings.user:
            client.set_user(settings.user)
            client.set_password(tools.secret(settings.password).decode().strip())
        if settings.security == "none":
            return
        if tools.secrets is None:
            raise InputError("gateway has no secrets folder", thing=settings.url)
        own = await asyncio.to_thread(own_identity, tools.secrets)
        server = trusted_certificate(tools.secret(settings.server_cert), settings.server_cert)
        client.application_uri = own.uri
        modes = ua.MessageSecurityMode
        encrypts = settings.security == "sign_encrypt"
        await client.set_security(
            getattr(security_policies, f"SecurityPolicy{settings.policy}"),
            CertProperties(own.certificate, "der"),
            CertProperties(own.key, "pem"),
            server_certificate=CertProperties(server, "der"),
            mode=modes.SignAndEncrypt if encrypts else modes.Sign,
        )

    async def _read_nodes(self, nodes: Sequence[ua.NodeId]) -> list[ua.DataValue]:
        assert self._client is not None
        found: list[ua.DataValue] = []
        for at in range(0, len(nodes), ITEMS_A_CALL):
            some = list(nodes[at : at + ITEMS_A_CALL])
            session = self._client.uaclient.session
            values = await session.read_attributes(some, AttributeIds.Value)
            if len(values) != len(some):
                raise DamagedError("server answers other nodes", thing=self._settings.url)
            found += values
        return found

    def reset(self) -> None:
        """Give up the session; the next read makes a new one."""
        client, self._client = self._client, None
        self._begin()
        if client is None:
            return
        try:
            task = asyncio.get_running_loop().create_task(goodbye(client))
        except RuntimeError:  # no loop runs any more
            return
        self._goodbyes.add(task)
        task.add_done_callback(self._goodbyes.discard)

    def close(self) -> None:
        """Close the session for good."""
        self.reset()
