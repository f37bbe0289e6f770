"""Probes against devices: pymodbus, asyncua, bacpypes3, mosquitto, net-snmp, aiocoap and ours."""

import asyncio
import json
import logging
import subprocess
import sys

import aiocoap
import aiocoap.resource
import pytest
from asyncua import Server, ua
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.analog import AnalogValueObject
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import IPv4Address
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from heatloop.demo.devices import cjt188, dlt645, iec104, mbus, modbus_rtu, snmp
from heatloop.demo.devices.mqtt_broker import Broker
from heatloop.edge.probe.guess import likely_order
from heatloop.edge.probe.registry import SCHEMES, probe, target_of
from heatloop.kernel.errors import InputError, LinkError
from heatloop.protocols.mbus.selection import selection
from heatloop.protocols.registers import WORD_ORDERS, encode_raw
from heatloop.protocols.sparkplug.model import Metric
from heatloop.protocols.sparkplug.session import EdgeNode
from tests.contract.control_field import bindings, free_port
from tests.contract.control_field import device as control_device
from tests.contract.control_field import face as control_face
from tests.contract.line_peers import device, face
from tests.contract.link_peers import free_port as free_tcp_port


async def ask(url, timeout_s=0.5):
    return await probe(target_of(url, timeout_s))


@pytest.fixture(autouse=True)
def quiet(caplog):
    """Keep what libraries say about refused requests out of the report."""
    caplog.set_level(logging.CRITICAL)


def values(report):
    return {offer.source: offer.value for offer in report.offers}


@pytest.mark.parametrize("order", sorted(WORD_ORDERS))
def test_the_byte_order_of_reals_is_found(order):
    found, at = {}, 100
    for value in (95.4, 55.23, 0.53, 1234.5, 21.7, 980.25):
        for word in encode_raw(value, "float32", order):
            found[at] = word
            at += 1
    found |= dict.fromkeys(range(200, 210), 553)
    assert likely_order(found) == order
    assert likely_order(dict.fromkeys(range(10), 553)) == ""


async def test_a_modbus_device_tells_its_registers_and_what_they_may_mean():
    at = free_tcp_port()
    real = [w for v in (95.4, 55.2, 12.75) for w in encode_raw(v, "float32", "CDAB")]
    data = [
        SimData(100, values=real, datatype=DataType.REGISTERS),
        SimData(300, values=[553, 65524, 0], datatype=DataType.REGISTERS),
    ]
    server = ModbusTcpServer(SimDevice(3, simdata=data), address=("127.0.0.1", at))
    await server.serve_forever(background=True)
    report = await ask(f"modbus://127.0.0.1:{at}?table=holding&to=400")
    assert report.device["unit"] == "3"
    found = {o.register: o for o in report.offers}
    assert sorted(found) == [100, 102, 104, 300, 301, 302]
    assert [(found[r].dtype, found[r].word_order, found[r].value) for r in (100, 102, 104)] == [
        ("float32", "CDAB", 95.4), ("float32", "CDAB", 55.2), ("float32", "CDAB", 12.75),
    ]  # fmt: skip
    assert (found[300].value, found[301].value, found[301].dtype) == (553, -12, "int16")
    await server.shutdown()


async def test_rtu_through_a_dtu_finds_the_units_of_the_line():
    made = [
        face(device("modbus_rtu_tcp", number=n, unit_id=n, profile="weather_station"), seed=n)
        for n in (1, 4)
    ]
    server = await modbus_rtu.serve(made, "127.0.0.1", 0)
    url = f"rtu+tcp://127.0.0.1:{server.port}?unit=1-5&table=holding&to=9"
    report = await ask(url, 0.15)
    assert report.device["units"] == "1 4"
    b = next(b for b in made[0].bindings if b.kind == "wind_direction")
    shown = next(o for o in report.offers if o.register == b.register)
    assert shown.value == round(made[0].values[b.point])
    with pytest.raises(InputError, match="no unit answers") as caught:
        await ask(f"modbus://127.0.0.1:{server.port}?unit=1", 0.15)
    assert "unit=1-247" in caught.value.fix
    assert "rtu+tcp://" in caught.value.fix
    await server.close()


