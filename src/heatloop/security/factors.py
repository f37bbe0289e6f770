"""Second factors besides one-time codes: recovery codes, and keys or certificates that sign.

A person's key is an Ed25519, ECDSA P-256 / P-384 or RSA (2048 bits or more, PSS or PKCS #1 with
SHA-256) public key, alone or in an X.509 certificate. It proves itself by signing a challenge that
names the platform's session, so a signature fits one attempt and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from heatloop.kernel.errors import InputError, UnsafeError

RECOVERY_CODES = 10
"""How many are made at a time."""
_RECOVERY_BYTES = 10
_CHALLENGE = b"heatloop-sign-in\x00"
_RSA_BITS = 2048
_P1363 = {"secp256r1": 32, "secp384r1": 48}
_FIX = "give a PEM of an Ed25519, ECDSA P-256, P-384 or RSA public key, or a certificate of one"


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonalKey:
    """A public key somebody proves himself with."""

    public: bytes
    """SubjectPublicKeyInfo, DER."""
    algorithm: str
    """Name of the algorithm."""
    fingerprint: str
    """SHA-256 of the public key, hexadecimal."""
    subject: str
    """Subject of its certificate; empty without one."""
    ends_s: float | None
    """Machine time its certificate ends; None without one."""


def new_recovery_codes() -> list[str]:
    """Return fresh recovery codes of 80 bits each, in groups that read well."""
    codes = []
    for _ in range(RECOVERY_CODES):
        text = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
        codes.append("-".join(text[at : at + 4] for at in range(0, len(text), 4)))
    return codes


def recovery_hash(code: str) -> str:
    """Return what the store keeps of a recovery code; its 80 bits need no slow hash."""
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return hashlib.sha256(b"heatloop-recovery\x00" + plain.encode()).hexdigest()


def challenge_bytes(challenge: str) -> bytes:
    """Return what is signed for a challenge."""
    return _CHALLENGE + challenge.encode()


def read_personal_key(
    pem: str, authorities: tuple[x509.Certificate, ...], now_s: float
) -> PersonalKey:
    """Return the public key of a PEM, which may be a certificate.

    Args:
        pem: `-----BEGIN PUBLIC KEY-----` or `-----BEGIN CERTIFICATE-----`.
        authorities: Who must have issued a certificate; empty: any certificate stands for its key.
        now_s: Machine time.

    Raises:
        InputError: It is neither, or of a kind or size that is not accepted.
        UnsafeError: The certificate is out of date or not by one of the authorities.
    """
    raw, subject, ends_s = pem.encode(), "", None
    try:
        if b"BEGIN CERTIFICATE" in raw:
            certificate = x509.load_pem_x509_certificate(raw)
            _check_certificate(certificate, authorities, now_s)
            key: PublicKeyTypes = certificate.public_key()
            subject = certificate.subject.rfc4514_string()
            ends_s = certificate.not_valid_after_utc.timestamp()
        elif authorities:
            raise InputError("a certificate of this company is wanted", fix=_FIX)
        else:
            key = serialization.load_pem_public_key(raw)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError("not a public key or certificate", place="pem", fix=_FIX) from error
    public = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return PersonalKey(
        public=public,
        algorithm=_algorithm(key),
        fingerprint=hashlib.sha256(public).hexdigest(),
        subject=subject,
        ends_s=ends_s,
    )


def _check_certificate(
    certificate: x509.Certificate, authorities: tuple[x509.Certificate, ...], now_s: float
) -> None:
    now = datetime.fromtimestamp(now_s, UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise UnsafeError("certificate is out of date", fix="ask for a new one")
    for authority in authorities:
        if authority.subject != certificate.issuer:
            continue
        try:
            certificate.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return
    if authorities:
        raise UnsafeError(
            "certificate is of no authority this company accepts", fix="use a company certificate"
        )


def _algorithm(key: object) -> str:
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "Ed25519"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _P1363:
        return f"ECDSA-{key.curve.name}"
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_BITS:
        return f"RSA-{key.key_size}"
    raise InputError("this kind of key is not accepted", place="pem", fix=_FIX)


def verify_personal_key(public: bytes, challenge: str, signature: bytes) -> None:
    """Return if the signature over a challenge is this key's own.

    ECDSA signatures may be DER (openssl) or the bare pair of numbers (browsers).

    Raises:
        UnsafeError: It is not.
    """
    key = serialization.load_der_public_key(public)
    data = challenge_bytes(challenge)
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
            return
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(_der(key, signature), data, ec.ECDSA(hashes.SHA256()))
            return
        if isinstance(key, rsa.RSAPublicKey):
            _verify_rsa(key, signature, data)
            return
    except (InvalidSignature, ValueError) as error:
        raise UnsafeError("signature does not fit the challenge", fix="sign a new one") from error
    raise UnsafeError("this kind of key is not accepted", fix="register another key")


def _der(key: ec.EllipticCurvePublicKey, signature: bytes) -> bytes:
    size = _P1363[key.curve.name]
    if len(signature) != 2 * size:
        return signature
    first, second = signature[:size], signature[size:]
    return utils.encode_dss_signature(int.from_bytes(first, "big"), int.from_bytes(second, "big"))


def _verify_rsa(key: rsa.RSAPublicKey, signature: bytes, data: bytes) -> None:
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
    try:
        key.verify(signature, data, pss, hashes.SHA256())
    except InvalidSignature:
        key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
