"""IEC 104 in the field: c104 (lib60870) as station and as centre, our stations, damaged frames."""

import asyncio
import math
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from heatloop.demo.devices.iec104 import serve
from heatloop.edge.drivers.iec104 import Iec104Driver
from heatloop.kernel.errors import ConfigError, InputError, LinkError
from heatloop.kernel.quality import Quality
from heatloop.protocols.iec104.apci import (
    STARTDT_CON,
    TESTFR_CON,
    Information,
    Unnumbered,
    encode_apdu,
)
from heatloop.protocols.iec104.asdu import SPONTANEOUS, TERMINATED, Asdu, encode_asdu
from heatloop.protocols.iec104.commands import interrogate
from heatloop.protocols.iec104.elements import Point
from heatloop.protocols.iec104.sources import parse_source
from heatloop.protocols.iec104.times import stamp_of, stamp_s
from heatloop.protocols.real32 import shortest
from tests.contract.control_field import (
    START,
    Bench,
    bindings,
    device,
    face,
    free_port,
    poller,
    read,
    read_until,
    swept,
)

ROWS = [
    ("source_supply_temperature", "4001H", "r"),
    ("source_flow", "4002H", "r"),
    ("boiler_state", "3:1H", "r"),
    ("source_heat_total", "15:6401H", "r", "uint32", 1.0),
    ("source_supply_temperature_setpoint", "4011H 50:6201H", "rw"),
    ("source_differential_pressure_setpoint", "11:4012H 49s:6202H", "rw"),
    ("boiler_enable", "1:2H 45:6001H", "rw"),
]
VALUES = {
    "source_supply_temperature": 87.3,
    "source_flow": 6543.2,
    "boiler_state": 1.0,
    "source_heat_total": 4_000_000_123.0,
    "source_supply_temperature_setpoint": 90.0,
    "source_differential_pressure_setpoint": 250.0,
    "boiler_enable": 1.0,
}


@pytest.fixture
async def bench():
    made = Bench()
    yield made
    await made.close()


@pytest.fixture
async def station():
    """Return a face, its bindings and the running server of one of our stations."""
    found = bindings(ROWS)
    shown = face(device("iec104", 0, unit_id=7), found, VALUES)
    server = await serve([shown], "127.0.0.1", 0)
    yield shown, found, server
    await server.close()


def driver(bench, port, **more):
    return bench.driver(device("iec104", port, unit_id=7, **more))


class Script:
    """A station that says exactly what a test wants, byte by byte."""

    def __init__(self):
        self.heard, self.writers, self.sent = [], [], 0
        self.answer = self.interrogated
        self.values = []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self.writers:
            writer.close()
        await asyncio.sleep(0.01)

    async def _serve(self, reader, writer):
        self.writers.append(writer)
        self.sent, self.received = 0, 0
        try:
            while True:
                head = await reader.readexactly(2)
                body = await reader.readexactly(head[1])
                self.heard.append(body)
                if body[0] & 3 == 3:
                    con = {0x07: STARTDT_CON, 0x43: TESTFR_CON}.get(body[0])
                    if con:
                        writer.write(encode_apdu(Unnumbered(function=con)))
                elif not body[0] & 1:
                    self.received += 1
                    self.answer(writer, body[4:])
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def say(self, asdu, writer=None):
        data = asdu if isinstance(asdu, bytes) else encode_asdu(asdu)
        frame = Information(send=self.sent, receive=self.received, asdu=data)
        self.sent += 1
        (writer or self.writers[-1]).write(encode_apdu(frame))

    def interrogated(self, writer, data):
        if data[0] != 100:
            return
        for cause in (7, 10):
            if cause == TERMINATED and self.values:
                self.say(Asdu(type=13, cause=20, station=7, points=tuple(self.values)), writer)
            self.say(bytes((100, 1, cause, 0, 7, 0, 0, 0, 0, 20)), writer)


