"""OPC UA in the field: node-opcua as server and as client, our server, what must be refused."""

import asyncio
import base64
import stat

import pytest
import pytest_asyncio
from asyncua import ua
from cryptography import x509

from heatloop.demo.devices.opc_ua import Access, serve
from heatloop.edge.drivers.opc_ua import OpcUaDriver
from heatloop.edge.drivers.opc_ua_client import server_certificate
from heatloop.edge.drivers.opc_ua_trust import fingerprint, own_identity, trusted_certificate
from heatloop.kernel.errors import ConfigError, InputError, LinkError
from heatloop.kernel.quality import Quality
from tests.contract.control_field import (
    START,
    Bench,
    Node,
    bindings,
    device,
    face,
    node_peers,
    poller,
    read,
    read_until,
)

SECURE = "server_cert=plant.der user=gateway password=plant_password publish_ms=100"
CLEAR = "security=none publish_ms=100"
ROWS = [
    ("source_supply_temperature", "nsu=urn:plant:dcs;s={address}.SupplyT", "r"),
    ("source_flow", "ns=2;s={address}.Flow", "r", "float32", 1.0),
    ("boiler_state", "ns=2;i=1001", "r", "int16", 1.0),
    ("source_supply_temperature_setpoint", "ns=2;s={address}.SupplySet", "rw"),
    ("boiler_enable", "ns=2;s={address}.Enable", "rw", "bool", 1.0),
    ("source_differential_pressure_setpoint", "ns=2;s={address}.Dp", "rw", "uint16", 1.0),
]
VALUES = {
    "source_supply_temperature": 87.3,
    "source_flow": 6543.2,
    "boiler_state": -1.0,
    "source_supply_temperature_setpoint": 90.0,
    "boiler_enable": 1.0,
    "source_differential_pressure_setpoint": 250.0,
}
FLOW = "HS0001.source_flow"


pytestmark = pytest.mark.asyncio(loop_scope="module")


class World:
    """One of our servers with devices B1 and B2, put back before every test."""

    def __init__(self, parameters):
        self.found, self.faces = [], []
        for n in (1, 2):
            code, rows = (
                f"DV000{n}",
                [(k, s.replace("i=1001", f"i=100{n}"), *m) for k, s, *m in ROWS],
            )
            self.found.append(bindings(rows, code, f"HS000{n}"))
            about = device("opc_ua", 0, code, address=f"B{n}", parameters=parameters)
            self.faces.append(face(about, self.found[-1], VALUES))

    def anew(self):
        for n, shown in enumerate(self.faces, 1):
            shown.values = {f"HS000{n}.{kind}": value for kind, value in VALUES.items()}
            shown.silent = False
            shown.told.clear()
        return self.faces[0], self.found[0], self.server


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def clear_world():
    """Return our server without certificates; a server takes a second to start."""
    world = World(CLEAR)
    world.server = await serve(world.faces, "127.0.0.1", 0)
    yield world
    await world.server.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def secure_world(tmp_path_factory):
    """Return our server behind certificates."""
    world = World(SECURE)
    world.folder = tmp_path_factory.mktemp("secrets")
    world.own = await asyncio.to_thread(own_identity, world.folder)
    world.trusted = []
    access = Access(
        folder=tmp_path_factory.mktemp("server"), users={"gateway": "geheim"}, trusted=world.trusted
    )
    world.server = await serve(world.faces, "127.0.0.1", 0, access=access)
    yield world
    await world.server.close()


@pytest_asyncio.fixture(loop_scope="module")
async def bench(secure_world):
    """Return drivers whose gateway trusts our server."""
    secrets = secure_world.folder
    (secrets / "plant_password").write_text("geheim\n")
    (secrets / "plant.der").write_bytes(secure_world.server.certificate)
    made = Bench(secrets=secrets, timeout_s=2.0)
    yield made
    await made.close()


@pytest.fixture
def clear(clear_world):
    return clear_world.anew()


@pytest.fixture
def secured(secure_world):
    secure_world.trusted[:] = [secure_world.own.certificate]
    return secure_world.anew()


def driver(bench, port, parameters=CLEAR, **more):
    given = {"address": "B1", "parameters": parameters, **more}
    return bench.driver(device("opc_ua", port, **given))


# -- our driver against an independent server

