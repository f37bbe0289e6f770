"""CJ/T 188: our driver and our meters on one line, and published frames on the wire."""

import asyncio

import pytest

from heatloop.demo.devices.cjt188 import serve
from heatloop.edge.drivers.cjt188 import Cjt188Driver
from heatloop.kernel.errors import ConfigError, InputError, LinkError
from heatloop.protocols.cjt188.answers import request
from heatloop.protocols.cjt188.frames import Frame, decode_frame, encode_frame
from tests.contract.line_peers import (
    SLOT,
    Wire,
    answering,
    binding,
    bindings_of,
    close_all,
    counted,
    device,
    driving,
    face,
    poller,
    read,
    swept,
    tools,
)  # fmt: skip

FAST = "quiet=0 baud=38400"


def meters(port=1):
    """Return a heat meter of each edition, a water meter and a valve meter of one line."""
    rows = (
        (1, "heat_meter_cjt188_2004", "00000040314132", ""),
        (2, "heat_meter_cjt188_2018", "00000040314133", "order=high"),
        (3, "makeup_water_meter_cjt188", "33001122334455", "type=10"),
        (4, "flat_heat_meter_cjt188", "00000040314134", "layout=heat_2004 stroke=0"),
    )
    return [
        device(
            "cjt188", number=n, profile=p, address=a, port=port, parameters=f"{FAST} {more}".strip()
        )
        for n, p, a, more in rows
    ]


@pytest.fixture(autouse=True)
async def lines():
    """Close what a test opened, inside its loop."""
    yield
    close_all()
    await asyncio.sleep(0)


async def test_meters_of_both_editions_share_a_line():
    faces = [face(each, seed=each.code) for each in meters()]
    server = await serve(faces, "127.0.0.1", 0)
    devices = meters(server.port)
    polled, stats = poller(devices, [b for d in devices for b in bindings_of(d)])
    sweep = await polled.sweep(SLOT, 0.0)
    assert not sweep.missed
    values = swept(sweep)
    for each in faces:
        for b in each.bindings:
            want = each.values[b.point]
            if b.source == "valve":  # one valve: the first of its points shows it
                want = float(
                    all(each.values[o.point] for o in each.bindings if o.source == "valve")
                )
            assert values[b.key] == pytest.approx(want, rel=1e-9), b
    assert counted(stats)["failed"] == {}
    await server.close()


@pytest.mark.parametrize("kwh", [0.0, 12_345.0, 9_999_999.0, 87_654_321.0])
@pytest.mark.parametrize("edition", ["2004", "2018"])
async def test_a_counter_keeps_every_digit_in_the_unit_that_holds_it(edition, kwh):
    made = device("cjt188", profile=f"heat_meter_cjt188_{edition}", address="1" * 14)
    shown = face(made)
    total = next(b for b in shown.bindings if b.kind == "building_heat_total")
    shown.values[total.point] = kwh
    server = await serve([shown], "127.0.0.1", 0)
    driver = driving(
        Cjt188Driver, device("cjt188", address="1" * 14, port=server.port, parameters=FAST), tools()
    )
    values, cause = await read(driver, shown.bindings)
    assert (values[total.key], cause) == (pytest.approx(kwh, rel=1e-9), None)
    await server.close()


async def test_a_valve_is_moved_and_read_back_and_nothing_else_can_be_written():
    made = meters()[3]
    shown = face(made)
    state, order = (b for b in shown.bindings if b.source == "valve")
    shown.values |= {state.point: 1.0, order.point: 1.0}
    server = await serve([shown], "127.0.0.1", 0)
    driver = driving(Cjt188Driver, meters(server.port)[3], tools())
    taken = shown.write
    shown.write = lambda b, v: taken(b, v) and (shown.values.update({state.point: v}) or True)
    assert await driver.write(order, 0.0) == 0.0
    assert shown.values[order.point] == 0.0
    values, _ = await read(driver, shown.bindings)
    assert values[state.key] == 0.0
    assert await driver.write(order, 1.0) == 1.0
    for wrong, value in ((order, 0.5), (shown.bindings[0], 1.0)):
        with pytest.raises(InputError):
            await driver.write(wrong, value)
    shown.write = lambda b, v: False
    with pytest.raises(InputError, match="refuses"):
        await driver.write(order, 0.0)
    shown.silent = True
    with pytest.raises(LinkError):
        await driver.write(order, 0.0)
    await server.close()