def frames_of(script, kind):
    return [body for body in script.heard if not body[0] & 1 and body[4] == kind]


# -- our driver against an independent station


@pytest.fixture
def c104():
    return pytest.importorskip("c104", reason="lacks c104: make install")


@pytest.fixture
async def foreign_station(c104):
    """Return a c104 station with common address 7 and its port."""
    port = free_port(socket.SOCK_STREAM)
    server = c104.Server(ip="127.0.0.1", port=port, tick_rate_ms=50)
    made = server.add_station(common_address=7)
    types = c104.Type
    for address, kind in (
        (0x4001, types.M_ME_NC_1), (0x4002, types.M_ME_TF_1), (1, types.M_DP_NA_1),
        (0x6401, types.M_IT_NA_1), (0x4011, types.M_ME_NC_1), (0x4012, types.M_ME_NB_1),
        (2, types.M_SP_NA_1),
    ):  # fmt: skip
        made.add_point(io_address=address, type=kind)
    made.get_point(0x4001).value = 87.3
    made.get_point(0x4002).value = 6543.2
    made.get_point(1).value = c104.Double.ON
    made.get_point(0x6401).value = 4_000_000_123 - 2**32
    made.get_point(0x4011).value = 90.0
    made.get_point(0x4012).value = c104.Int16(250)
    made.get_point(2).value = True
    seen = []

    def take(
        point: c104.Point, previous_info: c104.Information, message: c104.IncomingMessage
    ) -> c104.ResponseState:
        seen.append((point.io_address, float(point.value)))
        # What it holds is told at another address.
        target = made.get_point({0x6201: 0x4011, 0x6202: 0x4012}[point.io_address])
        value = float(point.value)
        target.value = c104.Int16(int(value)) if target.io_address == 0x4012 else value
        limit = 120 if point.io_address == 0x6201 else 900
        return c104.ResponseState.SUCCESS if value <= limit else c104.ResponseState.FAILURE

    modes = c104.CommandMode
    for address, kind, mode in (
        (0x6201, types.C_SE_NC_1, modes.DIRECT),
        (0x6202, types.C_SE_NB_1, modes.SELECT_AND_EXECUTE),
    ):
        made.add_point(io_address=address, type=kind, command_mode=mode).on_receive(callable=take)
    server.start()
    yield made, port, seen
    server.stop()


async def test_a_c104_station_is_interrogated_heard_and_set(bench, c104, foreign_station):
    made, port, seen = foreign_station
    found = bindings(ROWS)
    talk = driver(bench, port)
    values, cause, doubtful = await read(talk, found)
    assert (values, cause, doubtful) == (VALUES, None, {})
    point = made.get_point(0x4001)
    point.value = 71.9
    await asyncio.to_thread(point.transmit, c104.Cot.SPONTANEOUS)
    got = await read_until(talk, found, lambda v, c, _: v["source_supply_temperature"] != 87.3)
    assert got[0]["source_supply_temperature"] == 71.9
    setpoint, pressure = found[4], found[5]
    assert await talk.write(setpoint, 95.4) == 95.4
    assert await talk.write(pressure, 300.0) == 300.0  # selected first, or c104 refuses it
    assert seen == [(0x6201, pytest.approx(95.4)), (0x6202, 300.0)]
    with pytest.raises(InputError, match="refuses"):
        await talk.write(setpoint, 121.0)


async def test_what_a_c104_station_calls_invalid_is_bad(bench, c104, foreign_station):
    made, port, _ = foreign_station
    for address, quality in ((0x4001, c104.Quality.Invalid), (0x4002, c104.Quality.NonTopical)):
        point = made.get_point(address)
        point.value, point.quality = 1.5, quality
    made.get_point(0x4011).quality = c104.Quality.Substituted
    _, cause, doubtful = await read(driver(bench, port), bindings(ROWS))
    assert cause is None
    assert doubtful == {
        "source_supply_temperature": Quality.BAD,
        "source_flow": Quality.STALE,
        "source_supply_temperature_setpoint": Quality.UNCERTAIN,
    }


