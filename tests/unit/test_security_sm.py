"""The national algorithms against their published vectors, and against other programs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.security import sm2
from heatloop.security.keys import KeyRing, SigningKey, Sm2Key, open_document, sign_document
from heatloop.security.providers import provider
from heatloop.security.sm import SM4_GCM
from heatloop.security.sm3 import hmac_sm3, sm3

# GB/T 32918.5, appendix A and C (the recommended curve).
SECRET = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8
NONCE = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
PUBLIC = bytes.fromhex(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
MESSAGE = b"message digest"
SIGNATURE = bytes.fromhex(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)
PLAINTEXT = b"encryption standard"
CIPHERTEXT = bytes.fromhex(
    "0404ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73e8"
    "58f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"
    "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"
    "21886ca989ca9c7d58087307ca93092d651efa"
)


@pytest.fixture(params=["plain integers", "tongsuo"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways the curve is worked on."""
    if request.param == "plain integers":
        monkeypatch.setattr(sm2, "_tongsuo", lambda: None)
    elif sm2._tongsuo() is None:
        pytest.skip("tongsuopy has no wheel for this machine")
    return str(request.param)


def test_sm3_gives_what_gb_32905_prints() -> None:
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert (
        sm3(b"abcd" * 16).hex()
        == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    )


def test_hmac_sm3_gives_what_is_published() -> None:
    key, text = bytes(range(1, 33)), b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq" * 2
    assert (
        hmac_sm3(key, text).hex()
        == "ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a"
    )


def test_sm4_gcm_gives_what_rfc_8998_prints() -> None:
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    nonce = bytes.fromhex("00001234567800000000abcd")
    aad = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    plain = b"".join(bytes([byte]) * 8 for byte in b"\xaa\xbb\xcc\xdd\xee\xff\xee\xaa")
    blob = bytes.fromhex(
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )
    assert SM4_GCM.encrypt(key, nonce, plain, aad) == blob
    assert SM4_GCM.decrypt(key, nonce, blob, aad) == plain
    for changed in (blob[:-1] + b"\x00", b"\x00" + blob[1:], blob[:8]):
        with pytest.raises(UnsafeError):
            SM4_GCM.decrypt(key, nonce, changed, aad)


def test_sm2_signs_as_gb_32918_prints(engine: str) -> None:
    assert sm2.public_of(SECRET) == PUBLIC
    digest = sm2.message_digest(PUBLIC, MESSAGE)
    assert f"{digest:X}" == "F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640"
    assert sm2.sign_with(SECRET, digest, NONCE) == SIGNATURE
    assert sm2.verify(PUBLIC, MESSAGE, SIGNATURE), engine
    own = sm2.sign(SECRET, PUBLIC, MESSAGE)
    assert len(own) == 64
    assert own != SIGNATURE
    assert sm2.verify(PUBLIC, MESSAGE, own)
    for data, signature in (
        (b"another message", SIGNATURE),
        (MESSAGE, bytes(64)),
        (MESSAGE, SIGNATURE[:-1]),
        (MESSAGE, SIGNATURE[:32] + sm2.N.to_bytes(32, "big")),
        (MESSAGE, SIGNATURE[32:] + SIGNATURE[:32]),
    ):
        assert not sm2.verify(PUBLIC, data, signature)


def test_sm2_encrypts_as_gb_32918_prints() -> None:
    assert sm2.encrypt(PUBLIC, PLAINTEXT, NONCE) == CIPHERTEXT
    assert sm2.decrypt(SECRET, CIPHERTEXT) == PLAINTEXT
    assert sm2.decrypt(SECRET, sm2.encrypt(PUBLIC, b"other")) == b"other"
    with pytest.raises(UnsafeError):
        sm2.decrypt(SECRET, CIPHERTEXT[:-1] + b"\x00")
    with pytest.raises(UnsafeError):
        sm2.decrypt(SECRET + 1, CIPHERTEXT)
    with pytest.raises(InputError):
        sm2.decrypt(SECRET, b"\x04" * 120)  # not a point of the curve


def test_both_ways_and_a_third_library_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    gmssl = pytest.importorskip("gmssl.sm2")
    key = Sm2Key.generate()
    signed = key.sign(b"valve")
    monkeypatch.setattr(sm2, "_tongsuo", lambda: None)
    assert sm2.verify(key.public, b"valve", signed)
    plain = key.sign(b"valve")
    monkeypatch.undo()
    assert sm2.verify(key.public, b"valve", plain)
    # It strips leading 0 and 4 of a public key given with its 04: give it without.
    other = gmssl.CryptSM2(private_key=key.raw.hex(), public_key=key.public[1:].hex(), mode=1)
    other.public_key = key.public[1:].hex()
    digest = sm2.message_digest(key.public, b"valve").to_bytes(32, "big")
    assert other.verify(plain.hex(), digest)
    assert sm2.verify(key.public, b"valve", bytes.fromhex(other.sign(digest, f"{NONCE:064x}")))
    assert other.decrypt(sm2.encrypt(key.public, b"secret")[1:]) == b"secret"


