"""Clauses of wired acquisition: 5.1 c 2 #1, 5.2 e #2, 6.1.2 c, 6.1.3 g, 6.3 b; real sockets."""

import asyncio
import math
import struct
from dataclasses import replace

import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from heatloop.demo.devices import cjt188, dlt645, mbus
from heatloop.demo.devices.face import TableFace
from heatloop.demo.devices.modbus_rtu import serve, serve_tcp
from heatloop.edge.drivers.modbus import ModbusDriver
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.envelope import seal_samples
from heatloop.plant.build import build_ledger
from heatloop.plant.edge_profile import make_edge_profile
from heatloop.plant.model import Device
from heatloop.protocols.analogue import PT100_OHM, PT1000_OHM, platinum_celsius, span
from heatloop.protocols.cjt188.frames import decode_frame as decode_cjt188
from heatloop.protocols.dlt645.frames import encode_frame as encode_dlt645
from heatloop.protocols.dlt645.messages import read as read_dlt645
from heatloop.protocols.dlt645.messages import read_address
from heatloop.protocols.dtypes import words_of
from heatloop.protocols.mbus.frames import REQ_UD2, SND_NKE, Short
from heatloop.protocols.mbus.frames import encode_frame as encode_mbus
from heatloop.protocols.registers import decode_raw, decode_text, encode_raw
from tests.contract.line_peers import (
    SLOT,
    binding,
    bindings_of,
    close_all,
    device,
    driving,
    face,
    poller,
    read,
    sample,
    swept,
)  # fmt: skip
from tests.unit import plant_town


@pytest.fixture(autouse=True)
async def lines():
    """Close what a test opened, inside its loop."""
    yield
    close_all()
    await asyncio.sleep(0.01)


# Every type with a value and its bytes, highest first, as the standards of the types give them.
STANDARD = {
    "int16": (-2, "FFFE"),
    "uint16": (0xFEDC, "FEDC"),
    "int32": (-2, "FFFFFFFE"),
    "uint32": (0x01234567, "01234567"),
    "int64": (-2, "FFFFFFFFFFFFFFFE"),
    "uint64": (0x0123456789ABCDEF, "0123456789ABCDEF"),
    "float32": (55.5, "425E0000"),
    "float64": (55.5, "404BC00000000000"),
    "bcd16": (1234, "1234"),
    "bcd32": (12_345_678, "12345678"),
    "bool": (1, "0001"),
    "bit3": (1, "0008"),
    "bits4-7": (9, "0090"),
    "enum16": (3, "0003"),
    "time32": (1_800_000_000, "6B49D200"),
    "time64": (1_800_000_000, "000000006B49D200"),
}


def on_wire(digits, order):
    """Return registers as a device of this byte order sends them, straight from its name."""
    data = bytes.fromhex(digits)
    if len(data) > 2:
        pairs = [data[i : i + 2] for i in range(0, len(data), 2)]
        if order in ("CDAB", "DCBA"):
            pairs.reverse()
        if order in ("BADC", "DCBA"):
            pairs = [pair[::-1] for pair in pairs]
        data = b"".join(pairs)
    return struct.unpack(f">{len(data) // 2}H", data)


@pytest.mark.parametrize("order", ["ABCD", "CDAB", "BADC", "DCBA"])
@pytest.mark.parametrize("dtype", STANDARD)
def test_6_1_2_c_every_standard_type_is_accepted_in_every_byte_order(dtype, order):
    value, digits = STANDARD[dtype]
    words = on_wire(digits, order)
    assert words_of(dtype) == len(words)
    assert decode_raw(words, dtype, order) == value
    assert encode_raw(value, dtype, order) == words
    # A profile may name the order of one value, whatever the device's usual one is.
    assert decode_raw(words, f"{dtype}:{order}", "ABCD") == value


def test_6_1_2_c_text_is_read_for_people_and_never_taken_for_a_number():
    words = struct.unpack(">4H", b"PLC-7\0\0\0")
    assert decode_text(words, "string:8") == "PLC-7"
    assert decode_text([w >> 8 | (w & 255) << 8 for w in words], "string:8", "BADC") == "PLC-7"
    with pytest.raises(ValueError, match=r"."):
        float(decode_text(words, "string:8"))


VENDORS = (
    "substation_controller", "substation_controller_dtu", "substation_controller_bits",
)  # fmt: skip


