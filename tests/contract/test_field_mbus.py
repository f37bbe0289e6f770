"""Wired M-Bus: our driver and our meters, against each other and against pyMeterBus."""

import asyncio

import meterbus
import pytest

from heatloop.demo.devices.mbus import serve
from heatloop.edge.drivers.mbus import MbusDriver
from heatloop.kernel.errors import ConfigError, InputError
from heatloop.plant.kinds import point_kinds
from heatloop.protocols.mbus.selection import Selection, selection
from tests.contract.line_peers import (
    SLOT,
    Relay,
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

METER = {"profile": "heat_meter_mbus", "parameters": "quiet=0"}


async def started(*faces):
    return await serve(faces, "127.0.0.1", 0)


def expected(each):
    return {
        b.key: round(each.values[b.point], point_kinds()[b.kind].decimals) for b in each.bindings
    }


@pytest.fixture(autouse=True)
async def lines():
    """Close what a test opened, inside its loop."""
    yield
    close_all()
    await asyncio.sleep(0)


async def test_several_meters_of_one_line_are_read_by_primary_and_secondary_address():
    first = face(device("mbus", number=1, unit_id=5, **METER), seed=1)
    second = face(device("mbus", number=2, unit_id=0, address="12345678", **METER), seed=2)
    third = face(device("mbus", number=3, unit_id=0, address="12345679", **METER), seed=3)
    server = await started(first, second, third)
    devices = [
        device("mbus", number=n, port=server.port, unit_id=u, address=a, **METER)
        for n, u, a in ((1, 5, ""), (2, 0, "12345678"), (3, 0, "12345679"))
    ]
    found = [b for each in devices for b in bindings_of(each)]
    polled, stats = poller(devices, found)
    sweep = await polled.sweep(SLOT, 0.0)
    assert not sweep.missed
    values = swept(sweep)
    for each in (first, second, third):
        for key, value in expected(each).items():
            assert values[key] == pytest.approx(value, rel=1e-9)
        assert {p for p, _ in each.told} == set(each.values)
    assert counted(stats)["answered"] == 2  # reset and read-out
    await server.close()


async def test_a_long_answer_comes_in_telegrams_and_the_frame_count_bit_toggles():
    made = device("mbus", unit_id=7, parameters="quiet=0")
    rows = [
        binding(made, n, f"energy storage={n - 1}", kind="user_heat_total") for n in range(1, 33)
    ]
    shown = face(made, rows)
    shown.values |= {b.point: 1000.5 + b.key for b in rows}
    server = await started(shown)
    driver = driving(
        MbusDriver, device("mbus", unit_id=7, port=server.port, parameters="quiet=0"), tools()
    )
    values, cause = await read(driver, rows)
    assert cause is None
    assert values == pytest.approx(expected(shown), rel=1e-9)
    assert len(values) == 32
    await server.close()


async def test_a_dead_meter_is_left_alone_and_found_again():
    alive = face(device("mbus", number=1, unit_id=1, **METER))
    dead = face(device("mbus", number=2, unit_id=2, **METER))
    server = await started(alive, dead)
    devices = [device("mbus", number=n, unit_id=n, port=server.port, **METER) for n in (1, 2)]
    polled, stats = poller(devices, [b for d in devices for b in bindings_of(d)], timeout_s=0.1)
    assert not (await polled.sweep(SLOT, 0.0)).missed
    dead.silent = True
    sweep = await polled.sweep(SLOT + 600, 1.0)
    assert sweep.missed == {"DV0002": "device_unreachable"}
    assert sweep.answered == ["DV0001"]
    asked = counted(stats, "DV0002")["asked"]
    assert counted(stats, "DV0002")["failed"] == {"timeout": 1}
    sweep = await polled.sweep(SLOT + 1200, 1.05)
    assert "DV0002" in sweep.missed
    assert counted(stats, "DV0002")["asked"] == asked, "asked before its back-off was over"
    dead.silent = False
    assert not (await polled.sweep(SLOT + 1800, 100.0)).missed
    await server.close()


async def test_a_cut_line_heals_and_a_deaf_connection_is_opened_anew():
    shown = face(device("mbus", unit_id=1, **METER))
    server = await started(shown)
    async with Relay(server.port) as relay:
        made = device("mbus", unit_id=1, port=relay.port, **METER)
        polled, _ = poller([made], bindings_of(made), timeout_s=0.1)
        assert not (await polled.sweep(SLOT, 0.0)).missed
        relay.cut()
        assert (await polled.sweep(SLOT + 600, 1.0)).missed == {"DV0001": "device_unreachable"}
        relay.up = True
        await asyncio.sleep(0.11)
        assert not (await polled.sweep(SLOT + 1200, 100.0)).missed
        shown.silent = True
        before = relay.taken
        for n in range(4):
            await polled.sweep(SLOT + 1800 + 600 * n, 1000.0 * (n + 1))
        assert relay.taken == before + 1
    await server.close()


async def test_our_meters_are_understood_by_pymeterbus():
    shown = face(device("mbus", unit_id=9, address="00001234", **METER))
    server = await started(shown)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(bytes.fromhex("104009 49 16"))
    assert await reader.readexactly(1) == b"\xe5"
    writer.write(bytes.fromhex("107B09 84 16"))
    frame = meterbus.load(await asyncio.wait_for(reader.read(512), 2))
    header = frame.body.bodyHeader
    assert bytes(header.id_nr).hex() == "00001234"
    got = {str(r.interpreted["type"]): r.interpreted["value"] for r in frame.records}
    want = {b.kind: shown.values[b.point] for b in shown.bindings}
    assert float(got["VIFUnit.ENERGY_WH"]) == want["building_heat_total"] * 1000
    assert float(got["VIFUnit.VOLUME_FLOW"]) == pytest.approx(want["building_flow"])
    assert float(got["VIFUnit.FLOW_TEMPERATURE"]) == pytest.approx(
        want["building_supply_temperature"]
    )
    writer.close()
    await server.close()


async def test_over_a_serial_line():
    line = "baud=9600 parity=N"  # a pty has no parity
    shown = face(device("mbus", unit_id=3, profile="heat_meter_mbus", parameters=line))
    with Wire() as wire:
        server = await serve([shown], wire.paths[0], 0)
        made = device(
            "mbus", unit_id=3, host=wire.paths[1], port=0, profile="heat_meter_mbus",
            parameters=line,
        )  # fmt: skip
        driver = driving(MbusDriver, made, tools())
        values, cause = await read(driver, bindings_of(made))
        assert (values, cause) == (pytest.approx(expected(shown), rel=1e-9), None)
        await asyncio.sleep(0)
        await server.close()
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "answer, kind",
    [
        ("680F0F68080172785634122404010401000000FF16", "checksum"),
        ("68050668", "malformed"),
        ("6815156808", "length"),
        ("00" * 2000, "malformed"),
        ("", "timeout"),
    ],
)
async def test_damaged_answers_are_counted_and_never_stored(answer, kind):
    def reply(chunk):
        return b"\xe5" if chunk[1:2] == b"\x40" else bytes.fromhex(answer)

    async with answering(reply) as port:
        made = device(
            "mbus", unit_id=1, port=port, profile="heat_meter_mbus",
            parameters="quiet=0 baud=38400",
        )  # fmt: skip
        polled, stats = poller([made], bindings_of(made), timeout_s=0.1)
        sweep = await asyncio.wait_for(polled.sweep(SLOT, 0.0), 3)
        assert not len(sweep.batch)
        cause = "device_unreachable" if kind == "timeout" else "frame_damaged"
        assert sweep.missed == {"DV0001": cause}
        assert counted(stats)["failed"] == {kind: 1}