# -- our station against an independent centre


async def repeated(ask: Callable[[], bool]) -> bool:
    """Return whether one of a few tries was confirmed.

    c104 begins to wait for a confirmation only after it has sent: one that is there within a
    fraction of a millisecond may pass it by.
    """
    for _ in range(4):
        if await asyncio.to_thread(ask):
            return True
    return False


async def test_a_c104_centre_reads_and_sets_our_station(c104, station):
    shown, _, server = station
    client = c104.Client(tick_rate_ms=50, command_timeout_ms=2000)
    line = client.add_connection(ip="127.0.0.1", port=server.port, init=c104.Init.MUTED)
    there = line.add_station(common_address=7)
    types = c104.Type
    flow = there.add_point(io_address=0x4002, type=types.M_ME_NC_1)
    total = there.add_point(io_address=0x6401, type=types.M_IT_NA_1)
    setting = there.add_point(io_address=0x6201, type=types.C_SE_NC_1)
    select = c104.CommandMode.SELECT_AND_EXECUTE
    careful = there.add_point(io_address=0x6202, type=types.C_SE_NB_1, command_mode=select)
    client.start()
    try:
        async with asyncio.timeout(15.0):
            while not line.is_connected:
                await asyncio.sleep(0.02)
            assert await repeated(line.unmute)
            assert await repeated(lambda: line.interrogation(common_address=7))
            while flow.value == 0.0:
                await asyncio.sleep(0.02)
        assert flow.value == pytest.approx(6543.2)
        assert await repeated(lambda: line.counter_interrogation(common_address=7))
        async with asyncio.timeout(15.0):
            while not (counter := total.info.counter):
                await asyncio.sleep(0.02)
        assert counter == 4_000_000_123 - 2**32
        setting.value = 77.7
        assert await repeated(lambda: setting.transmit(c104.Cot.ACTIVATION))
        careful.value = c104.Int16(410)
        assert await repeated(lambda: careful.transmit(c104.Cot.ACTIVATION))
        assert shown.values["HS0001.source_supply_temperature_setpoint"] == 77.7
        assert shown.values["HS0001.source_differential_pressure_setpoint"] == 410
        shown.values["HS0001.source_flow"] = 12.5
        async with asyncio.timeout(15.0):
            while flow.value == pytest.approx(6543.2):
                await asyncio.sleep(0.02)
        assert flow.value == 12.5  # said by itself
    finally:
        await asyncio.to_thread(client.stop)


# -- our driver against our station, through the poller


async def test_through_the_poller_a_killed_station_is_found_again(station):
    shown, found, server = station
    about = device("iec104", server.port, unit_id=7, parameters="gi_s=0")
    made = poller([about], found, timeout_s=0.3, lockstep=True)
    sweep = await made.sweep(START, START)
    assert swept(sweep, found) == VALUES
    assert sweep.answered == ["DV0001"]
    assert {p for p, _ in shown.told} == {b.point for b in found}
    shown.silent = True
    sweep = await made.sweep(START + 30, START + 30)
    assert sweep.missed == {"DV0001": "device_unreachable"}
    shown.silent = False
    sweep = await made.sweep(START + 45, START + 45)  # left alone for 30 s
    shown.values["HS0001.source_flow"] = 1.5
    sweep = await made.sweep(START + 60, START + 60)
    assert sweep.answered == ["DV0001"]
    assert 1.5 in sweep.batch.values
    await server.close()
    sweep = await made.sweep(START + 90, START + 90)
    assert sweep.missed == {"DV0001": "device_unreachable"}
    again = await serve([shown], "127.0.0.1", server.port)
    sweep = await made.sweep(START + 120, START + 120)
    assert sweep.answered == ["DV0001"]
    made.close()
    await again.close()