async def test_mbus_meters_are_found_by_number_and_tell_their_records():
    numbers = ("12345678", "12345679", "99000001")
    faces = [
        face(
            device("mbus", number=n, unit_id=n, address=a, profile="heat_meter_mbus"),
            seed=n,
        )
        for n, a in enumerate(numbers, 1)
    ]
    server = await mbus.serve(faces, "127.0.0.1", 0)
    base = f"mbus://127.0.0.1:{server.port}"
    scanned = await ask(f"{base}?scan=secondary&timeout=60")
    assert sorted(each["number"] for each in scanned.found) == sorted(numbers)
    assert scanned.offers == []
    one = await ask(scanned.found[0]["url"])
    assert one.device["number"] == scanned.found[0]["number"]
    sources = {b.source for b in faces[0].bindings}
    offered = [selection(offer.source) for offer in one.offers if not isinstance(offer.value, str)]
    assert {selection(source) for source in sources} <= set(offered)
    with pytest.raises(InputError, match="no meter number"):
        await ask(f"{base}?secondary=12")
    await server.close()
    alone = await mbus.serve(faces[:1], "127.0.0.1", 0)
    read = await ask(f"mbus://127.0.0.1:{alone.port}?timeout=60")
    assert len(read.found) == 1
    assert {o.source for o in read.offers} == {o.source for o in one.offers}
    await alone.close()


async def test_cjt188_and_dlt645_meters_tell_address_and_values():
    heat = face(
        device("cjt188", profile="heat_meter_cjt188_2018", address="00000040314133",
               parameters="order=high"), seed=1,
    )  # fmt: skip
    server = await cjt188.serve([heat], "127.0.0.1", 0)
    found = await ask(f"cjt188://127.0.0.1:{server.port}?timeout=200")
    assert found.device["address"] == "00000040314133"
    assert {b.source for b in heat.bindings} & set(values(found))
    await server.close()
    power = face(
        device("dlt645", profile="electricity_meter_dlt645", address="000012345678"), seed=1
    )
    server = await dlt645.serve([power], "127.0.0.1", 0)
    found = await ask(f"dlt645://127.0.0.1:{server.port}?timeout=200")
    assert found.device["address"] == "000012345678"
    shown = values(found)
    energy = next(b for b in power.bindings if b.source == "forward_active_energy")
    assert shown["forward_active_energy"] == pytest.approx(power.values[energy.point])
    await server.close()


async def test_an_iec104_station_tells_its_objects():
    rows = [
        ("source_supply_temperature", "4001H", "r"),
        ("boiler_state", "3:1H", "r"),
        ("source_heat_total", "15:6401H", "r", "uint32", 1.0),
    ]
    shown = {"source_supply_temperature": 87.3, "boiler_state": 1.0, "source_heat_total": 4e6}
    made = control_face(control_device("iec104", 0), bindings(rows), shown)
    server = await iec104.serve([made], "127.0.0.1", 0)
    report = await ask(f"iec104://127.0.0.1:{server.port}?station=1&wait=1")
    by_place = {offer.source.partition(":")[2]: offer.value for offer in report.offers}
    assert by_place["4001H"] == pytest.approx(87.3, rel=1e-6)
    assert by_place["6401H"] == 4_000_000
    assert "1H" in by_place
    with pytest.raises(InputError, match="tells nothing"):
        await ask(f"iec104://127.0.0.1:{server.port}?station=77&wait=1")
    await server.close()


async def test_an_opc_ua_server_shows_its_tree():
    server = Server()
    await server.init()
    at = free_tcp_port()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{at}/plant")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    number = await server.register_namespace("urn:plant")
    boiler = await server.nodes.objects.add_object(number, "Boiler1")
    supply = await boiler.add_variable(ua.NodeId("Boiler1.T", number), "T", 95.4)
    await supply.set_writable()
    async with server:
        report = await ask(f"opcua://127.0.0.1:{at}/plant")
    (offer,) = report.offers
    assert (offer.source, offer.value, offer.dtype) == (f"ns={number};s=Boiler1.T", 95.4, "Double")
    assert (offer.access, offer.label.split()[0]) == ("rw", "Boiler1/T")
    assert any("anonymous" in note for note in report.notes)


async def test_a_bacnet_device_tells_its_objects():
    at = free_port()
    about = DeviceObject(objectIdentifier=("device", 1001), objectName="inlet", vendorIdentifier=9)
    app = NormalApplication(about, IPv4Address(f"127.0.0.1/32:{at}"))
    app.add_object(
        AnalogValueObject(
            objectIdentifier=("analog-value", 1), objectName="T", presentValue=95.5,
            units="degreesCelsius", statusFlags=[0, 0, 0, 0], eventState="normal",
            outOfService=False,
        )
    )  # fmt: skip
    report = await ask(f"bacnet://127.0.0.1:{at}?device=1001")
    assert report.device["object-name"] == "inlet"
    (offer,) = report.offers
    assert (offer.source, offer.value, offer.unit) == ("analog-value,1", 95.5, "degrees-celsius")
    app.close()


async def test_an_snmp_agent_is_walked():
    rows = [("it_asset_cpu_load", "1.3.6.1.4.1.2021.11.9.0", "r")]
    made = control_face(control_device("snmp", 0), bindings(rows), {"it_asset_cpu_load": 37.0})
    server = await snmp.serve([made], "127.0.0.1", 0, community="look")
    report = await ask(f"snmp://look@127.0.0.1:{server.port}?root=1.3.6.1.4.1.2021")
    assert report.offers[0].value == 37
    with pytest.raises(LinkError, match="does not answer"):
        await ask(f"snmp://wrong@127.0.0.1:{server.port}?root=1.3.6.1.4.1.2021", 0.2)
    await server.close()


