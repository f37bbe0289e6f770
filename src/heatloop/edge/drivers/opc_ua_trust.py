"""Certificates of OPC UA: the gateway's own, made once, and those of servers, trusted by file.

Kept in the gateway's secrets folder: `opc_ua_own.der` and `opc_ua_own.pem` (its key, readable by
its owner alone). A server is trusted when the certificate it shows is the one in the file its
ledger row names.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import ConfigError, InputError

OWN_CERTIFICATE, OWN_KEY = "opc_ua_own.der", "opc_ua_own.pem"
_VALID_DAYS = 3650


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who the gateway is to OPC UA servers."""

    certificate: bytes
    """DER."""
    key: bytes
    """PEM, PKCS 8, not encrypted."""
    uri: str
    """Application URI, as the certificate says it."""


def own_identity(folder: Path) -> Identity:
    """Return the gateway's identity, made the first time; takes a second then.

    Raises:
        ConfigError: What is there cannot be read, or nothing can be written.
    """
    certificate, key = folder / OWN_CERTIFICATE, folder / OWN_KEY
    try:
        if not (certificate.is_file() and key.is_file()):
            make_certificate(certificate, key, "edge")
        return read_identity(certificate, key)
    except (OSError, ValueError) as error:
        fix = f"remove {OWN_CERTIFICATE} and {OWN_KEY}: new ones are made"
        raise ConfigError(
            f"own OPC UA certificate cannot be used: {error}", thing=str(folder), fix=fix
        ) from error


def read_identity(certificate: Path, key: Path) -> Identity:
    """Return what two files say.

    Raises:
        OSError: They cannot be read.
        ValueError: They hold no certificate with an application URI.
    """
    der = certificate.read_bytes()
    try:
        names = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except x509.ExtensionNotFound as error:
        raise ValueError("certificate has no application URI") from error
    uris = names.value.get_values_for_type(x509.UniformResourceIdentifier)
    if not uris:
        raise ValueError("certificate has no application URI")
    return Identity(certificate=der, key=key.read_bytes(), uri=uris[0])


def make_certificate(certificate: Path, key: Path, role: str) -> None:
    """Make a self-signed application certificate and its key, valid for ten years.

    Args:
        certificate: Where the certificate goes, DER.
        key: Where its key goes, PEM, readable by its owner alone.
        role: `edge` for a client, anything else for a server.

    Raises:
        OSError: They cannot be written.
    """
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    serial = x509.random_serial_number()
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"heatloop {role}"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "heatloop"),
        ]
    )
    # A gateway's clock may be behind that of a server.
    begin = utc(machine_s()) - timedelta(days=1)
    host = socket.gethostname() or "localhost"
    alternative = [
        x509.UniformResourceIdentifier(f"urn:heatloop:{role}:{serial:x}"),
        x509.DNSName(host),
    ]
    use = ExtendedKeyUsageOID.CLIENT_AUTH if role == "edge" else ExtendedKeyUsageOID.SERVER_AUTH
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(serial)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=_VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternative), critical=False)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False
        )
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    certificate.parent.mkdir(parents=True, exist_ok=True)
    _write(key, pem)
    _write(certificate, made.public_bytes(serialization.Encoding.DER))


def _write(path: Path, data: bytes) -> None:
    """Put a file there whole, for its owner alone."""
    part = path.with_name(path.name + ".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def trusted_certificate(data: bytes, name: str) -> bytes:
    """Return a server's certificate as DER, given DER or PEM.

    Raises:
        InputError: It is no certificate.
    """
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            found = x509.load_pem_x509_certificate(data)
        else:
            found = x509.load_der_x509_certificate(data)
    except ValueError as error:
        fix = "export the server's certificate as DER or PEM"
        raise InputError(f"no certificate: {error}", thing=name, fix=fix) from error
    return found.public_bytes(serialization.Encoding.DER)


def fingerprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate as people compare it: pairs parted by colons."""
    return x509.load_der_x509_certificate(der).fingerprint(hashes.SHA256()).hex(":").upper()
