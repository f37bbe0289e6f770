"""IEC 104: frames, times, points, both ends of a link, interrogation and commands."""

from dataclasses import replace

import pytest

from heatloop.kernel.errors import InputError, LinkError
from heatloop.protocols.iec104 import commands
from heatloop.protocols.iec104.apci import (
    STARTDT_ACT,
    STARTDT_CON,
    TESTFR_ACT,
    Information,
    Supervisory,
    Unnumbered,
    decode_apdus,
    encode_apdu,
    take_apdu,
)
from heatloop.protocols.iec104.asdu import Asdu, causes, decode_asdu, encode_asdu, split
from heatloop.protocols.iec104.elements import Point
from heatloop.protocols.iec104.link import Link
from heatloop.protocols.iec104.link_events import (
    Arrived,
    Broken,
    Limits,
    Refused,
    Started,
    Stopped,
)
from heatloop.protocols.iec104.station import Execute, SetClock, Station
from heatloop.protocols.iec104.times import Stamp, pack_stamp, read_stamp


def wire(text):
    return bytes.fromhex(text)


USUAL = (Point(address=0x4001, value=55.5),)


def asdu(type_id=13, cause=3, points=USUAL, **more):
    return Asdu(type=type_id, cause=cause, station=1, points=tuple(points), **more)


@pytest.mark.parametrize(
    "text, apdu",
    [
        ("68 04 07 00 00 00", Unnumbered(function=STARTDT_ACT)),
        ("68 04 0B 00 00 00", Unnumbered(function=STARTDT_CON)),
        ("68 04 43 00 00 00", Unnumbered(function=TESTFR_ACT)),
        ("68 04 01 00 02 00", Supervisory(receive=1)),
        ("68 05 02 00 FE FF 64", Information(send=1, receive=32767, asdu=b"\x64")),
    ],
)
def test_frames(text, apdu):
    assert decode_apdus(wire(text)) == (apdu,)
    assert encode_apdu(apdu) == wire(text)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "cut short"),
        ("68 04 07 00 00", "cut short"),
        ("67 04 07 00 00 00", "begins no frame"),
        ("68 03 07 00 00", "not 4 to 253"),
        ("68 FE" + " 00" * 254, "not 4 to 253"),
        ("68 04 00 00 00 00", "has an ASDU"),
        ("68 05 01 00 00 00 00", "has length 4"),
        ("68 04 05 00 00 00", "reserved bits"),
        ("68 04 0F 00 00 00", "unknown U frame"),
    ],
)
def test_damaged_frames_are_refused(text, message):
    with pytest.raises(InputError, match=message) as caught:
        decode_apdus(wire(text))
    assert caught.value.place.startswith("byte ")


def test_a_frame_is_taken_from_a_stream():
    assert take_apdu(wire("68")) is None
    assert take_apdu(wire("68 04 43 00 00 00 68"))[1] == 6


def test_times():
    stamp = Stamp(text="2026-01-15T06:30:05.123", summer=True, weekday=4)
    packed = pack_stamp(stamp)
    assert packed.hex(" ").upper() == "03 14 1E 86 8F 01 1A"
    assert read_stamp(packed) == stamp
    assert read_stamp(pack_stamp(Stamp(text=None))) == Stamp(text=None, invalid=True)
    assert read_stamp(pack_stamp(Stamp(text="30:05.123"), 3)) == Stamp(text="30:05.123")
    for text in ("today", "1999-01-01", "2026-01-15T06:30+08:00"):
        with pytest.raises(InputError):
            pack_stamp(Stamp(text=text))