SERVER = """
const o = require("node-opcua");
(async () => {
  const folder = process.argv[process.argv.length - 1];
  const manager = new o.OPCUACertificateManager({
    rootFolder: folder, automaticallyAcceptUnknownCertificate: true });
  await manager.initialize();
  const server = new o.OPCUAServer({
    port: 0, host: "127.0.0.1", resourcePath: "/dcs", serverCertificateManager: manager,
    securityModes: [o.MessageSecurityMode.SignAndEncrypt],
    securityPolicies: [o.SecurityPolicy.Basic256Sha256], allowAnonymous: false,
    userManager: { isValidUser: (u, p) => u === "gateway" && p === "geheim" },
    serverInfo: { applicationUri: "urn:test:dcs" } });
  await server.initialize();
  const space = server.engine.addressSpace, own = space.getOwnNamespace();
  const plant = space.registerNamespace("urn:plant:dcs");
  const folderNode = plant.addObject({ organizedBy: space.rootFolder.objects, browseName: "B1" });
  const nodes = {};
  const held = { SupplyT: 87.3, Flow: 6543.2, State: -1, SupplySet: 90, Enable: true, Dp: 250 };
  const types = { SupplyT: "Double", Flow: "Float", State: "Int16", SupplySet: "Double",
                  Enable: "Boolean", Dp: "UInt16" };
  for (const name of Object.keys(held)) {
    nodes[name] = plant.addVariable({
      componentOf: folderNode, browseName: name, dataType: types[name],
      nodeId: name === "State" ? "i=1001" : "s=B1." + name, minimumSamplingInterval: 50,
      accessLevel: "SupplySet Enable Dp".includes(name)
        ? "CurrentRead | CurrentWrite" : "CurrentRead" });
    nodes[name].setValueFromSource({ dataType: o.DataType[types[name]], value: held[name] });
  }
  await server.start();
  console.log(JSON.stringify({
    port: server.endpoints[0].port, index: plant.index,
    certificate: server.getCertificate().toString("base64") }));
  require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const [name, value, code] = line.split(" ");
    nodes[name].setValueFromSource(
      { dataType: o.DataType[types[name]], value: Number(value) }, o.StatusCodes[code || "Good"]);
    console.log(JSON.stringify({ set: name }));
  });
})().catch((e) => { console.error(e); process.exit(1); });
"""


async def test_a_node_opcua_server_is_subscribed_written_and_found_again(bench, tmp_path):
    folder = node_peers("node-opcua")
    peer = await Node.start(folder, SERVER, tmp_path / "pki")
    try:
        about = await peer.line()
        (bench.tools.secrets / "plant.der").write_bytes(base64.b64decode(about["certificate"]))
        rows = [(k, s.replace("ns=2;", f"ns={about['index']};"), *more) for k, s, *more in ROWS]
        found = bindings(rows)
        talk = driver(bench, about["port"], f"{SECURE} path=dcs")
        values, cause, doubtful = await read(talk, found)
        assert (values, cause, doubtful) == (VALUES, None, {})
        await peer.say("Flow 12.7")
        await peer.line()
        got = await read_until(talk, found, lambda v, *_: v["source_flow"] != 6543.2)
        assert got[0]["source_flow"] == 12.7
        await peer.say("SupplyT 80.5 BadSensorFailure")
        await peer.line()
        await peer.say("Flow 12.9 UncertainLastUsableValue")
        await peer.line()
        got = await read_until(talk, found, lambda v, c, d: len(d) == 2)
        assert got[2] == {
            "source_supply_temperature": Quality.BAD, "source_flow": Quality.STALE
        }  # fmt: skip
        assert await talk.write(found[3], 95.4) == 95.4
        assert await talk.write(found[4], 0.0) == 0.0
        assert await talk.write(found[5], 310.0) == 310.0
        assert (await read(talk, found))[0]["source_differential_pressure_setpoint"] == 310.0
        with pytest.raises(InputError, match="refuses the write: Bad"):
            await talk.write(found[0], 1.0)
        missing = bindings([*rows, ("boiler_load", f"ns={about['index']};s=Nope", "r")])
        values, cause, _ = await read(talk, missing)
        assert (len(values), cause) == (6, "device_error")
    finally:
        await peer.stop()
    assert (await read(talk, found))[1] == "device_unreachable"


# -- our server against an independent client