async def test_stations_behind_one_connection_are_told_apart(bench):
    found = [bindings(ROWS, f"DV000{n}") for n in (1, 2)]
    shown = [
        face(device("iec104", 0, f"DV000{n}", unit_id=n), found[n - 1], VALUES | {"source_flow": n})
        for n in (1, 2)
    ]
    server = await serve(shown, "127.0.0.1", 0)
    talk = [
        bench.driver(device("iec104", server.port, f"DV000{n}", unit_id=n, parameters="gi_s=0"))
        for n in (1, 2, 3)
    ]
    for n in (1, 2):
        values, cause, _ = await read(talk[n - 1], found[n - 1])
        assert (values["source_flow"], cause) == (float(n), None)
    _, cause, _ = await read(talk[2], bindings(ROWS, "DV0003"))
    assert cause == "device_error"  # nobody has common address 3
    assert bench.failed("DV0003") == {"refused": 1}
    shown[1].silent = True
    talk[1].tools.stats.asked("DV0002")
    assert (await read(talk[0], found[0]))[1] is None
    await server.close()


# -- times, and what comes late


async def test_old_events_are_spooled_with_their_own_time_and_never_the_newest(bench):
    found = bindings(ROWS[:2])
    async with Script() as script:
        script.values = [Point(address=0x4001, value=80.0), Point(address=0x4002, value=5.0)]
        talk = driver(bench, script.port, parameters="zone=+08:00")
        assert (await read(talk, found))[1] is None
        events = []
        for ago, value in ((3600, 60.5), (95, 61.5), (91, 62.5), (10, 81.0)):
            stamp = stamp_of(START - ago, 8 * 3600.0)
            events.append(Point(address=0x4001, value=value, stamp=stamp))
        for event in events:
            script.say(Asdu(type=36, cause=SPONTANEOUS, station=7, points=(event,)))
        got = await read_until(talk, found, lambda v, *_: v["source_supply_temperature"] != 80.0)
        assert got[0] == {"source_supply_temperature": 81.0, "source_flow": 5.0}
        key = found[0].key
        assert list(bench.late.rows()) == [
            (key, START - 3600, 60.5, 0),
            (key, START - 120, 62.5, 0),
        ]


async def test_nothing_from_before_a_reconnect_counts_as_newest(bench):
    found = bindings(ROWS[:1])
    object.__setattr__(bench.tools, "timeout_s", 0.2)
    async with Script() as script:
        script.values = [Point(address=0x4001, value=80.0)]
        talk = driver(bench, script.port)
        assert (await read(talk, found))[0] == {"source_supply_temperature": 80.0}
        script.answer = lambda writer, data: None  # it is back but says nothing yet
        script.writers[-1].close()
        await asyncio.sleep(0.05)
        assert (await read(talk, found))[:2] == ({}, "device_unreachable")
        assert bench.failed() == {"timeout": 1}


async def test_values_are_acknowledged_only_after_late_ones_are_spooled(bench):
    """A gateway that dies before they are spooled gets them again."""
    found = bindings(ROWS[:1])
    spooled = asyncio.Event()
    bench.tools.stats.asked("x")

    async def slow(batch):
        await spooled.wait()
        bench.late.extend(batch)

    bench._keep = slow
    object.__setattr__(bench.tools, "keep_late", slow)
    async with Script() as script:
        script.values = [Point(address=0x4001, value=80.0)]
        talk = driver(bench, script.port, parameters="w=1")
        await read(talk, found)
        before = len(script.heard)
        stamp = stamp_of(START - 600)
        point = Point(address=0x4001, value=60.0, stamp=stamp)
        script.say(Asdu(type=36, cause=SPONTANEOUS, station=7, points=(point,)))
        await asyncio.sleep(0.1)
        assert len(script.heard) == before
        spooled.set()
        await asyncio.sleep(0.05)
        assert script.heard[-1] == bytes((1, 0)) + (2 * script.sent).to_bytes(2, "little")
        assert len(bench.late) == 1