POINTS = [
    (1, Point(address=1, value=True, quality=("blocked", "invalid"))),
    (3, Point(address=2, value=2)),
    (5, Point(address=3, value=-64, transient=True, quality=("overflow",))),
    (7, Point(address=4, value=0xDEADBEEF)),
    (9, Point(address=5, value=-0.5)),
    (11, Point(address=6, value=-32768)),
    (13, Point(address=7, value=55.5, quality=("not_topical",))),
    (13, Point(address=7, value=None, quality=("invalid",))),
    (15, Point(address=8, value=-5, qualifier=31, quality=("carry", "adjusted"))),
    (30, Point(address=9, value=False, stamp=Stamp(text="2026-01-15T06:30:05.123"))),
    (36, Point(address=10, value=1.25, stamp=Stamp(text="2026-01-15T06:30:05.123"))),
    (37, Point(address=11, value=7, stamp=Stamp(text="2026-01-15T06:30:05.123", invalid=True))),
    (45, Point(address=0x6001, value=True, select=True, qualifier=3)),
    (47, Point(address=0x6002, value=2)),
    (50, Point(address=0x6201, value=70.25, select=True, qualifier=1)),
    (51, Point(address=0x6202, value=5)),
    (63, Point(address=0x6203, value=0.5, stamp=Stamp(text="2026-01-15T06:30:05.123"))),
    (100, Point(address=0, qualifier=20)),
    (103, Point(address=0, stamp=Stamp(text="2026-01-15T06:30:05.123"))),
    (107, Point(address=0, qualifier=7, stamp=Stamp(text="2026-01-15T06:30:05.123"))),
]


@pytest.mark.parametrize("type_id, point", POINTS)
def test_points_survive(type_id, point):
    said = asdu(type_id, points=[point], originator=3, test=True)
    assert decode_asdu(encode_asdu(said)) == said


def test_a_sequence_sends_one_address():
    points = [Point(address=100 + n, value=n / 4) for n in range(30)]
    said = asdu(points=points, sequence=True)
    assert len(encode_asdu(said)) == 6 + 3 + 30 * 5
    assert decode_asdu(encode_asdu(said)) == said
    with pytest.raises(InputError, match="follow on"):
        encode_asdu(replace(said, points=(points[0], points[2])))


def test_many_points_are_split():
    points = [Point(address=n, value=n / 4) for n in range(200)]
    parts = split(asdu(points=points))
    assert [len(part.points) for part in parts] == [30] * 6 + [20]
    assert [p for part in parts for p in decode_asdu(encode_asdu(part)).points] == points


@pytest.mark.parametrize(
    "text, message",
    [
        ("00 01 03 00 01 00 00", "type 0"),
        ("0D 00 03 00 01 00", "cannot have 0"),
        ("0D 01 03 00 01 00 01 40 00 00 00", "value needs 4 bytes"),
        ("0D 01 03 00 01 00 01 40 00 00 00 5E 42 00 FF", "1 bytes more"),
        ("64 02 06 00 01 00" + " 00 00 00 14" * 2, "cannot have 2"),
        ("01 82 03 00 01 00 FF FF FF 00 00", "past their end"),
    ],
)
def test_damaged_messages_are_refused(text, message):
    with pytest.raises(InputError, match=message) as caught:
        decode_asdu(wire(text))
    assert caught.value.thing == "IEC 104 ASDU"


@pytest.mark.parametrize(
    "type_id, point, message",
    [
        (1, Point(address=1, value=2), "whole number"),
        (1, Point(address=1, value=0, quality=("overflow",)), "no such quality"),
        (11, Point(address=1, value=40000), "whole number"),
        (13, Point(address=1, value=1e39), "32 bits"),
        (13, Point(address=1 << 24, value=1), "3 bytes"),
        (45, Point(address=1, value=1, qualifier=32), "qualifier"),
    ],
)
def test_points_that_do_not_fit_are_refused(type_id, point, message):
    with pytest.raises(InputError, match=message):
        encode_asdu(asdu(type_id, points=[point]))


def test_causes_have_names():
    assert causes()[36][0] == "interrogated_16"
    assert causes()[3][1] == "突发"


def pair(limits=None):
    centre = Link(controlling=True, limits=limits)
    station = Link(controlling=False, limits=limits)
    centre.start(0.0)
    events = station.received(centre.output(), 0.0)
    events += centre.received(station.output(), 0.0)
    assert events == [Started(), Started()]
    return centre, station


def test_k_holds_back_and_w_acknowledges():
    centre, station = pair(Limits(k=3, w=2))
    for n in range(7):
        station.send(asdu(points=[Point(address=n, value=n)]), 1.0)
    assert (station.in_flight, station.waiting) == (3, 4)
    got = centre.received(station.output(), 1.0)
    assert len(got) == 3
    for _ in range(5):
        station.received(centre.output(), 1.0)
        got += centre.received(station.output(), 1.0)
    assert [e.asdu.points[0].address for e in got] == list(range(7))
    # The last one is acknowledged by t2, not by w.
    assert centre.deadline_s == 11.0
    centre.tick(11.0)
    assert decode_apdus(centre.output()) == (Supervisory(receive=7),)


