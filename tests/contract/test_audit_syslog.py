"""The copy to a syslog server over TLS: a real server on a socket, framed as RFC 5425 has it."""

import datetime as dt
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from heatloop.bridge.audit_syslog import SyslogTls, message
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import ConfigError, LinkError
from heatloop.store.audit_feed import entries_of
from heatloop.store.records import Records
from heatloop.store.records.audit import AuditWish


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A server's certificate for localhost, which is its own authority."""
    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.fromtimestamp(machine_s(), dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "server.pem", folder / "server.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, secret


class Server:
    """Takes connections one after the other, and keeps what each sent."""

    def __init__(self, pem: Path, key: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem, key)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self.taken: list[bytes] = []
        self._line: ssl.SSLSocket | None = None
        self._got = threading.Condition()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                raw, _ = self._door.accept()
            except OSError:
                return
            try:
                with closing(self._context.wrap_socket(raw, server_side=True)) as line:
                    self._line = line
                    with self._got:
                        self.taken.append(b"")
                    while data := line.recv(65536):
                        with self._got:
                            self.taken[-1] += data
                            self._got.notify_all()
            except OSError:
                raw.close()

    def wait(self, connection: int, size: int) -> bytes:
        with self._got:
            fits = self._got.wait_for(
                lambda: len(self.taken) > connection and len(self.taken[connection]) >= size, 10
            )
            assert fits, self.taken
            return self.taken[connection]

    def hang_up(self) -> None:
        assert self._line is not None
        self._line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        if self._line is not None:
            self._line.close()
        self._thread.join(10)


@pytest.fixture
def server(certificate: tuple[Path, Path]) -> Iterator[Server]:
    made = Server(*certificate)
    yield made
    made.close()


def frames(data: bytes) -> list[bytes]:
    """Part a stream by octet counts."""
    found = []
    while data:
        count, _, rest = data.partition(b" ")
        assert len(rest) >= int(count)
        found.append(rest[: int(count)])
        data = rest[int(count) :]
    return found


def entries(tmp_path: Path, count: int) -> list[tuple[dict[str, object], str]]:
    records = Records.open(f"sqlite:///{tmp_path}/r.sqlite")
    records.audit.append_many(
        [
            AuditWish(
                at=1.8e9 + n,
                user="王",
                action="command.refused",
                subject="SS 1\nx",
                detail={"n": n},
                result="refused",
            )
            for n in range(count)
        ]
    )
    found = list(records.audit.after(0))
    records.close()
    return found


HEAD = re.compile(
    rb"<108>1 2027-01-15T08:00:0\d\.000Z plant1 heatloop - command\.refused"
    rb' \[heatloop@32473 seq="\d+" hash="[0-9a-f]{64}"\] \xef\xbb\xbf\{'
)


def test_entries_arrive_as_rfc_5424_over_tls_and_can_be_read_back(
    server: Server, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    sent = entries(tmp_path, 5)
    line = SyslogTls(f"localhost:{server.port}", ca_file=str(certificate[0]), host="plant 1")
    line.send(sent)
    size = sum(len(message(e, h, "plant 1")) for e, h in sent)
    got = frames(server.wait(0, size))
    assert all(HEAD.match(frame) for frame in got), got[0]
    assert list(entries_of(b"\n".join(got))) == sent
    assert all(frame.count(b"\n") == 0 for frame in got)
    line.close()


def test_what_a_broken_connection_may_have_lost_is_sent_again(
    server: Server, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    sent = entries(tmp_path, 6)
    line = SyslogTls(f"localhost:{server.port}", ca_file=str(certificate[0]), host="h")
    line.send(sent[:3])
    server.wait(0, 1)
    server.hang_up()
    for _ in range(100):  # Until the end of the connection has arrived here.
        if line._alive() is None:
            break
        threading.Event().wait(0.02)
    line.send(sent[3:])
    size = sum(len(message(e, h, "h")) for e, h in sent)
    got = list(entries_of(b"\n".join(frames(server.wait(1, size)))))
    assert got == sent
    line.close()


def test_a_server_that_is_not_who_it_should_be_gets_nothing(
    server: Server, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    sent = entries(tmp_path, 1)
    stranger = SyslogTls(f"localhost:{server.port}", host="h")  # The system's authorities.
    with pytest.raises(LinkError, match="certificate"):
        stranger.send(sent)
    other = SyslogTls(f"127.0.0.1:{server.port}", ca_file=str(certificate[0]), host="h")
    with pytest.raises(LinkError, match=r"(?i)certificate"):
        other.send(sent)
    assert b"".join(server.taken) == b""
    with pytest.raises(ConfigError):
        SyslogTls("localhost:1", ca_file=str(tmp_path / "none.pem"), host="h")