async def test_the_station_clock_is_set_where_the_ledger_says_so(bench):
    async with Script() as script:
        script.values = [Point(address=0x4001, value=80.0)]
        talk = driver(bench, script.port, parameters="clock_s=3600 zone=+08:00")
        for _ in range(2):
            await read(talk, bindings(ROWS[:1]))
        await asyncio.sleep(0.05)
        (body,) = frames_of(script, 103)
        local = datetime.fromtimestamp(START, UTC) + timedelta(hours=8)
        assert body[-7:-2] == bytes((0, 0, local.minute, local.hour, local.day | 5 << 5))


def test_short_time_tags_fall_into_the_nearest_hour():
    half_past = START // 3600 * 3600 + 1800
    for ago in (-600.0, 0.0, 600.0, 1500.0):
        text = stamp_of(half_past + 1700.0 - ago).text
        short = stamp_of(0.0)
        stamp = type(short)(text=text[14:])
        assert stamp_s(stamp, half_past + 1700.0) == half_past + 1700.0 - ago
    assert stamp_s(type(short)(text=None), 0.0) is None


# -- bad input


@pytest.mark.parametrize(
    "noise", [b"\x16\x16\x16", b"\x68\xff", b"\x68\x04\x07\x00\x00\x01", b"\x00" * 5000]
)
async def test_noise_is_counted_once_and_stores_nothing(bench, noise):
    found = bindings(ROWS[:1])
    async with Script() as script:
        script.values = [Point(address=0x4001, value=80.0)]
        talk = driver(bench, script.port)
        assert (await read(talk, found))[1] is None
        script.writers[-1].write(noise)
        await asyncio.sleep(0.05)
        values, cause, _ = await read(talk, found)
        assert (values, cause) == ({}, "frame_damaged")
        assert bench.failed() == {"malformed": 1}
        values, cause, _ = await read(talk, found, 1e9)
        assert (values, cause) == ({"source_supply_temperature": 80.0}, None)


async def test_frames_out_of_order_and_unknown_types_are_refused(bench):
    found = bindings(ROWS[:1])
    async with Script() as script:
        script.values = [Point(address=0x4001, value=80.0)]
        talk = driver(bench, script.port)
        await read(talk, found)
        script.say(bytes((200, 1, 3, 0, 7, 0, 1, 0x40, 0, 0)))  # no such type: counted, goes on
        script.say(bytes((13, 1, 3, 0, 7, 0, 1, 0x40, 0)))  # cut short
        await asyncio.sleep(0.05)
        assert (await read(talk, found))[0] == {"source_supply_temperature": 80.0}
        assert bench.failed() == {"malformed": 2}
        script.sent -= 1  # a number that was used before: a replay
        script.say(encode_asdu(Asdu(
            type=13, cause=3, station=7, points=(Point(address=0x4001, value=11.0),)
        )))  # fmt: skip
        await asyncio.sleep(0.05)
        values, cause, _ = await read(talk, found, 1e9)
        assert (values, cause) == ({"source_supply_temperature": 80.0}, None)  # connected anew
        assert len(script.writers) == 2


async def test_test_messages_other_stations_and_wrong_clocks_change_nothing(bench):
    found = bindings(ROWS[:1])
    async with Script() as script:
        script.values = [Point(address=0x4001, value=80.0)]
        talk = driver(bench, script.port)
        await read(talk, found)
        point = Point(address=0x4001, value=11.0)
        script.say(Asdu(type=13, cause=3, station=7, points=(point,), test=True))
        script.say(Asdu(type=13, cause=3, station=8, points=(point,)))
        ahead = Point(address=0x4001, value=82.0, stamp=stamp_of(START + 9e6))
        await asyncio.sleep(0.05)
        assert (await read(talk, found))[0] == {"source_supply_temperature": 80.0}
        script.say(Asdu(type=36, cause=3, station=7, points=(ahead,)))
        await asyncio.sleep(0.05)
        assert (await read(talk, found))[0] == {"source_supply_temperature": 82.0}
        assert len(bench.late) == 0


