"""The read-only OPC UA server against asyncua and node-opcua, and at the size of a city."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.ua.status_codes import StatusCodes

from heatloop.bridge.opc_ua_server_nodes import LazyNodes, Plant, unit_id
from heatloop.bridge.opc_ua_server_wire import Model
from heatloop.edge.drivers.opc_ua_trust import own_identity
from heatloop.kernel.series import Columns
from heatloop.security.access import Role
from tests.contract.control_field import Node
from tests.contract.node_peers import node_peers
from tests.contract.open_room import SLOT, until
from tests.unit.app_town import PASSWORD, town

FLOW = "SS0001.primary_flow"
SUPPLY = "UN0001.secondary_supply_temperature"


@pytest.fixture
async def room(tmp_path):
    async with town(tmp_path / "town", opc_ua={"enabled": True, "port": 0}) as here:
        gateways = [await here.enrol("GW0001"), await here.enrol("GW0002")]
        for gateway in gateways:
            await gateway.connect()
        here.add_user("reader", Role.INTEGRATOR)
        here.add_user("low", Role.INTEGRATOR, scope="CO01/BR01")
        here.add_user("security", Role.SECURITY_ADMIN)
        await until(lambda: here.platform.outside.opc_ua.port, 20)
        yield here, gateways


async def client(here, tmp_path, user="reader", password=PASSWORD):
    identity = await asyncio.to_thread(own_identity, tmp_path / "client")
    (tmp_path / "client").mkdir(exist_ok=True)
    made = Client(f"opc.tcp://127.0.0.1:{here.platform.outside.opc_ua.port}/")
    made.application_uri = identity.uri
    await made.set_security(
        SecurityPolicyBasic256Sha256,
        certificate=str(tmp_path / "client" / "opc_ua_own.der"),
        private_key=str(tmp_path / "client" / "opc_ua_own.pem"),
        server_certificate=str(here.platform.settings.keys / "opc_ua_server.der"),
    )
    made.set_user(user)
    made.set_password(password)
    return made


async def test_the_tree_values_units_and_quality_are_shown_and_writes_refused(room, tmp_path):
    here, (one, _) = room
    await one.samples((FLOW, SLOT, 12.5), (SUPPLY, SLOT, 500.0))
    async with await client(here, tmp_path) as peer:
        index = await peer.get_namespace_index("urn:heatloop:plant")
        path = ["heatloop", "HeatPath", "HS0001", "SS0001", "primary_flow"]
        node = await peer.nodes.objects.get_child([f"{index}:{name}" for name in path])
        assert node.nodeid == ua.NodeId(FLOW, index)
        await until_value(node, 12.5)
        data = await node.read_data_value(raise_on_bad_status=False)
        assert data.StatusCode.is_good()
        assert data.SourceTimestamp.isoformat()[:19] == "2027-01-15T08:00:00"
        unit = await (await node.get_child("0:EngineeringUnits")).read_value()
        assert (unit.DisplayName.Text, unit.UnitId) == ("m3/h", 5067080)
        span = await (await node.get_child("0:EURange")).read_value()
        assert (span.Low, span.High) == (0.0, _kind("primary_flow").high)
        assert (await node.read_display_name()).Text == _kind("primary_flow").zh
        assert (await node.read_data_type_as_variant_type()) == ua.VariantType.Double
        # A value that cannot be is bad or uncertain here too; one never heard of is waiting.
        odd = peer.get_node(ua.NodeId(SUPPLY, index))
        data = await odd.read_data_value(raise_on_bad_status=False)
        assert not data.StatusCode.is_good()
        silent = peer.get_node(ua.NodeId("SS0002.primary_flow", index))
        data = await silent.read_data_value(raise_on_bad_status=False)
        assert data.StatusCode.value == StatusCodes.BadWaitingForInitialData
        # Organisation tree: what a branch answers for.
        branch = await peer.nodes.objects.get_child(
            [f"{index}:{n}" for n in ("heatloop", "Organisation", "CO01", "BR02")]
        )
        names = [(await child.read_browse_name()).Name for child in await branch.get_children()]
        assert names == ["SS0002"]
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await node.write_value(1.0, ua.VariantType.Double)
        with pytest.raises(ua.UaError):
            await node.write_attribute(
                ua.AttributeIds.DisplayName, ua.DataValue(ua.LocalizedText("x"))
            )
        with pytest.raises(ua.UaError):
            await peer.nodes.objects.add_variable(index, "mine", 1.0)
        with pytest.raises(ua.UaError):
            await peer.delete_nodes([node])
        with pytest.raises(ua.UaError):
            await peer.get_node(ua.NodeId("SS9999.x", index)).read_value()
        assert "person" not in str(names)
        assert not await _there(peer, ua.NodeId("PE0001", index))
    assert here.platform.world.latest.value(here.key(FLOW)) == 12.5


async def _there(peer, node_id):
    try:
        await peer.get_node(node_id).read_browse_name()
    except ua.UaError:
        return False
    return True


def _kind(name):
    from heatloop.plant.kinds import point_kind

    return point_kind(name)


async def until_value(node, wanted):
    async with asyncio.timeout(5):
        while True:
            data = await node.read_data_value(raise_on_bad_status=False)
            if data.Value is not None and data.Value.Value == wanted:
                return
            await asyncio.sleep(0.02)


class Told:
    def __init__(self):
        self.got = []

    def datachange_notification(self, node, value, data):
        self.got.append((str(node.nodeid.Identifier), value))


async def test_who_subscribed_is_told_at_every_tick_and_ends_cleanly(room, tmp_path):
    here, (one, two) = room
    async with await client(here, tmp_path) as peer:
        index = await peer.get_namespace_index("urn:heatloop:plant")
        told = Told()
        subscription = await peer.create_subscription(50, told)
        nodes = [peer.get_node(ua.NodeId(c, index)) for c in (FLOW, "SS0002.primary_flow")]
        await subscription.subscribe_data_change(nodes)
        for n in range(5):
            await one.samples((FLOW, SLOT - 150 + 30 * n, float(n)))
            await two.samples(("SS0002.primary_flow", SLOT - 150 + 30 * n, 10.0 + n))
            await asyncio.sleep(0.15)
        await until(lambda: (FLOW, 4.0) in told.got and ("SS0002.primary_flow", 14.0) in told.got)
        flows = [value for code, value in told.got if code == FLOW and value is not None]
        assert flows == [0.0, 1.0, 2.0, 3.0, 4.0]
        await until(lambda: "2 subscribed" in here.platform.outside.opc_ua.state().detail)
        await subscription.delete()
    await until(lambda: "0 subscribed" in here.platform.outside.opc_ua.state().detail)
    await until(lambda: here.platform.outside.opc_ua.state().clients == 0)


async def test_only_encrypted_and_only_who_may_see_all_of_it(room, tmp_path):
    here, _ = room
    port = here.platform.outside.opc_ua.port
    endpoints = await Client(f"opc.tcp://127.0.0.1:{port}/").connect_and_get_server_endpoints()
    assert {e.SecurityMode for e in endpoints} == {ua.MessageSecurityMode.SignAndEncrypt}
    kinds = {token.TokenType for e in endpoints for token in e.UserIdentityTokens}
    assert kinds == {ua.UserTokenType.UserName}
    for user, password in (("reader", "Wrong-2026-x"), ("nobody", PASSWORD), ("low", PASSWORD),
                           ("security", PASSWORD), ("admin", "admin")):  # fmt: skip
        with pytest.raises(ua.UaError):
            async with await client(here, tmp_path, user, password):
                pass
    with pytest.raises((ua.UaError, OSError, TimeoutError)):
        async with Client(f"opc.tcp://127.0.0.1:{port}/", timeout=2):
            pass
    refused = [r for r in here.platform.records.audit.list(limit=100)[1]
               if r.action == "session.failed" and r.detail["address"] == "opc.ua"]  # fmt: skip
    assert len(refused) == 3  # two without the right had the right password
    async with await client(here, tmp_path):
        pass


async def test_a_server_that_is_killed_comes_back_and_follows_the_ledger(room):
    here, _ = room
    out = here.platform.outside.opc_ua
    pid = out.pid
    os.kill(pid, signal.SIGKILL)
    await until(lambda: out.pid not in (None, pid) and out.port, 20)
    assert out.state().last_error
    before = out.pid
    ledger = here.platform.world.ledger
    here.platform.world.install(type(ledger)(
        version=ledger.version + 1, assets=ledger.assets.values(), devices=ledger.devices.values(),
        gateways=ledger.gateways.values(), points=list(ledger.points.values())[:-1],
        bindings=ledger.bindings, keys=ledger.keys,
    ))  # fmt: skip
    await until(lambda: out.pid not in (None, before) and out.port, 20)
    await until(lambda: f"{len(ledger.points) - 1} points" in out.state().detail)


NODE = """
const o = require("node-opcua");
(async () => {
  const [port, folder, password] = process.argv.slice(-3);
  const manager = new o.OPCUACertificateManager({
    rootFolder: folder, automaticallyAcceptUnknownCertificate: true });
  await manager.initialize();
  const client = o.OPCUAClient.create({
    clientCertificateManager: manager, endpointMustExist: false,
    connectionStrategy: { maxRetry: 0 },
    securityMode: o.MessageSecurityMode.SignAndEncrypt,
    securityPolicy: o.SecurityPolicy.Aes128_Sha256_RsaOaep });
  await client.connect("opc.tcp://127.0.0.1:" + port);
  const session = await client.createSession(
    { type: o.UserTokenType.UserName, userName: "reader", password });
  const names = await session.readNamespaceArray();
  const ns = names.indexOf("urn:heatloop:plant");
  const id = "ns=" + ns + ";s=SS0001.primary_flow";
  const value = await session.read({ nodeId: id, attributeId: 13 });
  const found = await session.browse({ nodeId: "ns=" + ns + ";s=SS0001", resultMask: 63,
    referenceTypeId: "HasComponent", includeSubtypes: true, browseDirection: 0 });
  const unit = await session.read({ nodeId: id + "#EngineeringUnits", attributeId: 13 });
  const status = await session.write({ nodeId: id, attributeId: 13,
    value: { value: { dataType: o.DataType.Double, value: 1.0 } } });
  console.log(JSON.stringify({ value: value.value.value, good: value.statusCode.isGood(),
    source: value.sourceTimestamp, count: found.references.length,
    unit: unit.value.value.displayName.text, write: status.name }));
  const sub = o.ClientSubscription.create(session, {
    requestedPublishingInterval: 50, requestedMaxKeepAliveCount: 10,
    requestedLifetimeCount: 100, maxNotificationsPerPublish: 0, publishingEnabled: true });
  const item = o.ClientMonitoredItem.create(sub, { nodeId: id, attributeId: 13 },
    { samplingInterval: 0, queueSize: 10, discardOldest: true }, o.TimestampsToReturn.Both);
  item.on("changed", (v) => console.log(JSON.stringify({ changed: v.value.value })));
  setTimeout(() => {}, 20000);
})().catch((e) => { console.log(JSON.stringify({ error: e.message })); process.exit(0); });
"""


async def test_a_node_opcua_client_browses_reads_and_subscribes(room, tmp_path):
    here, (one, _) = room
    await one.acknowledged(await one.samples((FLOW, SLOT - 60, 12.5)))
    await asyncio.sleep(0.3)
    port = here.platform.outside.opc_ua.port
    peer = await Node.start(node_peers("node-opcua"), NODE, port, tmp_path / "pki", PASSWORD)
    try:
        said = await peer.line()
        count = len(here.platform.world.ledger.points_of("SS0001"))
        assert said == {
            "value": 12.5, "good": True, "source": "2027-01-15T07:59:00.000Z", "count": count,
            "unit": "m3/h", "write": "BadUserAccessDenied",
        }  # fmt: skip
        assert await peer.line() == {"changed": 12.5}
        await one.samples((FLOW, SLOT - 30, 13.5))
        assert await peer.line() == {"changed": 13.5}
    finally:
        await peer.stop()


def test_a_city_of_240_000_points_costs_what_is_looked_at(monkeypatch):
    import time
    import tracemalloc

    import numpy as np

    monkeypatch.setattr("heatloop.bridge.opc_ua_server_nodes.MOST_KEPT", 2_000)
    assets = [["HS0001", "源", "source", "heat_source", "", ""]]
    points = []
    for n in range(4_000):
        code = f"SS{n:04d}"
        assets.append([code, "站", "station", "substation", "HS0001", ""])
        points += [[60 * n + k + 1, f"{code}.kind.{k}", code, "kind", k] for k in range(60)]
    model = Model(
        host="", port=0, certificate="", key="", uri="", trusted="", max_sessions=1, auth_fd=0,
        assets=assets, points=points, kinds={"kind": ["类", "kind", "kW", 0.0, 10.0]},
    )  # fmt: skip
    began = time.perf_counter()
    plant = Plant(model, 2)
    nodes = LazyNodes({}, plant, 2)
    built_s = time.perf_counter() - began
    tick = Columns(
        np.arange(1, 240_001, dtype="u4"), np.full(240_000, 30, "u4"), np.ones(240_000),
        np.zeros(240_000, "u1"),
    )  # fmt: skip
    began = time.perf_counter()
    changed = plant.values.take(tick)
    tick_s = time.perf_counter() - began
    tracemalloc.start()
    began = time.perf_counter()
    for row in points[:3_000]:
        assert nodes[plant.id(row[1])].attributes
    made_s = time.perf_counter() - began
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert nodes.made == 2_000
    for row in points[:5]:  # watched nodes stay, however many others are looked at
        nodes[plant.id(row[1])].attributes[ua.AttributeIds.Value].datachange_callbacks[1] = print
    assert nodes.watched == {row[1] for row in points[:5]}
    for row in points[3_000:6_000]:
        assert plant.id(row[1]) in nodes
    assert {node.nodeid.Identifier for node, _ in nodes.watched_at(changed)} == nodes.watched
    print(f"built {built_s:.2f} s, tick {tick_s * 1000:.0f} ms, node {made_s / 3_000 * 1e6:.0f} us"
          f", {used / 2_000 / 1024:.1f} KiB a node")  # fmt: skip
    assert built_s + tick_s < 30  # a second by itself; nodes of the library take minutes
    assert nodes.get(ua.NodeId("SS0001.none", 2)) is None
    with pytest.raises(KeyError):
        nodes[ua.NodeId("SS0001.none", 2)]


def test_ids_of_units_are_those_of_un_ece():
    assert {u: unit_id(u) for u in ("degC", "kPa", "kWh", "m3/h", "%", "x")} == {
        "degC": 4408652, "kPa": 4935745, "kWh": 4937544, "m3/h": 5067080, "%": 20529, "x": -1,
    }  # fmt: skip
