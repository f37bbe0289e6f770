"""Entries of the audit trail to a syslog server over TLS.

Every entry is one message: facility 13 (log audit), its number and hash as structured data, its
canonical text as the message. The protocol has no acknowledgement: what was given to a connection
that broke is sent again, and the receiver tells repeats by their number.

Reference: RFC 5424 (message), RFC 5425 (TLS, framing by octet count).
"""

from __future__ import annotations

import datetime as dt
import select
import socket
import ssl
from collections.abc import Sequence
from typing import Any, Self

from heatloop.kernel.canonical import canonical
from heatloop.kernel.errors import ConfigError, LinkError

_FACILITY, _SEVERITY = 13, {"done": 5, "": 5, "refused": 4, "failed": 3}
_BOM = b"\xef\xbb\xbf"
_ID = "heatloop@32473"
_TIMEOUT_S = 10.0
_REPEATED = 200


def message(entry: dict[str, Any], digest: str, host: str) -> bytes:
    """Return one framed message."""
    at = dt.datetime.fromtimestamp(float(entry["at"]), dt.UTC)
    when = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    severity = _SEVERITY.get(str(entry.get("result", "")), 5)
    head = (
        f"<{_FACILITY * 8 + severity}>1 {when} {_word(host, 255)} heatloop - "
        f'{_word(str(entry["action"]), 32)} [{_ID} seq="{int(entry["seq"])}" hash="{digest}"] '
    )
    body = head.encode("ascii", "replace") + _BOM + canonical({"entry": entry, "hash": digest})
    return str(len(body)).encode() + b" " + body


def _word(text: str, most: int) -> str:
    """Return a header field: printable ASCII without spaces."""
    kept = "".join(letter for letter in text if "!" <= letter <= "~")[:most]
    return kept or "-"


class SyslogTls:
    """A connection to one server, opened when needed; calls block.

    Args:
        address: `host:port`.
        ca_file: PEM of the server's authority; empty: the system's.
        certificate: PEM of a certificate of our own; empty: none.
        key: PEM of its key.
        host: What this machine is called in the messages.
    """

    def __init__(
        self, address: str, *, ca_file: str = "", certificate: str = "", key: str = "", host: str
    ) -> None:
        self._host, _, port = address.rpartition(":")
        self._port, self._me = int(port), host
        try:
            self._context = ssl.create_default_context(cafile=ca_file or None)
            self._context.minimum_version = ssl.TLSVersion.TLSv1_2
            if certificate:
                self._context.load_cert_chain(certificate, key)
        except OSError as error:
            raise ConfigError(
                f"certificates of the syslog server cannot be read: {error}",
                thing="audit.syslog_ca",
                fix="check the files",
            ) from error
        self._line: ssl.SSLSocket | None = None
        self._sent: list[tuple[dict[str, Any], str]] = []

    @classmethod
    def to(cls, address: str, **options: str) -> Self:
        """Return a connection that calls this machine by its own name."""
        return cls(address, host=socket.gethostname(), **options)

    @property
    def name(self) -> str:
        """Return where to."""
        return f"syslog+tls://{self._host}:{self._port}"

    def send(self, entries: Sequence[tuple[dict[str, Any], str]]) -> None:
        """Send entries, oldest first.

        Raises:
            LinkError: The server cannot be reached, or is not who it should be.
        """
        try:
            line = self._alive()
            again = self._line is None
            if line is None:
                line = self._open()
            # Behind a broken connection: what it may not have delivered comes once more.
            todo = [*(self._sent if again else ()), *entries]
            line.sendall(b"".join(message(e, h, self._me) for e, h in todo))
        except OSError as error:
            self.close()
            raise LinkError(
                f"syslog server is not reachable: {error}", thing=self.name, fix="tried again"
            ) from error
        self._line = line
        self._sent = [*self._sent, *entries][-_REPEATED:]

    def _alive(self) -> ssl.SSLSocket | None:
        """Return the connection unless the server has closed it; it never sends anything."""
        if self._line is None:
            return None
        readable, _, _ = select.select([self._line], [], [], 0)
        if not readable:
            return self._line
        self._line.settimeout(0.0)
        try:
            gone = self._line.recv(1) == b""
        except (ssl.SSLWantReadError, BlockingIOError):
            gone = False
        except OSError:
            gone = True
        if gone:
            self.close()
            return None
        self._line.settimeout(_TIMEOUT_S)
        return self._line

    def _open(self) -> ssl.SSLSocket:
        raw = socket.create_connection((self._host, self._port), _TIMEOUT_S)
        try:
            return self._context.wrap_socket(raw, server_hostname=self._host)
        except BaseException:
            raw.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._line is not None:
            self._line.close()
            self._line = None