@pytest.mark.needs("mosquitto", "mosquitto-clients")
async def test_a_broker_is_listened_to(tmp_path):
    broker = Broker(tmp_path / "broker", "127.0.0.1", at := free_tcp_port())
    await broker.start()

    async def publish(topic, message):
        process = await asyncio.create_subprocess_exec(
            "mosquitto_pub", "-p", str(at), "-t", topic, "-s", stdin=asyncio.subprocess.PIPE
        )
        await process.communicate(message)

    asked = asyncio.create_task(ask(f"mqtt://127.0.0.1:{at}?seconds=2"))
    await asyncio.sleep(0.7)
    birth = EdgeNode().birth(1000, [Metric(name="Supply", alias=1, datatype=10, value=95.4)])
    await publish("spBv1.0/plant/NBIRTH/edge1", birth)
    await publish("plant/weather", json.dumps({"air": {"t": -7.5}, "wind": [3]}).encode())
    report = await asked
    shown = {(offer.label, offer.source): offer.value for offer in report.offers}
    assert shown["plant/edge1", "Supply"] == 95.4
    assert shown["plant/weather", "air.t"] == -7.5
    assert shown["plant/weather", "wind[0]"] == 3
    with pytest.raises(InputError, match="nothing was published"):
        await ask(f"mqtt://127.0.0.1:{at}/nothing?seconds=1")
    await broker.close()


class _Resource(aiocoap.resource.Resource):
    async def render_get(self, request):
        del request
        return aiocoap.Message(payload=b"21.5")


async def test_a_coap_device_lists_its_resources():
    root = aiocoap.resource.Site()
    root.add_resource(
        [".well-known", "core"], aiocoap.resource.WKCResource(root.get_resources_as_linkheader)
    )
    root.add_resource(["room", "temperature"], _Resource())
    at = free_port()
    context = await aiocoap.Context.create_server_context(root, bind=("127.0.0.1", at))
    report = await ask(f"coap://127.0.0.1:{at}")
    assert values(report) == {"room/temperature": "21.5"}
    await context.shutdown()


@pytest.mark.parametrize(
    "url",
    ["", "modbus", "ftp://h", "modbus://", "modbus://h:99999", "modbus://h?x=1", "modbus://h?unit=999",
     "modbus://h?unit=1&unit=2", "modbus://h?table=odd", "rtu:///dev/x?parity=Q", "mbus://h?scan=odd",
     "cjt188://h?address=1", "dlt645://h?address=1", "snmp://h?root=x", "coap://h?a=1"],
)  # fmt: skip
async def test_what_cannot_be_asked_is_refused_with_a_fix(url):
    with pytest.raises(InputError) as caught:
        await ask(url, 0.1)
    assert caught.value.fix or caught.value.thing


@pytest.mark.parametrize(
    "scheme", [s for s in SCHEMES if s not in ("rtu", "bacnet", "snmp", "coap")]
)
async def test_a_device_that_is_not_there_is_named_with_what_to_try(scheme):
    with pytest.raises(LinkError) as caught:
        await ask(f"{scheme}://127.0.0.1:1", 0.2)
    assert caught.value.fix


async def test_a_server_of_another_protocol_ends_no_probe_in_a_hang():
    async def babble(reader, writer):
        del reader
        try:
            while True:
                writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)
        except OSError:
            pass

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    at = server.sockets[0].getsockname()[1]
    for url in (
        f"modbus://127.0.0.1:{at}?unit=1", f"rtu+tcp://127.0.0.1:{at}?unit=1",
        f"iec104://127.0.0.1:{at}?station=1&wait=1", f"mbus://127.0.0.1:{at}?primary=1",
        f"cjt188://127.0.0.1:{at}", f"dlt645://127.0.0.1:{at}", f"opcua://127.0.0.1:{at}",
        f"mqtt://127.0.0.1:{at}?seconds=1",
    ):  # fmt: skip
        async with asyncio.timeout(8):
            with pytest.raises((InputError, LinkError)):
                await ask(url, 0.1)
    server.close()


def test_the_command_prints_json_and_its_exit_code_says_whether_it_went_well():
    argv = [sys.executable, "-m", "heatloop", "field", "probe", "modbus://127.0.0.1:1", "--json"]
    run = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 2
    assert json.loads(run.stdout)["ok"] is False
    assert "firewall" in run.stderr
    listed = subprocess.run(
        [sys.executable, "-m", "heatloop", "field", "profiles", "weather_station"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "| outdoor_temperature |" in listed.stdout