def test_numbers_wrap():
    centre, station = pair()
    for link in (centre, station):
        link._send = link._receive = 32767
    station.send(asdu(), 1.0)
    station.send(asdu(), 1.0)
    assert [type(e) for e in centre.received(station.output(), 1.0)] == [Arrived, Arrived]
    centre.tick(11.0)
    assert station.received(centre.output(), 11.0) == []
    assert station.in_flight == 0


@pytest.mark.parametrize(
    "text, message",
    [
        ("68 05 02 00 00 00 64", "came instead of"),
        ("68 04 01 00 02 00", "never sent"),
        ("68 04 83 00 00 00", "without a request"),
        ("00", "begins no frame"),
    ],
)
def test_a_wrong_step_breaks_the_link(text, message):
    _, station = pair()
    (event,) = station.received(wire(text), 1.0)
    assert isinstance(event, Broken)
    assert message in str(event.error)
    assert station.received(b"\x68", 2.0) == station.tick(99.0) == []
    with pytest.raises(LinkError):
        station.send(asdu(), 2.0)


def test_data_before_the_start_breaks_the_link():
    station = Link(controlling=False)
    frame = encode_apdu(Information(send=0, receive=0, asdu=encode_asdu(asdu())))
    assert isinstance(station.received(frame, 0.0)[0], Broken)


def test_an_unreadable_message_is_refused_and_the_link_stays():
    _, station = pair()
    bad = encode_apdu(Information(send=0, receive=0, asdu=b"\x00\x01\x02"))
    good = encode_apdu(Information(send=1, receive=0, asdu=encode_asdu(asdu())))
    events = station.received(bad + good, 0.0)
    assert [type(event) for event in events] == [Refused, Arrived]
    assert not station.broken


def test_t1_and_t3():
    centre, station = pair()
    assert centre.deadline_s == 20.0
    assert centre.tick(19.0) == []
    assert centre.output() == b""
    centre.tick(20.0)
    assert centre.output() == encode_apdu(Unnumbered(function=TESTFR_ACT))
    station.received(encode_apdu(Unnumbered(function=TESTFR_ACT)), 20.0)
    assert centre.received(station.output(), 21.0) == []
    assert centre.deadline_s == 41.0
    centre.tick(41.0)
    (broken,) = centre.tick(56.0)
    assert "TESTFR con" in str(broken.error)
    station.send(asdu(), 21.0)
    (broken,) = station.tick(36.0)
    assert "no acknowledgement" in str(broken.error)


def test_stop_and_start_again():
    centre, station = pair()
    centre.stop(1.0)
    assert station.received(centre.output(), 1.0) == [Stopped()]
    assert centre.received(station.output(), 1.0) == [Stopped()]
    station.send(asdu(), 1.0)
    assert station.output() == b""
    centre.start(2.0)
    assert station.received(centre.output(), 2.0) == [Started()]
    assert centre.received(station.output(), 2.0)[0] == Started()
    with pytest.raises(InputError, match="controlling"):
        station.start(2.0)


def test_the_queue_is_bounded():
    _, station = pair(Limits(k=1, w=1, waiting=5))
    for _ in range(6):
        station.send(asdu(), 0.0)
    with pytest.raises(LinkError, match="too many"):
        station.send(asdu(), 0.0)


def test_bad_limits_are_refused():
    for limits in ({"k": 4, "w": 5}, {"t2_s": 15.0}, {"waiting": 0}):
        with pytest.raises(InputError):
            Limits(**limits)


VALUES = {
    1: [Point(address=1, value=True)],
    13: [Point(address=0x4001 + n, value=n / 2) for n in range(40)],
    15: [Point(address=0x6401, value=1234)],
}
STATION = {0x6001: 45, 0x6201: 50}


def station():
    return Station(address=1, commands=STATION, select_first=frozenset((0x6001,)))


