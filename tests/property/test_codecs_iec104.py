"""IEC 104: what is written reads the same, noise never crashes, a good line loses nothing."""

import json

from hypothesis import given
from hypothesis import strategies as st

from heatloop.kernel.errors import InputError
from heatloop.protocols.iec104.apci import (
    U_NAMES,
    Information,
    Supervisory,
    Unnumbered,
    decode_apdus,
    encode_apdu,
)
from heatloop.protocols.iec104.asdu import Asdu, decode_asdu, encode_asdu, type_kinds
from heatloop.protocols.iec104.elements import (
    COUNTER_QUALITIES,
    PROTECTION_QUALITIES,
    QUALITIES,
    Point,
)
from heatloop.protocols.iec104.link import Link
from heatloop.protocols.iec104.link_events import Arrived, Broken, Limits
from heatloop.protocols.iec104.times import CP24, CP56, pack_stamp, read_stamp

NUMBERS = st.integers(0, (1 << 15) - 1)
APDUS = st.one_of(
    st.builds(Information, send=NUMBERS, receive=NUMBERS, asdu=st.binary(min_size=1, max_size=249)),
    st.builds(Supervisory, receive=NUMBERS),
    st.builds(Unnumbered, function=st.sampled_from(sorted(U_NAMES))),
)
WHOLE = {
    "SIQ": (0, 1), "DIQ": (0, 3), "SCO": (0, 1), "DCO": (0, 3), "RCO": (0, 3), "VTI": (-64, 63),
    "BSI": (0, 2**32 - 1), "SCD": (0, 2**32 - 1), "SVA": (-32768, 32767),
    "BCR": (-(2**31), 2**31 - 1), "SEP": (0, 3), "SPE": (0, 255), "OCI": (0, 255),
}  # fmt: skip
QUALIFIERS = {"SCO": 31, "DCO": 31, "RCO": 31, "QOS": 127, "QUA": 255, "FBP": 65535, "CP16": 65535}


@st.composite
def points(draw, kind):
    """Return a point of a type that fills every element with anything it can hold."""
    values = {"address": draw(st.integers(0, (1 << 24) - 1))}
    for name in kind.elements:
        if name in WHOLE:
            values["value"] = draw(st.integers(*WHOLE[name]))
        if name in {"SIQ", "SCO"}:
            values["value"] = bool(values["value"])
        if name == "NVA":
            values["value"] = draw(st.integers(-32768, 32767)) / 32768
        if name == "R32":
            floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
            values["value"] = draw(st.none() | floats)
        if name in {"SIQ", "DIQ", "QDS"}:
            names = [n for n in QUALITIES.values() if name == "QDS" or n != "overflow"]
            values["quality"] = chosen(draw, names)
        if name == "BCR":
            values["quality"] = chosen(draw, list(COUNTER_QUALITIES.values()))
            values["qualifier"] = draw(st.integers(0, 31))
        if name in {"SEP", "QDP"}:
            values["quality"] = chosen(draw, list(PROTECTION_QUALITIES.values()))
        if name in QUALIFIERS:
            values["qualifier"] = draw(st.integers(0, QUALIFIERS[name]))
        if name in {"SCO", "DCO", "RCO", "QOS"}:
            values["select"] = draw(st.booleans())
        if name == "VTI":
            values["transient"] = draw(st.booleans())
        if name in {"CP24", "CP56"}:
            size = CP24 if name == "CP24" else CP56
            stamp = read_stamp(draw(st.binary(min_size=size, max_size=size)))
            values["stamp"] = read_stamp(pack_stamp(stamp, size))
    return Point(**values)


def chosen(draw, names):
    picked = draw(st.sets(st.sampled_from(names)))
    return tuple(name for name in names if name in picked)


@st.composite
def asdus(draw):
    kind = draw(st.sampled_from(sorted(type_kinds().values(), key=lambda k: k.type)))
    most = 1 if kind.type >= 45 else 12
    return Asdu(
        type=kind.type,
        cause=draw(st.integers(0, 63)),
        station=draw(st.integers(0, 65535)),
        points=tuple(draw(st.lists(points(kind), min_size=1, max_size=most))),
        negative=draw(st.booleans()),
        test=draw(st.booleans()),
        originator=draw(st.integers(0, 255)),
    )


@given(st.lists(APDUS, min_size=1, max_size=4))
def test_frames_survive(apdus):
    assert decode_apdus(b"".join(map(encode_apdu, apdus))) == tuple(apdus)


@given(asdus())
def test_messages_survive(asdu):
    assert decode_asdu(encode_asdu(asdu)) == asdu


@given(asdus(), st.data())
def test_a_changed_message_is_read_or_refused(asdu, data):
    wire = bytearray(encode_asdu(asdu))
    wire[data.draw(st.integers(0, len(wire) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = decode_asdu(bytes(wire))
    except InputError as error:
        named = bool(error.thing)
    else:
        json.dumps([p.value for p in found.points], allow_nan=False)
        return
    assert named


@given(st.binary(max_size=300))
def test_noise_is_refused(noise):
    named = []
    for read in (decode_apdus, decode_asdu):
        try:
            read(noise)
        except InputError as error:
            named.append(error.thing)
    assert all(named)


@given(st.lists(st.binary(max_size=40), max_size=10), st.booleans())
def test_noise_breaks_a_link_at_most(chunks, controlling):
    link = Link(controlling=controlling)
    for chunk in chunks:
        events = link.received(chunk, 0.0)
        assert link.broken == (isinstance(events[-1], Broken) if events else link.broken)
        assert len(link._buffer) <= 300


@given(st.data())
def test_a_lossless_line_loses_nothing(data):
    """Whatever the chunks, the order and the time: all arrive, once and in order."""
    w = data.draw(st.integers(1, 4))
    # What is held back for 12 s is still acknowledged within t1.
    limits = Limits(k=data.draw(st.integers(w, 6)), w=w, t2_s=1.0)
    ends = [Link(controlling=True, limits=limits), Link(controlling=False, limits=limits)]
    ends[0].start(0.0)
    wires = [b"", b""]
    sent, got, now = [0, 0], [[], []], 0.0
    for step in range(data.draw(st.integers(1, 60)) + 60):
        side = step % 2
        now += data.draw(st.sampled_from([0.0, 0.2]))
        if sent[side] < 12:
            point = Point(address=sent[side], value=True)
            ends[side].send(Asdu(type=1, cause=3, station=1, points=(point,)), now)
            sent[side] += 1
        ends[side].tick(now)
        wires[side] += ends[side].output()
        size = len(wires[side]) if step > 60 else data.draw(st.integers(0, len(wires[side])))
        chunk, wires[side] = wires[side][:size], wires[side][size:]
        events = ends[1 - side].received(chunk, now)
        got[side] += [e.asdu.points[0].address for e in events if isinstance(e, Arrived)]
        assert ends[side].in_flight <= limits.k
    for _ in range(60):
        now += 0.1
        for side in (0, 1):
            ends[side].tick(now)
            wires[side] += ends[side].output()
            events = ends[1 - side].received(wires[side], now)
            wires[side] = b""
            got[side] += [e.asdu.points[0].address for e in events if isinstance(e, Arrived)]
    assert not ends[0].broken
    assert not ends[1].broken
    assert got == [list(range(n)) for n in sent]
