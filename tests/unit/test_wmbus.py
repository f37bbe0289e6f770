"""Wireless M-Bus: frame formats, checksums and mode 5, against the OMS gas meter example."""

import pytest

from heatloop.kernel.errors import InputError
from heatloop.protocols.mbus.header import CI_SHORT, Identity, Telegram
from heatloop.protocols.mbus.radio_link import crc, decode_radio
from heatloop.protocols.mbus.records import Records, make_record
from heatloop.protocols.mbus.vib import make_vib
from heatloop.protocols.mbus.wireless import decode_wireless, encode_wireless, sender_of

# OMS specification volume 2, annex N: gas meter ELS 12345678, mode 5, frame format A.
OMS = bytes.fromhex(
    "2E 44 93 15 78 56 34 12 33 03 33 63 7A 2A 00 20 25 59 23 C9 5A AA 26 D1 B2 E7 49 3B C2 AD"
    "01 3E C4 A6 F6 D3 52 9B 52 0E DF F0 EA 6D EF C9 55 B2 9D 6D 69 EB F3 EC 8A"
)
KEY = bytes.fromhex("0102030405060708090A0B0C0D0E0F11")
SENDER = Identity(number="12345678", manufacturer="ELS", version=0x33, medium=3)


def telegram(count=1, config=0):
    records = tuple(make_record(make_vib("energy", "Wh", 3), n * 1000, 12) for n in range(count))
    return Telegram(
        identity=None, access=42, config=config, records=Records(records=records), ci=CI_SHORT
    )


def test_the_checksum_is_that_of_the_standard():
    assert crc(b"123456789") == 0xC2B7


def test_the_published_telegram_is_decrypted():
    assert sender_of(OMS) == SENDER
    found = decode_wireless(OMS, KEY)
    assert (found.sender, found.encrypted, found.control) == (SENDER, True, 0x44)
    values = [(r.quantity, r.value, r.unit) for r in found.telegram.records.records]
    assert values == [
        ("volume", 28504.27, "m3"),
        ("date_time", "2008-05-31T23:50", ""),
        ("error_flags", 0, ""),
    ]


def test_the_published_telegram_is_written_again():
    found = decode_wireless(OMS, KEY)
    assert encode_wireless(found.telegram, found.sender, KEY, control=found.control) == OMS


@pytest.mark.parametrize(
    "key, message", [(None, "encrypted"), (KEY[::-1], "does not fit"), (b"short", "16 bytes")]
)
def test_a_missing_or_wrong_key_is_refused(key, message):
    with pytest.raises(InputError, match=message):
        decode_wireless(OMS, key)


@pytest.mark.parametrize("at", range(len(OMS)))
def test_every_damaged_byte_is_noticed(at):
    damaged = bytearray(OMS)
    damaged[at] ^= 0x10
    with pytest.raises(InputError):
        decode_wireless(bytes(damaged), KEY)


@pytest.mark.parametrize("form", ["A", "B", "stripped"])
@pytest.mark.parametrize("count", [1, 3, 20, 22, 37])
def test_formats_survive(form, count):
    wire = encode_wireless(telegram(count), SENDER, form=form)
    found = decode_wireless(wire, form=form)
    assert [r.value for r in found.telegram.records.records] == [n * 1000 for n in range(count)]
    if form != "stripped":
        assert decode_wireless(wire) == found


def test_encryption_survives_in_both_headers():
    for ci in (0x7A, 0x72):
        said = Telegram(
            identity=Identity(number="87654321", manufacturer="HYD", version=1, medium=4),
            access=7,
            records=telegram(5).records,
            ci=ci,
        )
        wire = encode_wireless(said, SENDER, KEY, form="B")
        found = decode_wireless(wire, KEY)
        assert found.telegram.records == said.records
        assert found.telegram.identity == (said.identity if ci == 0x72 else SENDER)


def test_an_extended_link_layer_is_skipped():
    bare = decode_radio(encode_wireless(telegram(), SENDER, form="stripped"), "stripped")
    body = bytes((0x44,)) + bytes.fromhex("9315 78563412 33 03") + b"\x8c\x20\x01" + bare.content
    found = decode_wireless(bytes((len(body),)) + body, form="stripped")
    assert found.telegram.records == telegram().records


@pytest.mark.parametrize(
    "wire, message",
    [(b"", "at least 12"), (OMS[:-1], "format A of length 46"), (OMS + b"\0", "format A")],
)
def test_wrong_lengths_are_refused(wire, message):
    with pytest.raises(InputError, match=message):
        decode_radio(wire)


def test_other_encryption_is_refused():
    wire = encode_wireless(telegram(config=0x8000), SENDER)
    assert decode_wireless(wire).telegram.config == 0x8000
    body = bytes.fromhex("44 9315 78563412 33 03 7A 01 00 10 07") + bytes(16)
    with pytest.raises(InputError, match="mode 7"):
        decode_wireless(bytes((len(body),)) + body, form="stripped")


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="mode 5"):
        encode_wireless(telegram(60), SENDER, KEY)
    with pytest.raises(InputError, match="do not fit"):
        encode_wireless(telegram(60), SENDER)
    with pytest.raises(InputError, match="format"):
        encode_wireless(telegram(), SENDER, form="C")
