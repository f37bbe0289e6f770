"""The `.hlx` container: what goes in comes out, and nothing else passes for it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatloop.kernel.errors import HeatloopError, InputError, UnsafeError
from heatloop.security.container import Opener, Opening, Recipient, Sealing, new_receiver
from heatloop.security.providers import provider

PRIVATE, PUBLIC = new_receiver("X25519")
SM2_PRIVATE, SM2_PUBLIC = new_receiver("SM2")
OPENER = Opener(private_key=PRIVATE)


def sealed(data: bytes, *, piece: int = 64, suite: str = "international", **who: object) -> bytes:
    recipient = Recipient(**(who or {"public_key": PUBLIC}))  # type: ignore[arg-type]
    work = Sealing(
        provider(suite), [recipient], about={"name": "a.csv"}, made_at=1.0, piece_bytes=piece
    )
    return work.add(data[:7]) + work.add(data[7:]) + work.end()


def opened(blob: bytes, opener: Opener = OPENER, step: int = 1 << 20) -> bytes:
    work = Opening(opener)
    out = b"".join(
        piece
        for at in range(0, max(len(blob), 1), step)
        for piece in work.add(blob[at : at + step])
    )
    work.end()
    return out


@given(data=st.binary(max_size=400), step=st.integers(1, 300))
@settings(max_examples=40, deadline=None)
def test_what_goes_in_comes_out(data: bytes, step: int) -> None:
    assert opened(sealed(data), step=step) == data


@pytest.mark.parametrize("suite", ["international", "sm"])
def test_each_recipient_opens_by_his_own_means_alone(suite: str) -> None:
    word, data = "a long passphrase", b"FL00001,13800000000\n" * 50
    many = [
        Recipient(passphrase=word),
        Recipient(public_key=PUBLIC),
        Recipient(public_key=SM2_PUBLIC),
    ]
    work = Sealing(provider(suite), many, about={}, made_at=1.0, piece_bytes=128)
    blob = work.add(data) + work.end()
    assert b"13800000000" not in blob
    assert opened(blob, Opener(passphrase=word)) == data
    assert opened(blob) == data
    assert opened(blob, Opener(private_key=SM2_PRIVATE, algorithm="SM2")) == data
    strangers = [
        Opener(passphrase="another passphrase"),
        Opener(private_key=new_receiver("X25519")[0]),
        Opener(private_key=new_receiver("SM2")[0], algorithm="SM2"),
        Opener(),
    ]
    for stranger in strangers:
        with pytest.raises(UnsafeError, match="does not open"):
            opened(blob, stranger)
    assert word not in repr(many[0])


BLOB = sealed(bytes(range(256)))


@given(at=st.integers(0, len(BLOB) - 1), bit=st.integers(0, 7))
@settings(max_examples=150, deadline=None)
def test_6_3_d_1_one_changed_bit_is_found(at: int, bit: int) -> None:
    changed = bytearray(BLOB)
    changed[at] ^= 1 << bit
    with pytest.raises(HeatloopError):
        opened(bytes(changed))


@given(length=st.integers(0, len(BLOB) - 1))
@settings(max_examples=60, deadline=None)
def test_6_3_d_1_a_container_that_is_cut_off_is_found(length: int) -> None:
    with pytest.raises(HeatloopError):
        opened(BLOB[:length])


def test_6_3_d_1_pieces_cannot_be_swapped_repeated_or_left_out() -> None:
    head = 8 + int.from_bytes(BLOB[4:8], "big")
    size = 4 + 64 + 16
    pieces = [BLOB[at : at + size] for at in range(head, len(BLOB), size)]
    assert len(pieces) == 4
    for order in ([1, 0, 2, 3], [0, 1, 3], [0, 1, 1, 2, 3], [0, 1, 2], [0, 1, 2, 3, 3]):
        with pytest.raises(UnsafeError):
            opened(BLOB[:head] + b"".join(pieces[n] for n in order))
    other = sealed(bytes(range(256)))
    with pytest.raises(UnsafeError):  # a piece of another file
        opened(BLOB[:head] + other[-4 * size : -3 * size] + b"".join(pieces[1:]))


def test_what_cannot_be_kept_secret_is_refused() -> None:
    short = Recipient(passphrase="short")
    for who in (short, Recipient(public_key=bytes(31)), Recipient(public_key=bytes(65))):
        with pytest.raises(InputError):
            Sealing(provider("international"), [who], about={}, made_at=1.0)
    with pytest.raises(InputError):
        Sealing(provider("international"), [], about={}, made_at=1.0)
    with pytest.raises(InputError):
        Sealing(provider("international"), [Recipient(public_key=bytes(32))], about={}, made_at=1.0)
    with pytest.raises(InputError):
        new_receiver("RSA")


def test_no_header_makes_the_reader_work_for_ever() -> None:
    dear = BLOB[:8].replace(BLOB[4:8], (1 << 20).to_bytes(4, "big"))
    with pytest.raises(InputError, match="damaged"):
        opened(dear + bytes(100))
    blob = sealed(b"x", passphrase="a long passphrase")
    for old, new in (
        (b'"memory_kib":65536', b'"memory_kib":99999999'),
        (b'"time_cost":3', b'"time_cost":99999'),
    ):
        assert old in blob
        head = blob[8:].replace(old, new)
        size = int.from_bytes(blob[4:8], "big") + len(new) - len(old)
        with pytest.raises(InputError):
            opened(
                blob[:4] + size.to_bytes(4, "big") + head, Opener(passphrase="a long passphrase")
            )