CLIENT = """
const o = require("node-opcua");
(async () => {
  const [port, folder, password] = process.argv.slice(-3);
  const manager = new o.OPCUACertificateManager({
    rootFolder: folder, automaticallyAcceptUnknownCertificate: true });
  await manager.initialize();
  const secure = password !== "-";
  const client = o.OPCUAClient.create({
    clientCertificateManager: manager, endpointMustExist: false,
    connectionStrategy: { maxRetry: 0 },
    securityMode: secure ? o.MessageSecurityMode.SignAndEncrypt : o.MessageSecurityMode.None,
    securityPolicy: secure ? o.SecurityPolicy.Basic256Sha256 : o.SecurityPolicy.None });
  await client.connect("opc.tcp://127.0.0.1:" + port);
  const session = await client.createSession(secure
    ? { type: o.UserTokenType.UserName, userName: "gateway", password } : undefined);
  const read = async (id) => (await session.read({ nodeId: id, attributeId: 13 })).value.value;
  const flow = await read("ns=2;s=B1.Flow"), state = await read("ns=2;i=1001");
  const write = async (id, dataType, value) => (await session.write({
    nodeId: id, attributeId: 13, value: { value: { dataType: o.DataType[dataType], value } }
  })).name;
  const statuses = [
    await write("ns=2;s=B1.SupplySet", "Double", 77.7),
    await write("ns=2;s=B1.Dp", "Double", 5), await write("ns=2;s=B1.Flow", "Float", 5),
    await write("ns=2;s=Nope", "Float", 5), await write("ns=2;s=B1.SupplySet", "Double", NaN)];
  const sub = o.ClientSubscription.create(session, {
    requestedPublishingInterval: 100, requestedMaxKeepAliveCount: 10,
    requestedLifetimeCount: 100, maxNotificationsPerPublish: 0, publishingEnabled: true });
  const item = o.ClientMonitoredItem.create(sub, { nodeId: "ns=2;s=B1.Flow", attributeId: 13 },
    { samplingInterval: 100, queueSize: 5, discardOldest: true }, o.TimestampsToReturn.Both);
  item.on("changed", (v) => console.log(JSON.stringify({ changed: v.value.value })));
  console.log(JSON.stringify({ flow, state, statuses }));
  setTimeout(() => {}, 20000);
})().catch((e) => { console.log(JSON.stringify({ error: e.message })); process.exit(0); });
"""


async def test_a_node_opcua_client_reads_writes_and_subscribes_our_server(clear, tmp_path):
    shown, _, server = clear
    peer = await Node.start(node_peers("node-opcua"), CLIENT, server.port, tmp_path / "pki", "-")
    try:
        said = await peer.line()
        assert said.pop("statuses") == [
            "Good", "BadTypeMismatch", "BadNotWritable", "BadNodeIdUnknown", "BadOutOfRange"
        ]  # fmt: skip
        assert said == {"flow": pytest.approx(6543.2), "state": -1}
        assert shown.values["HS0001.source_supply_temperature_setpoint"] == 77.7
        assert await peer.line() == {"changed": pytest.approx(6543.2)}
        shown.values[FLOW] = 12.5
        assert await peer.line() == {"changed": 12.5}
        assert shown.told[-1] == (FLOW, 12.5)
    finally:
        await peer.stop()


async def test_a_node_opcua_client_is_let_in_by_password_over_an_encrypted_channel(
    secured, secure_world, tmp_path
):
    _, _, server = secured
    secure_world.trusted.clear()
    for password, refused in (("geheim", False), ("wrong", True)):
        peer = await Node.start(
            node_peers("node-opcua"), CLIENT, server.port, tmp_path / "pki", password
        )
        said = await peer.line()
        await peer.stop()
        assert ("error" in said) == refused, said


# -- our driver against our server, through the poller


async def test_through_the_poller_a_killed_server_is_found_again(clear, clear_world):
    world, (_, _, server) = clear_world, clear
    abouts = [
        device("opc_ua", server.port, f"DV000{n}", address=f"B{n}", parameters=f"{CLEAR} mode={m}")
        for n, m in ((1, "subscribe"), (2, "poll"))
    ]
    codes = [about.code for about in abouts]
    found = [b for some in world.found for b in some]
    made = poller(abouts, found, timeout_s=0.5, lockstep=True)

    async def at(slot, flow=None):
        if flow is not None:
            for n, shown in enumerate(world.faces, 1):
                shown.values[f"HS000{n}.source_flow"] = flow
            await asyncio.sleep(0.7)
        sweep = await made.sweep(START + slot, START + slot)
        keys = {b.key for b in found if b.kind == "source_flow"}
        rows = zip(sweep.batch.keys, sweep.batch.values, strict=True)
        return sweep, [v for k, v in rows if k in keys]

    sweep, flows = await at(0)
    assert (sorted(sweep.answered), flows) == (codes, [6543.2, 6543.2])
    assert (await at(30, 1.5))[1] == [1.5, 1.5]
    for shown in world.faces:
        shown.silent = True
    sweep, flows = await at(60)
    assert (flows, sweep.missed) == ([], dict.fromkeys(codes, "device_unreachable"))
    for shown in world.faces:
        shown.silent = False
    assert (await at(90, 2.5))[1] == [2.5, 2.5]
    await server._server.bserver.stop()
    assert (await at(120))[1] == []
    await server._server.bserver.start()
    assert (await at(150, 3.5))[1] == [3.5, 3.5]
    assert (await at(180, 4.5))[1] == [4.5, 4.5]  # subscribed anew
    made.close()
    await asyncio.sleep(0.05)


