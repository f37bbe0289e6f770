"""Sending a webhook: signed, to an address that was looked at, with bounds on everything.

The receiver's name is resolved once, every address found is judged, and the connection goes to
the very address that was judged, so that a name which points elsewhere a moment later opens
nothing (no delivery to loopback, private, link-local or other special addresses unless the
settings allow it). Redirects are answers like any other: not followed, and no success.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from heatloop.kernel.errors import InputError, LinkError

SIGNATURE, TIMESTAMP = "Heatloop-Signature", "Heatloop-Timestamp"
DELIVERY, EVENT = "Heatloop-Delivery", "Heatloop-Event"
MAX_BODY_BYTES = 256 * 1024
_MOST_HEAD_BYTES = 16 * 1024
_PORTS = {"https": 443, "http": 80}
_MOST_URL = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """Where deliveries may go."""

    private: bool = False
    """Whether addresses of this machine and of private networks are allowed."""
    plain_http: bool = False
    """Whether `http` is allowed."""
    ca_file: str = ""
    """PEM of a certificate authority to trust besides none; empty: the system's."""
    timeout_s: float = 10.0
    """Longest time for a whole delivery, machine time."""


def sign(secret: str, timestamp: int, delivery: str, body: bytes) -> str:
    """Return the signature header: HMAC-SHA256 over `<timestamp>.<delivery id>.<body>`."""
    text = f"{timestamp}.{delivery}.".encode() + body
    return "v1=" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def verify(secret: str, timestamp: str, delivery: str, body: bytes, signature: str) -> bool:
    """Return whether a signature is right, as a receiver would test it."""
    if not timestamp.isascii() or not timestamp.isdigit():
        return False
    return hmac.compare_digest(sign(secret, int(timestamp), delivery, body), signature)


def check_url(url: str, reach: Reach) -> SplitResult:
    """Return the parts of a URL that deliveries may go to.

    Raises:
        InputError: It is no URL of http(s), carries a password or a fragment, or plain http is
            not allowed.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InputError(
            f"no URL: {error}", thing=url[:200], fix="give https://host/path"
        ) from error
    printable = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in _PORTS or not parts.hostname or port == 0 or not printable:
        raise InputError("no URL of a receiver", thing=url[:200], fix="give https://host/path")
    if parts.username or parts.password or parts.fragment or len(url) > _MOST_URL:
        fix = "leave user, password and fragment out"
        raise InputError("URL of a receiver holds too much", thing=parts.hostname, fix=fix)
    if parts.scheme == "http" and not reach.plain_http:
        fix = "use https, or set webhooks.allow_http"
        raise InputError("plain http is not allowed", thing=parts.hostname, fix=fix)
    return parts


def is_public(address: str) -> bool:
    """Return whether an address belongs to the open internet, also when wrapped in IPv6."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if inner is not None:
            return is_public(str(inner))
        if found in ipaddress.ip_network("64:ff9b::/96"):
            return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
    return found.is_global and not found.is_multicast and not found.is_reserved


async def resolve(host: str, port: int, reach: Reach) -> str:
    """Return one address of a host that may be connected to.

    Raises:
        LinkError: The name is not known.
        InputError: One of its addresses is not allowed: then none is.
    """
    loop = asyncio.get_running_loop()
    try:
        rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise LinkError(f"name cannot be resolved: {error}", thing=host) from error
    addresses = list(dict.fromkeys(str(row[4][0]) for row in rows))
    if not addresses:
        raise LinkError("name has no address", thing=host)
    inside = [address for address in addresses if not is_public(address)]
    if inside and not reach.private:
        fix = "use a public receiver, or set webhooks.allow_private"
        raise InputError(f"address {inside[0]} is not allowed", thing=host, fix=fix)
    return addresses[0]


async def post(url: str, headers: dict[str, str], body: bytes, reach: Reach) -> int:
    """Send one request and return the HTTP status of the answer.

    Args:
        url: Where to.
        headers: Header name -> value; plain ASCII.
        body: What to send, at most 256 KiB.
        reach: Where it may go.

    Raises:
        InputError: The URL or its address is not allowed, or the body is too large.
        LinkError: The receiver cannot be reached or does not answer in time.
    """
    if len(body) > MAX_BODY_BYTES:
        raise InputError(f"body has {len(body)} bytes", thing=url[:200], fix="send less")
    parts = check_url(url, reach)
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    try:
        async with asyncio.timeout(reach.timeout_s):
            address = await resolve(host, port, reach)
            tls = await asyncio.to_thread(_tls, reach) if parts.scheme == "https" else None
            reader, writer = await asyncio.open_connection(
                address,
                port,
                ssl=tls,
                server_hostname=host if tls is not None else None,
                limit=_MOST_HEAD_BYTES,
            )
            try:
                writer.write(_request(parts, headers, body))
                await writer.drain()
                return await _status(reader, host)
            finally:
                # The receiver is not waited for: what it still says is of no interest.
                writer.transport.abort()
    except TimeoutError as error:
        raise LinkError(f"no answer within {reach.timeout_s:g} s", thing=host) from error
    except (OSError, ssl.SSLError, asyncio.IncompleteReadError) as error:
        raise LinkError(f"receiver cannot be reached: {error}", thing=host) from error
    except asyncio.LimitOverrunError as error:
        raise LinkError("answer is no HTTP", thing=host) from error


def _tls(reach: Reach) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=reach.ca_file or None)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


def _request(parts: SplitResult, headers: dict[str, str], body: bytes) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    host = f"{name}:{parts.port}" if parts.port else name
    lines = [
        f"POST {target} HTTP/1.1",
        f"Host: {host}",
        "Connection: close",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if any("\r" in line or "\n" in line for line in lines):
        raise InputError("a header holds a line break", thing=str(parts.hostname))
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body


async def _status(reader: asyncio.StreamReader, host: str) -> int:
    """Return the status of the final answer; interim ones (1xx) are passed over."""
    for _ in range(5):
        head = await reader.readuntil(b"\r\n\r\n")
        version, _, rest = head.partition(b"\r\n")[0].partition(b" ")
        code = rest[:3]
        if not version.startswith(b"HTTP/1.") or not code.isdigit():
            break
        if int(code) >= 200:
            return int(code)
    raise LinkError("answer is no HTTP", thing=host)