async def values_with(profile, start, **more):
    """Read a town's substation that has a controller of some vendor; return values by point."""
    row = plant_town.device(3, "SS0001", "substation_controller")
    ledger = build_ledger(
        plant_town.assets(), [replace(row, profile=profile, **more)], plant_town.gateways(),
        version=1, keys=plant_town.town().keys,
    )  # fmt: skip
    bound = [b for b in ledger.bindings if b.device == row.code]
    shown = TableFace(
        ledger.devices[row.code], bound, {b.point: sample(b.kind, b.point) for b in bound}
    )
    server = await start([shown], "127.0.0.1", 0)
    edge = make_edge_profile(ledger, "GW0001", 1)
    polled, _ = poller([replace(edge.devices[0], port=server.port)], edge.bindings)
    sweep = await polled.sweep(SLOT, 0.0)
    assert not sweep.missed
    await server.close()
    codes = {b.key: b.point for b in bound}
    return {codes[key]: value for key, value in swept(sweep).items()}, shown


async def test_6_3_b_swapping_the_vendor_changes_only_the_profile_in_the_ledger():
    usual, shown = await values_with(VENDORS[0], serve_tcp)
    for vendor in VENDORS[1:]:
        other, _ = await values_with(vendor, serve_tcp)
        assert other.keys() <= usual.keys()
        missing = {point.partition(".")[2] for point in usual.keys() - other.keys()}
        assert not missing, f"{vendor} lacks {missing}"
        assert other == pytest.approx(usual, rel=1e-9, abs=1e-12)
    for point, value in usual.items():
        assert value == pytest.approx(shown.values[point], rel=1e-9, abs=1e-12)
    assert len(usual) > 80, "two units of a substation"


def swapped_float(value):
    """Return the two registers of a 32-bit real, low register first."""
    high, low = struct.unpack(">2H", struct.pack(">f", value))
    return [low, high]


# The same station as each vendor's own document would have it: table, first register, registers.
DOCUMENTS = {
    "substation_controller": [
        ("holding", 16, [0x0001, 0xE240]),  # 123456 kWh
        ("holding", 22, [1053, 512]),  # 0.1 degC
        ("holding", 24, [853]),  # kPa
        ("holding", 256, [523]),
        ("holding", 273, [1]),
        ("holding", 288, [2, 555]),  # mode, set-point
    ],
    "substation_controller_dtu": [
        ("holding", 0, [0xE240, 0x0001]),
        ("holding", 6, [*swapped_float(105.3), *swapped_float(51.2)]),
        ("holding", 10, swapped_float(0.853)),  # MPa
        ("holding", 0x2C0, swapped_float(52.3)),
        ("holding", 0x2D8, [1]),
        ("holding", 0x2E4, [2, *swapped_float(55.5)]),
    ],
    "substation_controller_bits": [
        ("input", 0, [0, 0, 0x075B, 0xCA00]),  # 123456000 Wh
        ("input", 8, [10_530, 5120]),  # 0.01 degC
        ("input", 10, [853]),
        ("input", 301, [5230]),
        ("input", 300, [0b000001]),
        ("holding", 300, [0b10]),
        ("holding", 301, [555]),
    ],
}
STATION = {
    "primary_heat_total": 123_456.0,
    "primary_supply_temperature": 105.3,
    "primary_return_temperature": 51.2,
    "primary_supply_pressure": 853.0,
    "secondary_supply_temperature": 52.3,
    "circulation_pump_state": 1.0,
    "station_mode": 2.0,
    "secondary_supply_temperature_setpoint": 55.5,
}


@pytest.mark.parametrize("vendor", VENDORS)
async def test_6_3_b_what_each_vendor_documents_becomes_the_same_station(vendor):
    made = device("modbus_tcp", profile=vendor)
    wanted = [b for b in bindings_of(made) if b.kind in STATION]
    tables = {"holding": [0] * 900, "input": [0] * 900}
    for table, at, words in DOCUMENTS[vendor]:
        tables[table][at : at + len(words)] = words
    bits = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    registers = [
        [SimData(0, values=tables[name], datatype=DataType.REGISTERS)]
        for name in ("holding", "input")
    ]
    server = ModbusTcpServer(
        SimDevice(1, simdata=(bits, bits, *registers)), address=("127.0.0.1", 0)
    )
    await server.serve_forever(background=True)
    port = server.transport.sockets[0].getsockname()[1]
    driver = driving(ModbusDriver, replace(made, port=port))
    values, cause = await read(driver, wanted)
    assert cause is None
    assert {b.kind: values[b.key] for b in wanted} == pytest.approx(STATION, rel=1e-9)
    await server.shutdown()