async def test_not_a_number_is_no_value_and_a_missing_point_is_said(bench):
    found = bindings([*ROWS[:2], ("boiler_load", "4077H", "r"), ("boiler_state", "3:1H", "r")])
    async with Script() as script:
        script.values = [Point(address=0x4001, value=None), Point(address=0x4002, value=5.0)]
        talk = driver(bench, script.port)
        values, cause, _ = await read(talk, found)
        assert math.isnan(values.pop("source_supply_temperature"))
        assert (values, cause) == ({"source_flow": 5.0}, "device_error")
        double = Asdu(type=3, cause=3, station=7, points=(Point(address=1, value=3),))
        script.say(double)
        await asyncio.sleep(0.05)
        assert math.isnan((await read(talk, found))[0]["boiler_state"])  # neither on nor off


async def test_a_station_that_never_confirms_is_a_broken_link(bench):
    found = bindings(ROWS)
    bench.tools = bench.tools.__class__(
        **{f: getattr(bench.tools, f) for f in bench.tools.__dataclass_fields__}
        | {"timeout_s": 0.1}
    )
    async with Script() as script:
        script.values = [Point(address=0x4001, value=80.0)]
        talk = driver(bench, script.port)
        await read(talk, found)
        with pytest.raises(LinkError, match="confirm"):
            await talk.write(found[4], 80.0)
        with pytest.raises(InputError, match="not a number"):
            await talk.write(found[4], math.nan)
        with pytest.raises(InputError, match="no command"):
            await talk.write(found[0], 80.0)


async def test_our_station_refuses_noise_foreign_addresses_and_unselected_commands(station):
    shown, _, server = station
    for noise in (b"\x68\xff\x00", b"GET / HTTP/1.1\r\n\r\n", b"\x68\x04\x00\x00\x00\x00"):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(noise)
        assert await asyncio.wait_for(reader.read(100), 2.0) == b""
        writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(bytes.fromhex("680407000000"))
    assert await reader.readexactly(6) == bytes.fromhex("68040B000000")
    asks = [
        interrogate(9),
        Asdu(type=49, cause=6, station=7, points=(Point(address=0x6202, value=9),)),
    ]
    for number, ask in enumerate(asks):
        frame = Information(send=number, receive=number, asdu=encode_asdu(ask))
        writer.write(encode_apdu(frame))
        answer = await asyncio.wait_for(reader.readexactly(2), 2.0)
        body = await reader.readexactly(answer[1])
        assert body[6] & 0x40, "a negative confirmation"
    assert shown.values["HS0001.source_differential_pressure_setpoint"] == 250.0
    writer.close()


@pytest.mark.parametrize(
    "parameters", ["w=9 k=8", "gi_s=-1", "zone=8", "nonsense=1", "k=x", "t2=15 t1=15", "gi_s=nan"]
)
def test_wrong_parameters_name_device_and_fix(bench, parameters):
    with pytest.raises(ConfigError, match="DV0001") as caught:
        Iec104Driver(device("iec104", 2404, parameters=parameters), bench.tools)
    assert caught.value.fix


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "GH",
        "4001H 4002H",
        "50:1H 50:2H",
        "13s:1H",
        "100:1H",
        "99:1H",
        "51s:4H",
        "1000000H",
    ],
)
def test_sources_that_mean_nothing_are_refused(text):
    with pytest.raises(InputError):
        parse_source(text)


def test_a_32_bit_number_is_the_shortest_that_is_the_same():
    assert shortest(87.30000305175781) == 87.3
    assert shortest(1999999.0) == 1999999.0
    assert shortest(0.10000000149011612) == 0.1
    assert shortest(16777217.0 - 1) == 16777216.0
    assert shortest(3.4028234663852886e38) == pytest.approx(3.4028234663852886e38)
    assert math.isnan(shortest(math.nan))
