"""A gateway's certificate for the link: asked for at enrolment, renewed by the gateway itself.

The TLS key is made here and never leaves; the request is signed with the gateway's own key, so
the platform knows whose it is even when no certificate holds any more. Renewal begins when two
thirds of the certificate's life are over.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from structlog.typing import FilteringBoundLogger

from heatloop.edge.files import save_bytes
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import ConfigError, HeatloopError, LinkError
from heatloop.security.keys import SigningKey, sign_document

_LOG: FilteringBoundLogger = structlog.get_logger(__name__)
PATH = "/api/v1/gateways/certificate"
KIND = "gateway-certificate"
DOOR = "platform.heatloop"
"""Name in the certificate of every listener for gateways, wherever it is reached."""
_PAIR, _CA, _NEXT = "tls.pem", "tls-ca.pem", "tls-next.key"
_RENEW_AT, _LOOK_S, _RETRY_S = 2 / 3, 3600.0, 300.0
Ask = Callable[[str, dict[str, Any]], dict[str, Any]]
Kept = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkWay:
    """Where a link goes, and what it trusts there."""

    urls: tuple[str, ...]
    """Addresses, to be tried in turn."""
    tls: ssl.SSLContext | None = None
    """TLS settings; None for plain http to this machine."""
    name: str | None = None
    """Name the other end's certificate must hold; None: the host of the address."""


class Certificate:
    """The gateway's certificate on disk.

    Args:
        folder: Data folder of the gateway.
        gateway: Gateway code.
    """

    def __init__(self, folder: Path, gateway: str) -> None:
        self._folder, self._gateway = folder, gateway
        self._context: ssl.SSLContext | None = None

    @property
    def there(self) -> bool:
        """Whether there is one."""
        return all((self._folder / name).exists() for name in (_PAIR, _CA))

    def request(self, key: SigningKey) -> dict[str, Any]:
        """Return the signed request for a certificate; the new key is kept before it is asked."""
        path = self._folder / _NEXT
        if path.exists():
            own = serialization.load_pem_private_key(path.read_bytes(), None)
        else:
            own = ec.generate_private_key(ec.SECP256R1())
            save_bytes(
                path,
                own.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                ),
            )
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self._gateway[:64])])
        asked = x509.CertificateSigningRequestBuilder().subject_name(name)
        csr = asked.sign(own, hashes.SHA256())  # type: ignore[arg-type]
        text = csr.public_bytes(serialization.Encoding.PEM).decode()
        return dict(sign_document(key, {"kind": KIND, "gateway": self._gateway, "csr": text}))

    def asked(self, key: SigningKey) -> dict[str, Any]:
        """Return the body of a request for renewal."""
        return {"gateway": self._gateway, "request": self.request(key)}

    def keep(self, answer: dict[str, Any]) -> None:
        """Keep the certificate the platform answered with.

        Raises:
            LinkError: The answer holds none, or one for another key.
        """
        try:
            certificate, ca = str(answer["certificate"]), str(answer["ca"])
            found = x509.load_pem_x509_certificate(certificate.encode())
            x509.load_pem_x509_certificate(ca.encode())
            key = (self._folder / _NEXT).read_bytes()
            own = serialization.load_pem_private_key(key, None).public_key()
        except (KeyError, ValueError, OSError) as error:
            raise LinkError("platform's certificate is malformed", thing=self._gateway) from error
        if found.public_key() != own:
            raise LinkError("platform's certificate is for another key", thing=self._gateway)
        save_bytes(self._folder / _CA, ca.encode())
        # Key and certificate stand in one file: they are replaced together or not at all.
        save_bytes(self._folder / _PAIR, certificate.encode() + b"\n" + key)
        (self._folder / _NEXT).unlink(missing_ok=True)
        if self._context is not None:
            self._load(self._context)

    def due_s(self) -> float:
        """Return the machine time renewal begins; 0 without a certificate."""
        if not self.there:
            return 0.0
        try:
            found = x509.load_pem_x509_certificate((self._folder / _PAIR).read_bytes())
        except ValueError:
            return 0.0
        begin = found.not_valid_before_utc.timestamp()
        return begin + _RENEW_AT * (found.not_valid_after_utc.timestamp() - begin)

    def context(self) -> ssl.SSLContext | None:
        """Return the TLS settings that show the certificate and trust its authority alone.

        New connections use a renewed certificate without a restart. None without one.

        Raises:
            ConfigError: The certificate on disk is damaged.
        """
        if not self.there:
            return None
        if self._context is None:
            context = ssl.create_default_context(cafile=str(self._folder / _CA))
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            self._load(context)
            self._context = context
        return self._context

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(self._folder / _PAIR)
            context.load_verify_locations(cafile=str(self._folder / _CA))
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"certificate cannot be used: {error}",
                thing=self._gateway,
                place=str(self._folder / _PAIR),
                fix="delete the file: the gateway asks for a new one",
            ) from error

    async def renewing(self, key: SigningKey, ask: Ask, kept: Kept) -> None:
        """Renew the certificate when it is time, until cancelled.

        Args:
            key: The gateway's own key.
            ask: Sends a request to a path of the platform; runs in a thread.
            kept: Keeps the answer, on the event loop.
        """
        told = False
        while True:
            wait_s = self.due_s() - machine_s()
            if wait_s > 0:
                await asyncio.sleep(min(wait_s, _LOOK_S))
                continue
            try:
                answer = await asyncio.to_thread(ask, PATH, self.asked(key))
                kept(answer)
                _LOG.info("certificate renewed", gateway=self._gateway)
                told = False
            except HeatloopError as error:
                if not told:
                    _LOG.warning("certificate not renewed", reason=error.message)
                told = True
                await asyncio.sleep(_RETRY_S)
