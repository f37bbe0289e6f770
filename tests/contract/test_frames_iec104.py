"""The public IEC 104 capture: every message of its clean session, and its damaged frames."""

import struct
from collections import defaultdict

import pytest

from heatloop.kernel.errors import InputError
from heatloop.protocols.iec104.apci import Information, Unnumbered, decode_apdus, encode_apdu
from heatloop.protocols.iec104.asdu import decode_asdu, encode_asdu, type_kinds
from heatloop.protocols.iec104.link import Link
from heatloop.protocols.iec104.link_events import Arrived, Broken, Started
from heatloop.protocols.iec104.report import describe

CLEAN = 1578
SERVER = 2404
# Who says what: centre (c) or station (s), type, cause, flags, then address and value.
MESSAGES = [
    ("s", "M_EI_NA_1", 4, "", (0, None)),
    ("c", "C_IC_NA_1", 6, "", (0, None)),
    ("s", "C_IC_NA_1", 7, "", (0, None)),
    ("s", "M_SP_NA_1", 20, "", *((10010 + n, False) for n in range(9))),
    ("s", "M_DP_NA_1", 20, "", *((20010 + n, 0) for n in range(3))),
    ("s", "C_IC_NA_1", 10, "", (0, None)),
    ("c", "C_DC_NA_1", 6, "select", (15000, 2)),
    ("s", "C_DC_NA_1", 7, "negative select", (15000, 2)),
    ("s", "M_EI_NA_1", 4, "", (0, None)),
    ("c", "C_SC_NA_1", 6, "select", (10010, True)),
    ("s", "C_SC_NA_1", 7, "select", (10010, True)),
    ("c", "C_SC_NA_1", 6, "", (10010, True)),
    ("s", "C_SC_NA_1", 7, "", (10010, True)),
    ("s", "M_SP_TB_1", 3, "", (10010, True)),
    ("c", "C_SC_NA_1", 6, "test select", (22222, True)),
    ("s", "C_SC_NA_1", 7, "negative test select", (22222, True)),
    ("c", "C_SC_NA_1", 6, "negative select", (33333, True)),
    ("c", "C_CS_NA_1", 6, "", (0, None)),
    ("s", "C_CS_NA_1", 7, "", (0, None)),
]


def packets(heatloop_data):
    """Return (client port, direction, payload) of every TCP segment with data."""
    raw = (heatloop_data / "protocol_frames" / "iec104_dissect.pcap").read_bytes()
    assert raw[:4] == bytes.fromhex("d4c3b2a1")
    at = 24
    while at < len(raw):
        (size,) = struct.unpack_from("<8xI", raw, at)
        ip = raw[at + 16 + 14 : at + 16 + size]
        at += 16 + size
        tcp = ip[(ip[0] & 15) * 4 : int.from_bytes(ip[2:4], "big")]
        source, target = struct.unpack_from(">HH", tcp)
        payload = tcp[(tcp[12] >> 4) * 4 :]
        if payload:
            yield max(0, min(source, target)), "s" if source == SERVER else "c", payload


def flags(asdu):
    names = [name for name in ("negative", "test") if getattr(asdu, name)]
    return " ".join(names + ["select"] * asdu.points[0].select)


def test_every_message_of_the_clean_session_is_read_and_written_again(heatloop_data):
    seen = []
    for port, side, payload in packets(heatloop_data):
        if port != CLEAN:
            continue
        apdus = decode_apdus(payload)
        assert b"".join(map(encode_apdu, apdus)) == payload
        for apdu in apdus:
            if isinstance(apdu, Information):
                asdu = decode_asdu(apdu.asdu)
                assert encode_asdu(asdu) == apdu.asdu
                assert asdu.station == 0x910D
                points = [(point.address, point.value) for point in asdu.points]
                name = type_kinds()[asdu.type].mnemonic
                seen.append((side, name, asdu.cause, flags(asdu), *points))
    assert seen == MESSAGES


def test_the_captured_times(heatloop_data):
    stamps = []
    for port, _, payload in packets(heatloop_data):
        for apdu in decode_apdus(payload) if port == CLEAN else ():
            if isinstance(apdu, Information):
                stamps += [p.stamp for p in decode_asdu(apdu.asdu).points if p.stamp]
    assert [(s.text, s.invalid, s.summer) for s in stamps] == [
        ("2000-01-01T00:00:10.837", False, False),
        ("2008-08-29T08:57:13.000", False, False),
        ("2008-08-29T08:57:13.000", False, False),
    ]


def test_the_captured_session_drives_a_link(heatloop_data):
    """Our centre says what the captured centre said, and takes what the station answered."""
    link = Link(controlling=True)
    heard, said = [], []
    for port, side, payload in packets(heatloop_data):
        if port != CLEAN:
            continue
        if side == "s":
            heard += link.received(payload, 0.0)
            continue
        for apdu in decode_apdus(payload):
            if isinstance(apdu, Information):
                link.send(decode_asdu(apdu.asdu), 0.0)
                sent = [a for a in decode_apdus(link.output()) if isinstance(a, Information)]
                said.append((sent[-1].send, sent[-1].asdu) == (apdu.send, apdu.asdu))
            elif isinstance(apdu, Unnumbered):
                link.start(0.0)
    assert [type(event) for event in heard].count(Started) == 1
    assert not any(isinstance(event, Broken) for event in heard)
    assert sum(isinstance(e, Arrived) for e in heard) == sum(m[0] == "s" for m in MESSAGES)
    assert len(said) == sum(m[0] == "c" for m in MESSAGES)
    assert all(said)
    assert link.in_flight == 0


def test_damaged_frames_break_the_connection(heatloop_data):
    streams = defaultdict(bytes)
    for port, side, payload in packets(heatloop_data):
        if side == "c" and port != CLEAN:
            streams[port] += payload
    assert len(streams) == 5
    for port, stream in streams.items():
        link = Link(controlling=False)
        events = link.received(stream, 0.0)
        assert isinstance(events[-1], Broken), port
        with pytest.raises(InputError, match="begins no frame"):
            decode_apdus(stream)


def test_frames_of_a_wrong_shape_are_refused(heatloop_data):
    refused = 0
    for port, side, payload in packets(heatloop_data):
        at = payload.find(0x68)
        if port != CLEAN and side == "c" and at > 0 and payload[at + 1 : at + 2] > b"\x04":
            with pytest.raises(InputError):
                describe(payload[at:])
            refused += 1
    assert refused == 7