async def test_devices_of_one_server_share_a_session_and_are_told_apart(bench, clear, clear_world):
    _, _, server = clear
    faces, found = clear_world.faces, clear_world.found
    faces[1].values["HS0002.source_flow"] = 2.0
    talk = [driver(bench, server.port, code=f"DV000{n}", address=f"B{n}") for n in (1, 2)]
    for n, flow in ((0, 6543.2), (1, 2.0)):
        values, cause, _ = await read(talk[n], found[n])
        assert (values["source_flow"], cause) == (flow, None)
    assert talk[0]._link is talk[1]._link
    faces[1].silent = True  # behind the server one device is dead
    got = await read_until(talk[1], found[1], lambda v, c, d: len(d) == len(ROWS))
    assert set(got[2].values()) == {Quality.BAD}
    assert (await read(talk[0], found[0]))[2] == {}


# -- certificates


async def test_with_certificates_values_are_subscribed_and_written(bench, secured):
    shown, found, server = secured
    talk = driver(bench, server.port, SECURE)
    assert await read(talk, found) == (VALUES, None, {})
    assert await talk.write(found[3], 95.4) == 95.4
    assert shown.values["HS0001.source_supply_temperature_setpoint"] == 95.4
    assert (await read(talk, found))[0]["source_supply_temperature_setpoint"] == 95.4
    note = bench.stats.report(float(START), final=True)["devices"]["DV0001"]
    assert (note["asked"], note["answered"]) == (2, 2)
    assert note["up"] > 1000


async def test_a_server_with_another_certificate_is_not_spoken_to(bench, secured, tmp_path):
    shown, found, server = secured
    other = await asyncio.to_thread(own_identity, tmp_path / "other")
    (bench.tools.secrets / "plant.der").write_bytes(other.certificate)
    assert await read(driver(bench, server.port, SECURE), found) == ({}, "device_unreachable", {})
    assert shown.told == []


async def test_wrong_password_missing_secret_and_untrusted_gateway_get_nothing(
    bench, secured, tmp_path
):
    shown, found, server = secured
    (bench.tools.secrets / "plant_password").write_text("wrong")
    assert (await read(driver(bench, server.port, SECURE), found))[1] == "device_unreachable"
    without = SECURE.replace("plant_password", "none_such")
    assert (await read(driver(bench, server.port, without), found))[1] == "device_error"
    stranger = Bench(secrets=tmp_path / "stranger", timeout_s=2.0)
    (tmp_path / "stranger").mkdir()
    (tmp_path / "stranger" / "plant_password").write_text("geheim")
    (tmp_path / "stranger" / "plant.der").write_bytes(server.certificate)
    assert (await read(driver(stranger, server.port, SECURE), found))[1] == "device_unreachable"
    await stranger.close()
    # A client in the clear finds no endpoint at all.
    assert (await read(driver(bench, server.port, CLEAR), found))[1] == "device_unreachable"
    assert shown.told == []


async def test_the_own_certificate_is_made_once_and_its_key_is_the_owners_alone(tmp_path):
    made = await asyncio.to_thread(own_identity, tmp_path)
    assert own_identity(tmp_path) == made
    found = x509.load_der_x509_certificate(made.certificate)
    assert found.public_key().key_size == 2048
    assert stat.S_IMODE((tmp_path / "opc_ua_own.pem").stat().st_mode) == 0o600
    assert made.uri.startswith("urn:heatloop:edge:")
    assert trusted_certificate(made.certificate, "x") == made.certificate
    assert len(fingerprint(made.certificate)) == 95
    (tmp_path / "opc_ua_own.der").write_bytes(b"no certificate")
    with pytest.raises(ConfigError, match="remove"):
        own_identity(tmp_path)
    with pytest.raises(InputError, match="no certificate"):
        trusted_certificate(b"\x30\x03abc", "plant.der")


async def test_the_certificate_a_server_shows_can_be_fetched_to_be_trusted(secured):
    _, _, server = secured
    url = f"opc.tcp://127.0.0.1:{server.port}/"
    assert await server_certificate(url, 1.0) == server.certificate
    with pytest.raises(LinkError):
        await server_certificate("opc.tcp://127.0.0.1:1/", 0.2)


