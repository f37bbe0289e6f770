"""The platform's own certificate authority: it certifies gateways and the listener they come to.

Its key is made at the first use and kept beside the other secrets. Certificates are EC P-256;
gateways pin the authority when they enrol, so no other one in the world can speak for it.

Reference: RFC 5280.
"""

from __future__ import annotations

import ipaddress
import secrets
import threading
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from heatloop.app.refusals import Refused
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import ConfigError
from heatloop.store.key_files import passphrase_of, write_secret
from heatloop.store.records.crypto import CertificateRow

_KEY, _CERTIFICATE = "ca.key", "ca.crt"
SERVER_KEY, SERVER_CERTIFICATE = "gateway-door.key", "gateway-door.crt"
_CA_DAYS, _SERVER_DAYS, _SKEW_S = 3650.0, 365.0, 3600.0
_CRL_DAYS = 7.0
_PEM = serialization.Encoding.PEM


class Authority:
    """Issues, checks and revokes certificates.

    Args:
        folder: Folder of secrets.
        company: Name that stands in the authority's certificate.
    """

    def __init__(self, folder: Path, company: str) -> None:
        self._folder, self._company = folder, company
        self._turn = threading.Lock()
        self._held: tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None = None

    @property
    def pem(self) -> str:
        """Return the authority's certificate."""
        return self._open()[1].public_bytes(_PEM).decode()

    @property
    def certificate_file(self) -> Path:
        """Return the file with the authority's certificate."""
        self._open()
        return self._folder / _CERTIFICATE

    def _open(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        """Return key and certificate, made now if there are none.

        Raises:
            ConfigError: They are damaged, or the passphrase is another one.
        """
        with self._turn:
            if self._held is None:
                if not (self._folder / _CERTIFICATE).exists():
                    self._make()
                self._held = self._load()
            return self._held

    def _load(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        path = self._folder / _KEY
        try:
            if path.stat().st_mode & 0o077:
                raise ConfigError(
                    "a key file can be read by others", thing=str(path), fix=f"chmod 600 {path}"
                )
            content = path.read_bytes()
            word = passphrase_of().encode() if b"ENCRYPTED" in content else None
            key = serialization.load_pem_private_key(content, word)
            text = (self._folder / _CERTIFICATE).read_bytes()
            certificate = x509.load_pem_x509_certificate(text)
        except (OSError, ValueError, TypeError):
            raise ConfigError(
                "the certificate authority's key cannot be opened",
                thing=str(path),
                fix="restore the folder of keys, or give its passphrase",
            ) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ConfigError("not a key of the certificate authority", thing=str(path))
        return key, certificate

    def _make(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, self._company[:60] or "heatloop"),
                x509.NameAttribute(NameOID.COMMON_NAME, f"heatloop {secrets.token_hex(4)}"),
            ]
        )
        now = machine_s()
        usage = _usage(sign_certificates=True)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(utc(now - _SKEW_S))
            .not_valid_after(utc(now) + timedelta(days=_CA_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .sign(key, hashes.SHA256())
        )
        write_secret(self._folder / _KEY, _key_pem(key, passphrase_of()))
        write_secret(self._folder / _CERTIFICATE, made.public_bytes(_PEM))

    def issue(
        self, gateway: str, request: str, *, days: float, issued_by: str
    ) -> tuple[str, CertificateRow]:
        """Return a gateway's certificate for its request, and the row to keep about it.

        The subject is the gateway's code, whatever the request asks for.

        Raises:
            Refused: It is no request, or not signed by the key it names.
        """
        try:
            asked = x509.load_pem_x509_csr(request.encode())
            good = asked.is_signature_valid
            public = asked.public_key()
        except (ValueError, TypeError, InvalidSignature) as error:
            raise Refused("certificate_invalid", thing=gateway, place="csr") from error
        if not good or not _fit(public):
            raise Refused("certificate_invalid", thing=gateway, place="csr", detail="P-256")
        made = self._certify(
            public, gateway, days, ExtendedKeyUsageOID.CLIENT_AUTH, [x509.DNSName(_label(gateway))]
        )
        row = CertificateRow(
            serial=f"{made.serial_number:x}",
            gateway=gateway,
            fingerprint=made.fingerprint(hashes.SHA256()).hex(),
            not_before=made.not_valid_before_utc.timestamp(),
            not_after=made.not_valid_after_utc.timestamp(),
            issued_at=machine_s(),
            issued_by=issued_by,
            revoked_at=None,
            reason="",
        )
        return made.public_bytes(_PEM).decode(), row

    def _certify(
        self, public: Any, name: str, days: float, use: x509.ObjectIdentifier,
        names: Sequence[x509.GeneralName],
    ) -> x509.Certificate:  # fmt: skip
        key, own = self._open()
        now = machine_s()
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])]))
            .issuer_name(own.subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(utc(now - _SKEW_S))
            .not_valid_after(utc(now) + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False
            )
            .sign(key, hashes.SHA256())
        )

    def server_files(self, hosts: Iterable[str]) -> tuple[Path, Path]:
        """Return certificate and key of the gateways' listener, made anew for these names.

        Raises:
            ConfigError: The authority cannot be opened.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        names = [_general(host) for host in dict.fromkeys(hosts) if host]
        certificate = self._certify(
            key.public_key(), "heatloop", _SERVER_DAYS, ExtendedKeyUsageOID.SERVER_AUTH, names
        )
        paths = self._folder / SERVER_CERTIFICATE, self._folder / SERVER_KEY
        write_secret(paths[1], _key_pem(key, ""))
        write_secret(paths[0], certificate.public_bytes(_PEM))
        return paths

    def crl(self, revoked: Iterable[CertificateRow]) -> str:
        """Return the list of revoked certificates, signed."""
        key, own = self._open()
        now = utc(machine_s())
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(own.subject)
            .last_update(now)
            .next_update(now + timedelta(days=_CRL_DAYS))
        )
        for row in revoked:
            if row.revoked_at is not None:
                builder = builder.add_revoked_certificate(
                    x509.RevokedCertificateBuilder()
                    .serial_number(int(row.serial, 16))
                    .revocation_date(utc(row.revoked_at))
                    .build()
                )
        return builder.sign(key, hashes.SHA256()).public_bytes(_PEM).decode()

    def gateway_of(self, der: bytes) -> tuple[str, str]:
        """Return gateway and serial of a certificate of this authority that holds now.

        Raises:
            Refused: It is another's, forged, or out of date.
        """
        try:
            found = x509.load_der_x509_certificate(der)
            found.verify_directly_issued_by(self._open()[1])
            name = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        except (ValueError, TypeError, InvalidSignature, IndexError) as error:
            raise Refused("certificate_invalid", place="issuer") from error
        now = utc(machine_s())
        if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
            raise Refused("certificate_invalid", thing=str(name), place="validity")
        return str(name), f"{found.serial_number:x}"


def _fit(public: Any) -> bool:
    if isinstance(public, ec.EllipticCurvePublicKey):
        return public.curve.name in ("secp256r1", "secp384r1")
    return isinstance(public, ed25519.Ed25519PublicKey)


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _label(gateway: str) -> str:
    """Return a gateway's code as a name certificates may hold."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in gateway)
    return f"{kept.strip('-').lower()[:60] or 'gateway'}.gateway.heatloop"


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_pem(key: ec.EllipticCurvePrivateKey, passphrase: str) -> bytes:
    how: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        how = serialization.BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, how)
