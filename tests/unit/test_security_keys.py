"""Signatures, signed documents and seals, good and tampered."""

from __future__ import annotations

import json

import pytest

from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.security.keys import (
    KeyRing,
    SigningKey,
    key_id_of,
    open_document,
    seal,
    seal_key_id,
    sign_document,
    unseal,
)

# RFC 8032, 7.1, TEST 3.
SECRET = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
PUBLIC = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
SIGNATURE = bytes.fromhex(
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
)


def test_the_vector_of_the_rfc() -> None:
    key = SigningKey.from_bytes(SECRET)
    assert key.public == PUBLIC
    assert key.sign(b"\xaf\x82") == SIGNATURE
    assert key.raw == SECRET
    KeyRing([PUBLIC]).verify(key.key_id, b"\xaf\x82", SIGNATURE)


def test_a_key_id_is_short_and_the_key_does_not_show() -> None:
    key = SigningKey.from_bytes(SECRET)
    assert key.key_id == key_id_of(PUBLIC)
    assert len(key.key_id) == 16
    assert SECRET.hex() not in repr(key)
    assert SigningKey.generate().public != SigningKey.generate().public


def test_only_trusted_keys_and_whole_data_pass() -> None:
    key, ring = SigningKey.generate(), KeyRing()
    signature = key.sign(b"open valve")
    with pytest.raises(UnsafeError, match="not trusted"):
        ring.verify(key.key_id, b"open valve", signature)
    assert ring.add(key.public) == key.key_id
    assert key.key_id in ring
    ring.verify(key.key_id, b"open valve", signature)
    for data, sig in ((b"shut valve", signature), (b"open valve", bytes(64)), (b"", b"short")):
        with pytest.raises(UnsafeError, match="does not fit"):
            ring.verify(key.key_id, data, sig)
    other = SigningKey.generate()
    ring.add(other.public)
    with pytest.raises(UnsafeError):
        ring.verify(other.key_id, b"open valve", signature)
    ring.remove(key.key_id)
    ring.remove("nobody")
    assert len(ring) == 1
    with pytest.raises(UnsafeError, match="not trusted"):
        ring.verify(key.key_id, b"open valve", signature)


def test_bad_keys_are_refused() -> None:
    with pytest.raises(InputError, match="32 bytes"):
        SigningKey.from_bytes(b"short")
    with pytest.raises(InputError, match="not an Ed25519"):
        KeyRing([b"short"])


def test_a_document_survives_the_wire() -> None:
    key = SigningKey.generate()
    doc = {"gateway": "GW0001", "factor": 0.1, "zh": "一号", "list": [1, None, True]}
    signed = json.loads(json.dumps(sign_document(key, doc)))
    assert set(signed) == {"body", "key_id", "alg", "signature"}
    assert open_document(KeyRing([key.public]), signed) == doc


@pytest.mark.parametrize(
    "field,value,error",
    [
        ("body", '{"gateway":"GW0002"}', UnsafeError),
        ("key_id", "0" * 16, UnsafeError),
        ("alg", "none", UnsafeError),
        ("signature", "00" * 64, UnsafeError),
        ("signature", "zz", InputError),
        ("signature", None, InputError),
        ("extra", "x", InputError),
    ],
)
def test_a_changed_document_is_refused(field: str, value: object, error: type) -> None:
    key = SigningKey.generate()
    signed = {**sign_document(key, {"gateway": "GW0001"}), field: value}
    with pytest.raises(error):
        open_document(KeyRing([key.public]), signed)


def test_a_signature_over_other_bytes_is_no_document() -> None:
    key = SigningKey.generate()
    body = '{"gateway":"GW0001"}'
    signed = {"body": body, "key_id": key.key_id, "alg": "Ed25519",
              "signature": key.sign(body.encode()).hex()}  # fmt: skip
    with pytest.raises(UnsafeError):
        open_document(KeyRing([key.public]), signed)


def test_seals_open_with_any_known_key_and_nothing_else() -> None:
    keys = {"old": bytes(32), "new": bytes(range(32))}
    blob = seal("old", keys["old"], b"13800000000", b"contract/CT00001/phone")
    assert b"138" not in blob
    assert seal_key_id(blob) == "old"
    assert unseal(keys, blob, b"contract/CT00001/phone") == b"13800000000"
    with pytest.raises(UnsafeError):
        unseal(keys, blob, b"contract/CT00002/phone")
    with pytest.raises(InputError, match="unknown key"):
        unseal({"new": keys["new"]}, blob, b"contract/CT00001/phone")
    with pytest.raises(UnsafeError):
        unseal({"old": keys["new"]}, blob, b"contract/CT00001/phone")
    assert seal("old", keys["old"], b"", b"") != seal("old", keys["old"], b"", b"")


def test_no_byte_of_a_seal_can_change() -> None:
    keys = {"k": bytes(32)}
    blob = seal("k", keys["k"], b"secret", b"aad")
    for i in range(len(blob)):
        for other in (blob[:i] + bytes((blob[i] ^ 1,)) + blob[i + 1 :], blob[:i]):
            with pytest.raises((UnsafeError, InputError)):
                unseal(keys, other, b"aad")


def test_bad_sealing_keys_are_refused() -> None:
    for key_id, key in (("k", b"short"), ("", bytes(32)), ("k" * 256, bytes(32))):
        with pytest.raises(InputError):
            seal(key_id, key, b"", b"")
