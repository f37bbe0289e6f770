"""One-time codes, recovery codes, personal keys: published vectors and other programs."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pyotp
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, utils
from cryptography.hazmat.primitives.hmac import HMAC

from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.security.factors import (
    challenge_bytes,
    new_recovery_codes,
    read_personal_key,
    recovery_hash,
    verify_personal_key,
)
from heatloop.security.totp import (
    code_of,
    enrolment_uri,
    matching_step,
    new_secret,
    secret_text,
    step_of,
)

NOW = 1_800_000_000.0
SHA1, SHA256 = b"12345678901234567890", b"12345678901234567890123456789012"


@pytest.mark.parametrize(
    "at,sha1,sha256",
    [
        (59, "94287082", "46119246"),
        (1111111109, "07081804", "68084774"),
        (1111111111, "14050471", "67062674"),
        (1234567890, "89005924", "91819424"),
        (2000000000, "69279037", "90698825"),
        (20000000000, "65353130", "77737706"),
    ],
)
def test_codes_are_those_of_rfc_6238(at: int, sha1: str, sha256: str) -> None:
    assert code_of(SHA1, step_of(at), "sha1", 8) == sha1
    assert code_of(SHA256, step_of(at), "sha256", 8) == sha256


def test_hmac_sm3_has_the_published_value() -> None:
    """GM/T 0042-2015, annex: HMAC-SM3."""
    key = bytes(range(1, 0x21))
    mac = HMAC(key, hashes.SM3())
    mac.update(b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq" * 2)
    assert mac.finalize().hex() == (
        "ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a"
    )


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sm3"])
def test_codes_are_those_of_another_program(algorithm: str) -> None:
    secret = new_secret(algorithm)
    other = pyotp.TOTP(secret_text(secret), digest=lambda data=b"": hashlib.new(algorithm, data))
    for n in range(20):
        at = NOW + 1e6 * n
        assert code_of(secret, step_of(at), algorithm) == other.at(int(at))
    read = enrolment_uri(secret, "li@city", "智慧供热", algorithm)
    if algorithm != "sm3":
        parsed = pyotp.parse_uri(read)
        assert parsed.at(int(NOW)) == other.at(int(NOW))
        assert (parsed.name, parsed.issuer) == ("li@city", "智慧供热")


def test_a_code_is_good_once_and_for_a_minute() -> None:
    step = step_of(NOW)
    for drift, good in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        code = code_of(SHA1, step + drift)
        assert (matching_step(SHA1, code, NOW) == step + drift) is good, drift
    code = code_of(SHA1, step)
    assert matching_step(SHA1, code[:3] + " " + code[3:], NOW, after=step - 1) == step
    assert matching_step(SHA1, code, NOW, after=step) is None
    for wrong in ("", "12345", "1234567", "12345a", "１２３４５６"):
        assert matching_step(SHA1, wrong, NOW) is None
    with pytest.raises(InputError, match="unknown digest"):
        code_of(SHA1, step, "md5")


def test_recovery_codes_are_many_different_and_read_loosely() -> None:
    codes = new_recovery_codes()
    assert len({recovery_hash(code) for code in codes}) == 10
    assert recovery_hash(codes[0]) == recovery_hash(" " + codes[0].upper().replace("-", " "))
    assert all(len(code) == 19 for code in codes)


def pem(key: object) -> str:
    return (
        key.public_key()  # type: ignore[attr-defined]
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def test_keys_sign_for_one_challenge_alone() -> None:
    edward = ed25519.Ed25519PrivateKey.generate()
    known = read_personal_key(pem(edward), (), NOW)
    assert (known.algorithm, known.subject, known.ends_s) == ("Ed25519", "", None)
    signature = edward.sign(challenge_bytes("one"))
    verify_personal_key(known.public, "one", signature)
    with pytest.raises(UnsafeError):
        verify_personal_key(known.public, "two", signature)
    curve = ec.generate_private_key(ec.SECP256R1())
    known = read_personal_key(pem(curve), (), NOW)
    der = curve.sign(challenge_bytes("one"), ec.ECDSA(hashes.SHA256()))
    pair = b"".join(n.to_bytes(32, "big") for n in utils.decode_dss_signature(der))
    for each in (der, pair):
        verify_personal_key(known.public, "one", each)
        with pytest.raises(UnsafeError):
            verify_personal_key(known.public, "two", each)
    with pytest.raises(UnsafeError):
        verify_personal_key(known.public, "one", b"")


@pytest.mark.parametrize(
    "made",
    [
        lambda: pem(ec.generate_private_key(ec.SECP521R1())),
        lambda: pem(rsa.generate_private_key(65537, 1024)),
        lambda: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        lambda: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        lambda: "no key at all, only words",
    ],
)
def test_other_keys_are_refused(made: object) -> None:
    with pytest.raises(InputError):
        read_personal_key(made(), (), NOW)  # type: ignore[operator]


def test_certificates_and_signatures_of_openssl(tmp_path: Path) -> None:
    """What a person does at the command line: a company authority, a key, a signature."""
    from cryptography import x509

    def run(*words: str) -> bytes:
        return subprocess.run(
            ["openssl", *words], cwd=tmp_path, check=True, capture_output=True
        ).stdout

    req = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("ca", "other"):
        run(*req, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")
    run("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "li.key")
    run("req", "-new", "-key", "li.key", "-subj", "/CN=li", "-out", "li.csr")
    sign = ("x509", "-req", "-in", "li.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "30")
    run(*sign, "-CAcreateserial", "-out", "li.pem")
    import time

    now = time.time()  # noqa: TID251 - the certificate was made just now
    text = (tmp_path / "li.pem").read_text()
    ca, other = (
        x509.load_pem_x509_certificate((tmp_path / f"{n}.pem").read_bytes())
        for n in ("ca", "other")
    )
    known = read_personal_key(text, (other, ca), now)
    assert known.subject == "CN=li"
    assert known.ends_s == pytest.approx(now + 30 * 86400, abs=100)
    with pytest.raises(UnsafeError, match="no authority"):
        read_personal_key(text, (other,), now)
    with pytest.raises(UnsafeError, match="out of date"):
        read_personal_key(text, (ca,), now + 31 * 86400)
    with pytest.raises(InputError, match="certificate of this company"):
        read_personal_key(pem(ed25519.Ed25519PrivateKey.generate()), (ca,), now)
    (tmp_path / "sign-in.bin").write_bytes(challenge_bytes("x"))
    signature = run("dgst", "-sha256", "-sign", "li.key", "sign-in.bin")
    verify_personal_key(known.public, "x", signature)