def _openssl(folder: Path, *words: str) -> bytes:
    done = subprocess.run(
        ["openssl", *words], cwd=folder, capture_output=True, check=False, timeout=20
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
def test_openssl_reads_our_signatures_and_we_read_its(tmp_path: Path) -> None:
    _openssl(tmp_path, "genpkey", "-algorithm", "SM2", "-out", "key.pem")
    told = _openssl(tmp_path, "pkey", "-in", "key.pem", "-noout", "-text").decode()
    fields = {}
    for line in told.splitlines():
        if not line.startswith(" "):
            name = line.split(":")[0]
            fields[name] = ""
        else:
            fields[name] += line.strip().replace(":", "")
    key = Sm2Key.from_bytes(bytes.fromhex(fields["priv"])[-32:].rjust(32, b"\x00"))
    assert key.public == bytes.fromhex(fields["pub"])
    (tmp_path / "data").write_bytes(b"set point 55.0")
    (tmp_path / "ours").write_bytes(sm2.to_der(key.sign(b"set point 55.0")))
    how = ("-sm3", "-sigopt", "distid:1234567812345678")
    _openssl(tmp_path, "pkey", "-in", "key.pem", "-pubout", "-out", "pub.pem")
    _openssl(tmp_path, "dgst", *how, "-verify", "pub.pem", "-signature", "ours", "data")
    _openssl(tmp_path, "dgst", *how, "-sign", "key.pem", "-out", "theirs", "data")
    theirs = sm2.from_der((tmp_path / "theirs").read_bytes())
    assert sm2.verify(key.public, b"set point 55.0", theirs)
    assert not sm2.verify(key.public, b"set point 95.0", theirs)


def test_der_is_read_strictly() -> None:
    assert sm2.from_der(sm2.to_der(SIGNATURE)) == SIGNATURE
    small = bytes(31) + b"\x07" + b"\xff" * 32
    assert sm2.from_der(sm2.to_der(small)) == small
    good = sm2.to_der(SIGNATURE)
    for bad in (
        b"",
        good[:-1],
        good + b"\x00",
        b"\x31" + good[1:],
        b"\x30\x06\x02\x01\x00\x03\x01\x00",
    ):
        with pytest.raises(InputError):
            sm2.from_der(bad)


def test_a_ring_holds_keys_of_both_kinds() -> None:
    ours, theirs = SigningKey.generate(), Sm2Key.generate()
    ring = KeyRing([ours.public, theirs.public])
    for key in (ours, theirs):
        signed = sign_document(key, {"plan": 7})
        assert signed["alg"] == key.algorithm
        assert open_document(ring, signed) == {"plan": 7}
        # Who knows both algorithms must not be talked into checking by the wrong one.
        other = {"Ed25519": "SM2-SM3", "SM2-SM3": "Ed25519"}[key.algorithm]
        with pytest.raises(UnsafeError, match="algorithm"):
            open_document(ring, {**signed, "alg": other})
    assert theirs.raw.hex() not in repr(theirs)
    assert Sm2Key.from_bytes(theirs.raw).public == theirs.public
    with pytest.raises(InputError):
        Sm2Key.from_bytes(bytes(32))
    off_curve = theirs.public[:-1] + bytes((theirs.public[-1] ^ 1,))
    with pytest.raises(InputError):
        KeyRing([off_curve])


@pytest.mark.parametrize("name", ["international", "sm"])
def test_a_suite_offers_the_same_whatever_it_is(name: str) -> None:
    suite, other = provider(name), provider("sm" if name == "international" else "international")
    key = suite.new_data_key()
    blob = suite.seal("k1", key, b"13800000000", b"row 7")
    keys = {"k1": key, "k2": other.new_data_key()}
    # A mixed store: either suite opens what the other one sealed.
    assert other.unseal(keys, blob, b"row 7") == b"13800000000"
    assert suite.unseal(keys, other.seal("k2", keys["k2"], b"x", b"y"), b"y") == b"x"
    with pytest.raises(UnsafeError):
        suite.unseal(keys, blob, b"row 8")
    with pytest.raises(InputError):
        suite.seal("k1", b"short", b"x", b"")
    signer = suite.signing_key()
    again = suite.signing_key(suite.signing_secret(signer))
    assert again.public == signer.public
    assert other.verify(signer.algorithm, signer.public, b"d", signer.sign(b"d"))
    assert not suite.verify("ROT13", signer.public, b"d", signer.sign(b"d"))
    assert len(suite.digest(b"")) == len(suite.mac(b"k", b"")) == 32
    assert suite.digest(b"") != other.digest(b"")
    terms = suite.kdf_terms()
    assert other.derive("pass phrase", terms, 16) == suite.derive("pass phrase", terms, 16)
    for wrong in ({**terms, "kdf": "md5"}, {**terms, "iterations": 1, "memory_kib": 1}, {}):
        with pytest.raises(InputError):
            suite.derive("pass phrase", wrong, 16)