METERS = {
    "heat_meter_mbus": ("mbus", mbus.serve, "12345678"),
    "heat_meter_cjt188_2004": ("cjt188", cjt188.serve, "00000012345678"),
    "heat_meter_cjt188_2018": ("cjt188", cjt188.serve, "00000012345678"),
}


async def test_6_3_b_heat_meters_of_three_kinds_give_the_same_points():
    seen = []
    for profile, (protocol, start, address) in METERS.items():
        usual = "quiet=0 baud=38400"
        row = replace(
            plant_town.device(3, "BD0001", profile), protocol=protocol, address=address,
            parameters=usual,
        )  # fmt: skip
        ledger = build_ledger(plant_town.assets(), [row], plant_town.gateways(), version=1, keys={})
        shown = TableFace(row, ledger.bindings, {b.point: sample(b.kind) for b in ledger.bindings})
        server = await start([shown], "127.0.0.1", 0)
        polled, _ = poller([replace(row, port=server.port)], ledger.bindings)
        sweep = await polled.sweep(SLOT, 0.0)
        assert not sweep.missed
        await server.close()
        codes = {b.key: b.point for b in ledger.bindings}
        seen.append({codes[key]: value for key, value in swept(sweep).items()})
    assert set(seen[0]) == {
        "BD0001.building_heat_total", "BD0001.building_flow",
        "BD0001.building_supply_temperature", "BD0001.building_return_temperature",
    }  # fmt: skip
    assert seen[1] == pytest.approx(seen[0], rel=1e-9)
    assert seen[2] == pytest.approx(seen[0], rel=1e-9)


async def test_5_1_c_2_1_five_protocols_become_one_uniform_message():
    usual = "quiet=0 baud=38400"
    rows = {
        1: ("modbus_tcp", "substation_controller", "", "", serve_tcp),
        2: ("modbus_rtu_tcp", "substation_controller_dtu", "", usual, serve),
        3: ("mbus", "heat_meter_mbus", "11223344", usual, mbus.serve),
        4: ("cjt188", "heat_meter_cjt188_2018", "00000011223344", usual, cjt188.serve),
        5: ("dlt645", "electricity_meter_dlt645", "000011223344", usual, dlt645.serve),
    }
    devices, found, expected, servers = [], [], [], []
    for number, (protocol, profile, address, parameters, start) in rows.items():
        made = device(
            protocol, number=number, profile=profile, address=address, parameters=parameters
        )
        shown = face(made, seed=number)
        servers.append(await start([shown], "127.0.0.1", 0))
        devices.append(replace(made, port=servers[-1].port))
        found += shown.bindings
        expected += [(b.key, SLOT, shown.values[b.point], 0) for b in shown.bindings]
    polled, _ = poller(devices, found, timeout_s=1.0)
    sweep = await polled.sweep(SLOT, 0.0)
    assert not sweep.missed
    got = sorted(sweep.batch.rows())
    for (key, slot, value, quality), (key_, slot_, value_, quality_) in zip(
        got, sorted(expected), strict=True
    ):
        assert (key, slot, quality) == (key_, slot_, quality_)
        assert value == pytest.approx(value_, rel=1e-9, abs=1e-12)
    # One body for all: what travels to the platform does not say which protocol it came by.
    assert SampleBatch.from_bytes(sweep.batch.to_bytes()) == sweep.batch
    assert seal_samples(sweep.batch)
    for server in servers:
        await server.close()


# IEC 60751: resistance of a Pt100 at some temperatures.
PLATINUM = {
    -200: 18.52, -100: 60.26, -50: 80.31, 0: 100.00, 50: 119.40, 100: 138.51, 150: 157.33,
    200: 175.86, 400: 247.09, 850: 390.48,
}  # fmt: skip
SPAN_C = (-50.0, 150.0)


def test_5_2_e_2_platinum_thermometers_follow_their_standard():
    for celsius, ohm in PLATINUM.items():
        assert platinum_celsius(ohm, PT100_OHM) == pytest.approx(celsius, abs=0.02)
        assert platinum_celsius(10 * ohm, PT1000_OHM) == pytest.approx(celsius, abs=0.02)
    for broken in (0.0, 5.0, 500.0, 6553.5):
        assert math.isnan(platinum_celsius(broken, PT100_OHM))