async def test_the_only_meter_of_a_line_tells_its_address():
    shown = face(meters()[0])
    server = await serve([shown], "127.0.0.1", 0)
    made = device("cjt188", port=server.port, profile="heat_meter_cjt188_2004", parameters=FAST)
    driver = driving(Cjt188Driver, made, tools())
    values, cause = await read(driver, shown.bindings)
    assert cause is None
    assert len(values) == 4
    await server.close()


async def test_a_meter_asked_as_any_kind_says_what_it_is():
    server = await serve([face(meters()[2])], "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(encode_frame(request(0xAA, "A" * 14)))
    frame = decode_frame(await asyncio.wait_for(reader.read(256), 2))
    assert (frame.type, frame.address) == (0x10, "33001122334455")
    writer.close()
    await server.close()


async def test_a_faulty_valve_has_no_state():
    def reply(chunk):
        frame = decode_frame(chunk)
        data = frame.data[:3] + bytes(4) + b"\x2c" + bytes(4) + b"\x2c" + bytes(7) + b"\x03\x00"
        return encode_frame(Frame(type=0x10, address="1" * 14, control=0x81, data=data))

    async with answering(reply) as port:
        made = device(
            "cjt188", port=port, address="1" * 14, parameters=f"{FAST} type=10 layout=water"
        )
        found = [
            binding(made, 1, "valve", kind="user_valve_state"),
            binding(made, 2, "valve_fault", kind="user_valve_state"),
            binding(made, 3, "low_battery", kind="user_valve_state"),
            binding(made, 4, "volume", kind="makeup_total"),
        ]
        values, cause = await read(driving(Cjt188Driver, made), found)
        assert (values, cause) == ({2: 1.0, 3: 0.0, 4: 0.0}, "device_error")


def published(serial):
    """Return the meter's answer printed by a maker (unit first), with the question's number."""
    body = bytes.fromhex(
        "6820324131400000008 12E901F".replace(" ", "")
    )  # head, L and DI as printed
    data = bytes.fromhex(
        "05080200000508020000171700000035350000002C34100000352500662500000000530012100715200000"
    )
    whole = body[:11] + body[11:13] + bytes((serial,)) + data
    return whole + bytes((sum(whole) & 255, 0x16))


async def test_a_meter_that_sends_the_unit_first_and_the_identifier_high_byte_first():
    asked = []

    def reply(chunk):
        frame = decode_frame(chunk)
        asked.append(frame)
        return b"\xfe\xfe" + published(frame.data[2])

    async with answering(reply) as port:
        made = device(
            "cjt188", port=port, address="00000040314132",
            parameters=f"{FAST} layout=heat_2004_unit_first order=high",
        )  # fmt: skip
        driver = driving(Cjt188Driver, made, tools())
        found = [
            binding(made, 1, "heat", kind="building_heat_total"),
            binding(made, 2, "supply_temperature", kind="building_supply_temperature"),
            binding(made, 3, "return_temperature", kind="building_return_temperature"),
            binding(made, 4, "volume", kind="makeup_total"),
        ]
        values, cause = await read(driver, found)
        assert cause is None
        assert values == pytest.approx({1: 2.08, 2: 25.35, 3: 25.66, 4: 10.34})
        assert asked[0].data[:2] == b"\x90\x1f"


async def test_the_question_on_the_wire_is_the_published_one():
    seen = []
    async with answering(lambda chunk: seen.append(chunk)) as port:
        made = device(
            "cjt188", port=port, address="00000040314132",
            parameters=f"{FAST} layout=heat_2004 order=high wake_up=2",
        )  # fmt: skip
        driver = driving(Cjt188Driver, made, tools(0.05))
        await read(driver, [binding(made, 1, "heat", kind="building_heat_total")])
        assert seen[0].hex().upper() == "FEFE6820324131400000000103901F012016"


@pytest.mark.parametrize(
    "change, kind",
    [
        (lambda f: f[:-2] + bytes((f[-2] ^ 1, 0x16)), "checksum"),
        (lambda f: f[:-1] + b"\x17", "malformed"),
        (lambda f: f[:20], "length"),
        (lambda f: b"\x00" + f, "malformed"),
        (lambda f: encode_frame(decode_frame(f[:2] + b"\x99" + f[3:9] + f[9:])), "timeout"),
    ],
)
async def test_damaged_and_foreign_answers_are_counted_and_never_stored(change, kind):
    def reply(chunk):
        found = published(decode_frame(chunk).data[2])
        if kind == "timeout":
            body = found[:2] + b"\x99" + found[3:-2]
            return body + bytes((sum(body) & 255, 0x16))
        return change(found)

    async with answering(reply) as port:
        made = device(
            "cjt188", port=port, address="00000040314132", profile="heat_meter_cjt188_2004",
            parameters=FAST,
        )  # fmt: skip
        polled, stats = poller([made], bindings_of(made), timeout_s=0.1)
        sweep = await asyncio.wait_for(polled.sweep(SLOT, 0.0), 2)
        assert not len(sweep.batch)
        cause = "device_unreachable" if kind == "timeout" else "frame_damaged"
        assert sweep.missed == {"DV0001": cause}
        assert counted(stats)["failed"] == {kind: 1}


async def test_an_answer_to_another_question_is_skipped():
    async with answering(lambda chunk: published(decode_frame(chunk).data[2] ^ 1)) as port:
        made = device("cjt188", port=port, address="00000040314132", parameters=FAST)
        driver = driving(Cjt188Driver, made, tools(0.1))
        found = [binding(made, 1, "heat_2004.heat", kind="building_heat_total")]
        assert await read(driver, found) == ({}, "device_unreachable")


async def test_layouts_are_never_guessed_and_misfits_cost_only_themselves():
    shown = face(meters()[0])
    server = await serve([shown], "127.0.0.1", 0)
    made = device("cjt188", port=server.port, address="00000040314132", parameters=FAST)
    driver = driving(Cjt188Driver, made, tools())
    found = [
        binding(made, 1, "heat", kind="building_heat_total"),
        binding(made, 2, "heat_2018.heat", kind="building_heat_total"),
        binding(made, 3, "heat_2004.nothing", kind="building_heat_total"),
        binding(made, 4, "heat_2004.heat", kind="building_flow"),
        binding(made, 5, "D120:heat", kind="building_heat_total"),
        binding(made, 6, "heat_2004.volume_flow", kind="building_flow"),
    ]
    values, cause = await read(driver, found)
    assert list(values) == [6]
    assert cause == "device_error"
    await server.close()


@pytest.mark.parametrize(
    "rest",
    [
        {"address": "12"},
        {"parameters": "layout=nonsense"},
        {"parameters": "type=zz"},
        {"parameters": "order=up"},
    ],
)
async def test_wrong_parameters_stop_at_the_start(rest):
    with pytest.raises(ConfigError) as caught:
        driving(Cjt188Driver, device("cjt188", **rest), tools())
    assert caught.value.thing == "DV0001"


async def test_over_a_serial_line():
    line = "baud=9600 parity=N"
    made = device("cjt188", profile="heat_meter_cjt188_2004", address="1" * 14, parameters=line)
    shown = face(made)
    with Wire() as wire:
        server = await serve([shown], wire.paths[0], 0)
        driver = driving(
            Cjt188Driver,
            device("cjt188", host=wire.paths[1], port=0, address="1" * 14, parameters=line),
            tools(),
        )
        values, cause = await read(driver, shown.bindings)
        assert cause is None
        assert len(values) == 4
        await asyncio.sleep(0)
        await server.close()
        await asyncio.sleep(0)