def test_an_interrogation_brings_all_but_the_counters():
    out = station().answer(commands.interrogate(1), VALUES, 0.0).send
    assert [(a.type, a.cause, len(a.points)) for a in out] == [
        (100, 7, 1), (1, 20, 1), (13, 20, 30), (13, 20, 10), (100, 10, 1),
    ]  # fmt: skip
    counters = station().answer(commands.interrogate_counters(1), VALUES, 0.0).send
    assert [(a.type, a.cause) for a in counters] == [(101, 7), (15, 37), (101, 10)]
    group = station().answer(commands.interrogate(1, 21), VALUES, 0.0).send
    assert [(a.cause, a.negative) for a in group] == [(7, True)]


def test_reading_clock_and_unknown_things():
    one = station()
    (told,) = one.answer(commands.read(1, 0x4002), VALUES, 0.0).send
    assert (told.type, told.cause, told.points[0].value) == (13, 5, 0.5)
    stamp = Stamp(text="2026-01-15T06:30:05.123")
    clock = one.answer(commands.set_clock(0xFFFF, stamp), VALUES, 0.0)
    assert (clock.send[0].station, clock.do) == (1, SetClock(stamp=stamp))
    for asked, cause in (
        (commands.read(1, 7), 47),
        (commands.interrogate(2), 46),
        (replace(commands.interrogate(1), cause=3), 45),
        (asdu(46, 6, [Point(address=0x6001, value=1)]), 44),
        (asdu(45, 6, [Point(address=0x6009, value=1)]), 47),
        (asdu(50, 6, [Point(address=0x6001, value=1)]), 47),
        (asdu(45, 3, [Point(address=0x6001, value=1)]), 45),
    ):
        (no,) = one.answer(asked, VALUES, 0.0).send
        assert (no.cause, no.negative) == (cause, True)


def operate(one, type_id, point, *, select, at=(0.0, 1.0)):
    """Run one command between centre and station; return its state and what was executed."""
    command = commands.Command(type_id, 1, point, select=select)
    queue, executed, now = [command.start(at[0])], [], at[0]
    while queue:
        answer = one.answer(decode_asdu(encode_asdu(queue.pop(0))), VALUES, now)
        now = at[1]
        replies = list(answer.send)
        if isinstance(answer.do, Execute):
            executed.append(answer.do.asdu.points[0])
            replies.append(one.done(answer.do))
        for each in replies:
            queue += command.received(decode_asdu(encode_asdu(each)), now)
    return command.state, executed


def test_select_before_operate():
    valve = Point(address=0x6001, value=True)
    assert operate(station(), 45, valve, select=True) == ("done", [valve])
    assert operate(station(), 45, valve, select=False) == ("refused", [])
    assert operate(station(), 45, valve, select=True, at=(0.0, 10.0)) == ("refused", [])
    setpoint = Point(address=0x6201, value=70.1)
    state, (done,) = operate(station(), 50, setpoint, select=False)
    assert (state, round(done.value, 4)) == ("done", 70.1)


def test_another_value_than_selected_is_refused():
    one = station()
    chosen = asdu(45, 6, [Point(address=0x6001, value=True, select=True)])
    assert not one.answer(chosen, VALUES, 0.0).send[0].negative
    # A second selection of the same object has to wait.
    assert one.answer(chosen, VALUES, 1.0).send[0].negative
    other = asdu(45, 6, [Point(address=0x6001, value=False)])
    assert one.answer(other, VALUES, 2.0).do is None
    # The mismatch has used up the selection.
    right = asdu(45, 6, [Point(address=0x6001, value=True)])
    assert one.answer(right, VALUES, 3.0).do is None


def test_a_selection_can_be_taken_back():
    one = station()
    point = Point(address=0x6001, value=True, select=True)
    one.answer(asdu(45, 6, [point]), VALUES, 0.0)
    (gone,) = one.answer(asdu(45, 8, [point]), VALUES, 1.0).send
    assert (gone.cause, gone.negative) == (9, False)
    assert one.answer(asdu(45, 6, [replace(point, select=False)]), VALUES, 2.0).do is None


def test_a_command_that_gets_no_answer_is_late():
    command = commands.Command(45, 1, Point(address=1, value=True), select=True)
    command.start(0.0)
    command.tick(9.0)
    assert not command.finished
    command.tick(10.0)
    assert command.state == "late"
    with pytest.raises(InputError, match="once"):
        command.start(11.0)
    with pytest.raises(InputError, match="no command"):
        commands.Command(51, 1, Point(address=1, value=1), select=True)