# -- bad input


@pytest.mark.parametrize(
    "parameters",
    [
        "", "security=off", "server_cert=x policy=Basic256", "server_cert=x user=gateway",
        "security=none publish_ms=1", "security=none mode=push", "security=none port=1",
        "security=none publish_ms=nan",
    ],
)  # fmt: skip
async def test_wrong_parameters_name_device_and_fix(bench, parameters):
    with pytest.raises(ConfigError, match="DV0001") as caught:
        OpcUaDriver(device("opc_ua", 4840, parameters=parameters), bench.tools)
    assert caught.value.fix


@pytest.mark.parametrize(
    "noise", [b"HTTP/1.1 200 OK\r\n\r\n", b"ACKF\xff\xff\xff\xff" + bytes(100), bytes(5000)]
)
async def test_a_server_that_sends_noise_is_counted_and_left_alone(noise):
    bench = Bench(timeout_s=0.5)

    async def shout(reader, writer):
        await reader.read(10)
        writer.write(noise)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    talk = driver(bench, server.sockets[0].getsockname()[1])
    values, cause, _ = await read(talk, bindings(ROWS))
    assert values == {}
    failed = bench.failed()
    assert (cause, failed) in (
        ("frame_damaged", {"malformed": 1}),
        ("device_unreachable", {"timeout": 1}),
    )
    await bench.close()
    server.close()


async def test_a_server_that_never_ends_a_frame_does_not_fill_the_memory(bench, monkeypatch):
    monkeypatch.setattr("heatloop.edge.drivers.opc_ua_client._MOST_WAITING", 1 << 20)
    sent = 0

    async def pour(reader, writer):
        nonlocal sent
        writer.write(b"ACKF\xff\xff\xff\x7f")
        try:
            while not writer.is_closing():
                writer.write(bytes(65536))
                sent += 65536
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    server = await asyncio.start_server(pour, "127.0.0.1", 0)
    talk = driver(bench, server.sockets[0].getsockname()[1])
    assert (await read(talk, bindings(ROWS)))[1] == "frame_damaged"
    assert bench.failed() == {"length": 1}
    await asyncio.sleep(0.1)
    assert sent < 16 << 20
    server.close()


async def test_values_that_are_no_numbers_are_refused_each_by_itself(bench, clear):
    _, _, server = clear
    nodes = server._server.nodes.objects
    folder = await nodes.add_object(1, "Odd")
    for name, value in (("Text", "abc"), ("Array", [1.0, 2.0]), ("Time", ua.DateTime(2026, 1, 1))):
        await folder.add_variable(ua.NodeId.from_string(f"ns=2;s={name}"), f"2:{name}", value)
    odd = [("boiler_load", "ns=2;s=Text", "r"), ("source_return_pressure", "ns=2;s=Array", "r"),
           ("source_supply_pressure", "ns=2;s=Time", "r"), ("tank_level", "nsu=urn:no;s=x", "r"),
           ("tank_top_temperature", "Tank.T", "r")]  # fmt: skip
    values, cause, _ = await read(driver(bench, server.port), bindings([*ROWS, *odd]))
    assert (values, cause) == (VALUES, "device_error")


async def test_what_does_not_fit_the_type_of_a_node_is_never_sent(bench, clear):
    shown, found, server = clear
    talk = driver(bench, server.port)
    for binding, value in ((found[5], 70_000.0), (found[5], -1.0), (found[3], float("nan"))):
        with pytest.raises(InputError, match="fit"):
            await talk.write(binding, value)
    assert shown.values["HS0001.source_differential_pressure_setpoint"] == 250.0


async def test_a_session_whose_subscription_died_is_never_a_plant_at_rest(
    bench, clear, monkeypatch
):
    """The server answers but publishes nothing any more."""
    shown, found, server = clear
    talk = driver(bench, server.port)
    assert (await read(talk, found))[1] is None
    monkeypatch.setattr("heatloop.edge.drivers.opc_ua_link._KEEP_ALIVE_S", 0.05)
    object.__setattr__(talk._link._tools, "timeout_s", 0.2)
    service = server._server.iserver.subscription_service
    for subscription in list(service.subscriptions.values()):
        await subscription.stop()
    shown.values[FLOW] = 9.5
    await asyncio.sleep(0.6)
    values, cause, _ = await read(talk, found)
    assert (values, cause) == ({}, "device_unreachable")
    values, cause, _ = await read(talk, found, 1e9)
    assert (values["source_flow"], cause) == (9.5, None)
