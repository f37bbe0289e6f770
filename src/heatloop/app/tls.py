"""TLS of every listener and every outgoing link: 1.2 at least, ciphers with forward secrecy only.

Reference: RFC 9325 (recommendations for TLS), GB/T 22239 level 3 8.1.4 (transmission).
"""

from __future__ import annotations

import asyncio
import re
import ssl
from pathlib import Path
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from heatloop.kernel.errors import ConfigError

LEAST = ssl.TLSVersion.TLSv1_2
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!SHA1"
"""Of TLS 1.2; those of 1.3 are all good."""
_REQUEST_BYTES, _REDIRECT_S = 8192, 10.0
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+)(?::[0-9]{1,5})?")
_DOOR = ("/api/v1/gateways/link", "/api/v1/gateways/certificate")


def server_context(
    certificate: str | Path, key: str | Path, *, client_ca: str | Path = ""
) -> ssl.SSLContext:
    """Return the TLS settings of a listener.

    Args:
        certificate: PEM file, the chain included.
        key: PEM file.
        client_ca: Authority whose certificates clients must show; empty: they show none.

    Raises:
        ConfigError: A file cannot be read, or key and certificate do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _harden(context)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(certificate, key)
        if client_ca:
            context.load_verify_locations(cafile=str(client_ca))
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"certificate cannot be used: {error}",
            thing=str(certificate),
            place=str(client_ca),
            fix="give a certificate in PEM and the key that belongs to it",
        ) from error
    return context


def client_context(ca_file: str | Path = "") -> ssl.SSLContext:
    """Return the TLS settings of an outgoing link, which checks the other end's name.

    Args:
        ca_file: Authority to trust; empty: the system's.

    Raises:
        ConfigError: The file cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=str(ca_file) or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"authority cannot be read: {error}", thing=str(ca_file), fix="give its PEM file"
        ) from error
    _harden(context)
    return context


def _harden(context: ssl.SSLContext) -> None:
    context.minimum_version = LEAST
    context.set_ciphers(CIPHERS)


class CertifiedHttp(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
    """HTTP that tells the application which certificate the client showed.

    It stands in the scope's state as `client_certificate`, DER, None without one: the server
    library does not hand it on, and a header could be forged.
    """

    def connection_made(self, transport: Any) -> None:
        """Take up a connection."""
        tls = transport.get_extra_info("ssl_object")
        shown = tls.getpeercert(binary_form=True) if tls is not None else None
        # A copy: the dictionary is the server's own, shared by all connections.
        mine: dict[str, Any] = self.__dict__["app_state"]
        self.__dict__["app_state"] = {**mine, "client_certificate": shown}
        super().connection_made(transport)


class GatewayDoor:
    """Lets nothing but the gateways' own routes through."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass on, or answer that there is nothing here."""
        if scope["type"] in ("http", "websocket") and scope["path"] not in _DOOR:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            headers = [(b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 404, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        await self.app(scope, receive, send)


async def redirect(host: str, port: int, https_port: int) -> asyncio.Server:
    """Return a listener that answers every plain HTTP request with its HTTPS address.

    Raises:
        OSError: The port is taken.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REDIRECT_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_moved(head, https_port))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # Whoever asks like that gets nothing.
        finally:
            writer.close()

    return await asyncio.start_server(answer, host, port, limit=_REQUEST_BYTES)


def _moved(head: bytes, https_port: int) -> bytes:
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    host = next((v[5:].strip() for v in lines[1:] if v.lower().startswith("host:")), "")
    found = _HOST.fullmatch(host)
    path = words[1] if len(words) == 3 and words[1].startswith("/") else "/"
    if not found or not path.isascii() or not path.isprintable() or path.startswith("//"):
        return b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    place = f"https://{found[1]}{'' if https_port == 443 else f':{https_port}'}{path}"
    # A body or cookie that came in clear is not used: only the address is answered.
    return (
        f"HTTP/1.1 301 Moved Permanently\r\nLocation: {place}\r\n"
        "Content-Length: 0\r\nConnection: close\r\n\r\n"
    ).encode("ascii", "ignore")