SIGNALS = {
    # counts at both ends, what is measured at both ends, (counts, value) in between
    "4-20 mA in microampere": ((4000, 20_000), (0.0, 1600.0), [(4000, 0.0), (12_000, 800.0)]),
    "4-20 mA, 0-27648": ((0, 27_648), (0.0, 1600.0), [(13_824, 800.0), (27_648, 1600.0)]),
    "4-20 mA, 12 bit": ((819, 4095), (-40.0, 160.0), [(819, -40.0), (2457, 60.0)]),
    "0-10 V in millivolt": ((0, 10_000), (0.0, 100.0), [(2500, 25.0), (10_000, 100.0)]),
    "0-10 V, 16 bit": ((0, 65_535), (0.0, 50.0), [(32_768, 25.0004)]),
}


@pytest.mark.parametrize("signal", SIGNALS)
async def test_5_2_e_2_raw_counts_become_engineering_units_within_a_thousandth(signal):
    (low, high), ends, pairs = SIGNALS[signal]
    factor, offset = span(low, high, *ends)
    made = device("modbus_tcp")
    for counts, value in pairs:
        raw = binding(made, 1, "input", register=0, dtype="uint16")
        server = await serve_tcp([TableFace(made, [raw], {raw.point: counts})], "127.0.0.1", 0)
        driver = driving(ModbusDriver, device("modbus_tcp", port=server.port))
        point = replace(raw, factor=factor, offset=offset)
        values, cause = await read(driver, [point])
        assert cause is None
        assert abs(values[1] - value) <= 0.001 * (ends[1] - ends[0])
        await server.close()


async def test_5_2_e_2_thermometer_counts_become_degrees_within_a_thousandth_of_the_span():
    made = device("modbus_tcp")
    raws = [binding(made, n, "", register=n, dtype="uint16") for n in range(2 * len(PLATINUM))]
    counts = [round(ohm * scale) for ohm in PLATINUM.values() for scale in (100, 100)]
    shown = TableFace(made, raws, {b.point: float(c) for b, c in zip(raws, counts, strict=True)})
    server = await serve_tcp([shown], "127.0.0.1", 0)
    driver = driving(ModbusDriver, device("modbus_tcp", port=server.port))
    points = [replace(b, dtype=("pt100", "pt1000")[n % 2]) for n, b in enumerate(raws)]
    values, cause = await read(driver, points)
    assert cause is None
    for n, celsius in enumerate(celsius for celsius in PLATINUM for _ in range(2)):
        assert abs(values[n] - celsius) <= 0.001 * (SPAN_C[1] - SPAN_C[0]), points[n]
    await server.close()


async def test_5_2_e_2_the_period_of_acquisition_is_that_of_each_point():
    made = device("modbus_tcp")
    periods = (30, 60, 600)
    rows = [
        binding(made, n, "", register=20 * n, dtype="uint16", period_s=period)
        for n, period in enumerate(periods, 1)
    ]
    shown = TableFace(made, rows, {b.point: 1.0 for b in rows})
    server = await serve_tcp([shown], "127.0.0.1", 0)
    polled, _ = poller([device("modbus_tcp", port=server.port)], rows)
    for slot in range(SLOT, SLOT + 1200, 30):
        await polled.sweep(slot, 0.0)
    asked = [sum(point == b.point for point, _ in shown.told) for b in rows]
    assert asked == [1200 // period for period in periods]
    await server.close()


def test_6_1_3_g_questions_are_the_published_ones():
    assert encode_mbus(Short(control=SND_NKE, address=1)).hex() == "1040014116"
    assert encode_mbus(Short(control=REQ_UD2, address=1)).hex() == "105b015c16"
    assert encode_dlt645(read_address()).hex() == "68aaaaaaaaaaaa681300df16"
    asked = encode_dlt645(read_dlt645("000012345678", 0x00010000))
    assert asked.hex() == "68785634120000681104333334 33c616".replace(" ", "")
    water = decode_cjt188(bytes.fromhex("681044332211003378010 31F90008016".replace(" ", "")))
    assert water.address == "78330011223344"


def test_the_vendors_of_one_class_serve_one_kind_of_asset():
    for profile in VENDORS:
        rows = bindings_of(Device(
            code="DV0001", asset="SS0001", gateway="GW0001", profile=profile, protocol="modbus_tcp"
        ))  # fmt: skip
        assert len({b.point for b in rows}) == len(rows)
