"""Which TCP ports answer, tried from outside like anybody could, against those declared."""

from __future__ import annotations

import errno
import selectors
import socket
from collections.abc import Iterable, Iterator

from heatloop.app.setting_sections import Settings
from heatloop.app.watch_settings import ports_of
from heatloop.kernel.errors import InputError

ALL_PORTS = range(1, 65536)
_AT_ONCE = 400
_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN)


def declared_ports(settings: Settings) -> frozenset[int]:
    """Return the ports the configuration says may be open."""
    found = {settings.server.port} | set(ports_of(settings.watch.ports))
    if settings.opc_ua.enabled:
        found.add(settings.opc_ua.port)
    found |= {settings.crypto.gateway_port, settings.crypto.redirect_port}
    return frozenset(found - {0})


def open_ports(host: str, ports: Iterable[int], *, timeout_s: float = 1.0) -> list[int]:
    """Return which ports of a host accept a connection; nothing is sent.

    Args:
        host: Name or address.
        ports: Ports to try.
        timeout_s: How long one is waited for; a filtered port answers nothing at all.

    Raises:
        InputError: The host is not known.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise InputError(f"no such host: {error}", thing=host, fix="give an address") from error
    found: list[int] = []
    waiting = iter(ports)
    with selectors.DefaultSelector() as selector:
        while True:
            started = _start(selector, family, address, waiting, found)
            if not selector.get_map():
                if not started:
                    return sorted(found)
                continue
            _finish(selector, found, timeout_s)


def _start(
    selector: selectors.BaseSelector,
    family: int,
    address: tuple[object, ...],
    ports: Iterator[int],
    found: list[int],
) -> int:
    """Begin connections until enough are under way; return how many ports were taken up."""
    started = 0
    while len(selector.get_map()) < _AT_ONCE:
        port = next(ports, None)
        if port is None:
            break
        started += 1
        tried = socket.socket(family, socket.SOCK_STREAM)
        tried.setblocking(False)
        said = tried.connect_ex((address[0], port, *address[2:]))
        if said in _UNDER_WAY:
            selector.register(tried, selectors.EVENT_WRITE, port)
            continue
        if said == 0:
            found.append(port)
        tried.close()
    return started


def _finish(selector: selectors.BaseSelector, found: list[int], timeout_s: float) -> None:
    ready = selector.select(timeout_s)
    answered = [(key.fileobj, key.data) for key, _ in ready]
    if not answered:
        # Nobody answered for the whole time: none of these will.
        answered = [(key.fileobj, 0) for key in list(selector.get_map().values())]
    for tried, port in answered:
        assert isinstance(tried, socket.socket)
        selector.unregister(tried)
        if port and tried.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
            found.append(port)
        tried.close()


def own_addresses(settings: Settings) -> list[str]:
    """Return the addresses of this machine others can reach, as far as its own name tells."""
    host = settings.server.host
    found = {host} if host not in ("0.0.0.0", "::", "") else set()
    try:
        for family, _, _, _, address in socket.getaddrinfo(
            socket.gethostname(), None, type=socket.SOCK_STREAM
        ):
            if family in (socket.AF_INET, socket.AF_INET6):
                found.add(str(address[0]).partition("%")[0])
    except OSError:
        pass
    outside = {each for each in found if not each.startswith("127.") and each != "::1"}
    return sorted(outside) or sorted(found)