async def test_a_peer_that_talks_for_ever_is_given_up():
    async with answering(lambda chunk: b"\xe5" * 500 + b"\x68") as port:
        made = device("mbus", unit_id=1, port=port, parameters="quiet=0 baud=9600")
        driver = driving(MbusDriver, made, tools(0.1))
        found = [binding(made, 1, "energy", kind="building_heat_total")]
        for now_s in (0.0, 100.0):
            values, cause = await asyncio.wait_for(read(driver, found, now_s), 3)
            assert not values
            assert cause in {"frame_damaged", "device_unreachable", "device_error"}


async def test_what_the_meter_does_not_have_or_calls_faulty_is_no_good_value():
    # identification .., status 10 (temporary error), one record: energy 3 kWh in BCD
    body = bytes.fromhex("08017278563412341201040110000004062A000000")
    frame = bytes((0x68, len(body), len(body), 0x68)) + body + bytes((sum(body) & 255, 0x16))

    def reply(chunk):
        return b"\xe5" if chunk[1] == 0x40 else frame

    async with answering(reply) as port:
        made = device("mbus", unit_id=1, port=port, parameters="quiet=0")
        found = [
            binding(made, 1, "energy", kind="building_heat_total"),
            binding(made, 2, "flow"),
            binding(made, 3, "energy", kind="building_flow"),
            binding(made, 4, "nonsense"),
        ]
        polled, stats = poller([made], found)
        sweep = await polled.sweep(SLOT, 0.0)
        assert swept(sweep) == {1: 42.0}
        assert list(sweep.batch.quality) == [1]
        assert sweep.missed == {"DV0001": "device_error"}
        assert counted(stats)["failed"] == {"refused": 3}


@pytest.mark.parametrize(
    "rest",
    [
        {"unit_id": 252},
        {"address": "123"},
        {"address": "12345678", "parameters": "manufacturer=x"},
        {"parameters": "baud=1234"},
        {"parameters": "colour=red"},
        {"parameters": "timeout=many"},
        {"parameters": "baud"},
    ],
)
async def test_wrong_parameters_stop_at_the_start_and_name_the_device(rest):
    with pytest.raises(ConfigError) as caught:
        driving(MbusDriver, device("mbus", **rest), tools())
    assert caught.value.thing == "DV0001"
    assert caught.value.fix


async def test_devices_of_one_line_must_agree_how_it_is_set_up():
    lent = tools()
    driving(MbusDriver, device("mbus", parameters="baud=2400"), lent)
    with pytest.raises(ConfigError, match="differently"):
        driving(MbusDriver, device("mbus", number=2, parameters="baud=9600"), lent)


def test_sources_say_which_record():
    assert selection("flow") == Selection(quantity="volume_flow")
    long = selection("energy storage=1 tariff=2 function=max subunit=1")
    assert long == selection("energy@1/2#1:maximum")
    assert (long.storage, long.tariff, long.function, long.subunit) == (1, 2, "maximum", 1)
    for wrong in ("", "heatt", "energy storage=-1", "energy storage=1e9", "energy x=1", "energy n"):
        with pytest.raises(InputError):
            selection(wrong)
