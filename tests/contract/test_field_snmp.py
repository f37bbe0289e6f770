"""SNMP and ping in the field: net-snmp as agent and as manager, our agent, what must be refused."""

import asyncio
import os
import shutil
import socket
import struct
import subprocess

import pytest

from heatloop.demo.devices.snmp import serve
from heatloop.edge.drivers.ping import IcmpSocket, PingDriver, checksum
from heatloop.edge.drivers.snmp import SnmpDriver
from heatloop.edge.drivers.snmp_sources import Counter, combine, parse_source
from heatloop.kernel.errors import ConfigError, InputError, LinkError
from heatloop.kernel.quality import Quality
from heatloop.plant.profiles import profile
from tests.contract.control_field import (
    START,
    Bench,
    bindings,
    device,
    face,
    free_port,
    poller,
    read,
    swept,
)

CLEAR = "version=2c community=watch"
VALUES = {
    "it_asset_cpu_load": 37.0,
    "it_asset_memory_used": 61.3,
    "it_asset_throughput_in": 48_213.0,
    "it_asset_throughput_out": 7.0,
}
TOTAL, AVAILABLE = "1.3.6.1.4.1.2021.4.5.0", "1.3.6.1.4.1.2021.4.6.0"
CPU = "HS0001.it_asset_cpu_load"


def rows_of(name):
    return [(r.kind, r.source, r.access, r.dtype, r.factor) for r in profile(name)]


@pytest.fixture
async def bench(tmp_path):
    for name, text in (("watch", "geheim7"), ("a", "authphrase"), ("p", "privphrase")):
        (tmp_path / name).write_text(text + "\n")
    made = Bench(secrets=tmp_path, timeout_s=2.0)
    yield made
    await made.close()


@pytest.fixture
async def agent():
    """Return a face, its bindings and our running agent."""
    found = bindings(rows_of("it_asset_snmp"))
    shown = face(device("snmp", 0), found, VALUES)
    server = await serve([shown], "127.0.0.1", 0, community="geheim7")
    yield shown, found, server
    await server.close()


def needed(name, package):
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"lacks {name}: apt-get install {package}")
    return path


# -- our driver against an independent agent


@pytest.fixture
async def snmpd(tmp_path):
    """Return the port of a net-snmp agent of this machine."""
    program, port = needed("snmpd", "snmpd"), free_port()
    folder = tmp_path / "snmpd"
    folder.mkdir()
    (folder / "snmpd.conf").write_text(
        f"agentaddress udp:127.0.0.1:{port}\nrocommunity geheim7 127.0.0.1\n"
        "createUser watcher SHA-256 authphrase AES privphrase\nrouser watcher priv\n"
        "createUser signer SHA authphrase\nrouser signer auth\n"
        "sysName test-agent\n"
    )
    process = await asyncio.create_subprocess_exec(
        program, "-f", "-C", "-c", folder / "snmpd.conf", "-Lf", folder / "log", "-I",
         "-smux,mteTrigger,mteTriggerConf",
        env={**os.environ, "SNMP_PERSISTENT_DIR": str(folder / "state")},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield port
    finally:
        process.kill()
        await process.wait()


async def found_by(driver, found):
    async with asyncio.timeout(10.0):
        while True:
            got = await read(driver, found, asyncio.get_running_loop().time() + 1e6)
            if got[1] != "device_unreachable":
                return got


def meminfo(name):
    with open("/proc/meminfo") as lines:
        return next(float(line.split()[1]) for line in lines if line.startswith(name))


@pytest.mark.parametrize(
    "parameters",
    [
        CLEAR,
        "version=3 user=watcher auth=sha256 auth_key=a priv=aes128 priv_key=p",
        "version=3 user=signer auth=sha auth_key=a priv=none",
    ],
)
async def test_a_net_snmp_agent_is_read(bench, snmpd, parameters):
    rows = [
        rows_of("it_asset_snmp")[1], ("tank_level", TOTAL, "r"),
        ("it_asset_throughput_in", "rate:1.3.6.1.2.1.1.3.0", "r"),
        ("tank_top_temperature", "1.3.6.1.2.1.1.5.0", "r"),  # a name is no number
        ("tank_bottom_temperature", "1.3.6.1.4.1.99999.1.0", "r"),  # nobody has it
        ("source_flow", "1.3.6.1.4.1.2021.10.1.6.1", "r"),  # an opaque float: the load
        ("source_heat_power", "1.3.6.1.4.1.2021.10.1.3.1", "r"),  # the same as text
    ]  # fmt: skip
    found = bindings(rows)
    talk = bench.driver(device("snmp", snmpd, parameters=parameters))
    await found_by(talk, found)
    await asyncio.sleep(0.1)
    values, cause, _ = await found_by(talk, found)
    assert cause == "device_error"
    assert values["tank_level"] == pytest.approx(meminfo("MemTotal"), rel=0.01)
    assert 0.0 < values["it_asset_memory_used"] < 100.0
    assert values["it_asset_throughput_in"] == 100.0  # its clock counts a hundred a second
    assert values["source_flow"] == pytest.approx(values["source_heat_power"], abs=0.01)
    assert not values.keys() & {"tank_top_temperature", "tank_bottom_temperature"}


@pytest.mark.parametrize(
    ("parameters", "cause"),
    [
        ("version=2c community=a", "device_unreachable"),  # a wrong one is not answered
        ("version=3 user=watcher auth=sha256 auth_key=p priv=aes128 priv_key=p", "device_error"),
        ("version=3 user=nobody auth=sha256 auth_key=a priv=aes128 priv_key=p", "device_error"),
        ("version=3 user=watcher auth=none priv=none", "device_error"),
        ("version=2c community=none_such", "device_error"),
    ],
)
async def test_whoever_is_not_let_in_stores_nothing(bench, snmpd, parameters, cause):
    found = bindings([("tank_level", TOTAL, "r")])
    good = bench.driver(device("snmp", snmpd, "DV0002", parameters=CLEAR))
    await found_by(good, found)  # the agent is there
    talk = bench.driver(device("snmp", snmpd, parameters=parameters))
    values, why, _ = await read(talk, found)
    assert (values, why) == ({}, cause)
    assert sum(bench.failed().values()) == 1


# -- our agent against an independent manager


async def manager(program, *arguments):
    path = needed(program, "snmp")
    done = await asyncio.to_thread(
        subprocess.run, [path, "-v2c", "-On", "-Oq", "-t1", "-r0", *arguments],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    # The very first call on a machine also tells of a folder it made.
    lines = (done.stdout + done.stderr).splitlines(keepends=True)
    return done.returncode, "".join(x for x in lines if not x.startswith("Created directory:"))


async def test_net_snmp_reads_and_walks_our_agent(agent):
    shown, _, server = agent
    where = ("-c", "geheim7", f"127.0.0.1:{server.port}")
    code, text = await manager("snmpget", *where, AVAILABLE, TOTAL, "1.3.6.1.2.1.31.1.1.1.6.9")
    assert code == 0
    assert text.splitlines() == [
        f".{AVAILABLE} 38700", f".{TOTAL} 100000",
        ".1.3.6.1.2.1.31.1.1.1.6.9 No Such Object available on this agent at this OID",
    ]  # fmt: skip
    assert {p for p, _ in shown.told} == {"HS0001.it_asset_memory_used"}
    for program in ("snmpwalk", "snmpbulkwalk"):
        _, text = await manager(program, *where, "1.3.6.1.4.1.2021")
        assert [line.split()[1] for line in text.splitlines()][:3] == ["100000", "38700", "63"]
        assert "No more variables" in text
    code, text = await manager("snmpset", *where, TOTAL, "u", "5")
    assert "notWritable" in text
    assert shown.values["HS0001.it_asset_memory_used"] == 61.3
    code, text = await manager("snmpget", "-c", "wrong", f"127.0.0.1:{server.port}", TOTAL)
    assert "Timeout" in text


# -- our driver against our agent, through the poller


async def test_through_the_poller_a_killed_agent_is_found_again(agent, bench):
    shown, found, server = agent
    about = device("snmp", server.port, parameters=CLEAR)
    made = poller([about], found, timeout_s=0.3, lockstep=True, secrets=bench.tools.secrets)
    sweep = await made.sweep(START, START)
    rates = {"it_asset_throughput_in", "it_asset_throughput_out"}
    assert swept(sweep, found) == {k: v for k, v in VALUES.items() if k not in rates}
    assert sweep.answered == ["DV0001"]  # a rate has no value before the second reading
    sweep = await made.sweep(START + 60, START + 60)
    assert swept(sweep, found) == VALUES
    assert {p.partition(".")[2] for p, _ in shown.told} == set(VALUES)
    shown.silent = True
    sweep = await made.sweep(START + 120, START + 120)
    assert sweep.missed == {"DV0001": "device_unreachable"}
    shown.silent, shown.values[CPU] = False, 55.0
    sweep = await made.sweep(START + 180, START + 180)
    assert swept(sweep, found) == VALUES | {"it_asset_cpu_load": 55.0}
    await server.close()
    assert (await made.sweep(START + 240, START + 240)).missed
    again = await serve([shown], "127.0.0.1", server.port, community="geheim7")
    sweep = await made.sweep(START + 300, START + 300)
    assert swept(sweep, found).keys() == VALUES.keys() - rates  # started anew: no rate yet
    made.close()
    await again.close()


async def test_an_agent_speaks_for_one_device(agent):
    shown, _, _ = agent
    with pytest.raises(InputError, match="one device"):
        await serve([shown, shown], "127.0.0.1", 0)


# -- bad input


@pytest.mark.parametrize(
    "noise", [b"", b"\x30\x84\xff\xff\xff\xff", bytes(1400), b"\x30\x03\x02\x01\x01"]
)
async def test_an_agent_that_answers_noise_is_counted_and_stores_nothing(bench, noise):
    class Shout(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, addr):
            for _ in range(20):
                self.transport.sendto(noise, addr)

    loop = asyncio.get_running_loop()
    made, _ = await loop.create_datagram_endpoint(Shout, local_addr=("127.0.0.1", 0))
    port = made.get_extra_info("sockname")[1]
    talk = bench.driver(device("snmp", port, parameters=CLEAR))
    assert await read(talk, bindings([("tank_level", TOTAL, "r")])) == (
        {},
        "device_unreachable",
        {},
    )
    assert bench.failed() == {"timeout": 1}
    made.close()


async def test_noise_does_not_stop_our_agent(agent, bench):
    _, found, server = agent
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        for size in range(100):
            noise = os.urandom(size)
            for data in (noise, b"\x30" + bytes((size,)) + noise):
                made.sendto(data, ("127.0.0.1", server.port))
            await asyncio.sleep(0)
    talk = bench.driver(device("snmp", server.port, parameters=CLEAR))
    assert (await read(talk, found))[1] is None


@pytest.mark.parametrize(
    "parameters",
    [
        "", "version=1 community=x", "version=2c", "version=2c community=x user=y",
        "version=3 user=x", "version=3 user=x auth=sha256 auth_key=a priv=rot13 priv_key=p",
        "version=3 user=x auth=none priv=aes128 priv_key=p", "version=3 auth=none priv=none",
        "version=3 user=x auth=none auth_key=a priv=none",
    ],
)  # fmt: skip
async def test_wrong_parameters_name_device_and_fix(bench, parameters):
    with pytest.raises(ConfigError, match="DV0001") as caught:
        SnmpDriver(device("snmp", 161, parameters=parameters), bench.tools)
    assert caught.value.fix


@pytest.mark.parametrize(
    "text", ["", "1.3", "rate:", "pct:1.3.6.1", "pct:5/6", "3.1.1.1", "sum:1.3.6", "a.b"]
)
def test_sources_that_mean_nothing_are_refused(text):
    with pytest.raises(InputError):
        parse_source(text)


def test_counters_run_over_restart_and_are_not_asked_twice_in_an_instant():
    counter = Counter()
    assert counter.rate(2**32 - 50, 1000.0, 32) is None
    assert counter.rate(2**32 - 10, 1000.0, 32) is None  # the same hundredth
    assert counter.rate(50, 1100.0, 32) == 100.0
    assert counter.rate(10, 20.0, 32) is None  # the agent was started anew
    assert counter.rate(110, 120.0, 32) == 100.0
    assert counter.rate(210, 220.0, 64) is None  # another counter altogether


def test_a_share_of_nothing_is_no_number():
    source = parse_source("pct:1.3.6.1.1/1.3.6.1.2")
    assert combine(source, {"1.3.6.1.1": 1.0, "1.3.6.1.2": 4.0}) == 25.0
    empty = combine(source, {"1.3.6.1.1": 1.0, "1.3.6.1.2": 0.0})
    assert empty != empty


# -- ping

PING = [(r.kind, r.source, "r") for r in profile("it_asset_ping")]


def icmp_allowed():
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
    except OSError:
        return os.geteuid() == 0
    return True


@pytest.mark.skipif(not icmp_allowed(), reason="this machine lets nobody ping")
async def test_a_host_that_answers_is_up_and_one_that_does_not_is_down(bench):
    found = bindings(PING)
    near = bench.driver(device("ping", 7, parameters="count=5"))
    values, cause, doubtful = await read(near, found)
    assert (values["it_asset_up"], values["it_asset_loss"], cause, doubtful) == (1.0, 0.0, None, {})
    assert 0.0 < values["it_asset_rtt_ms"] < 200.0
    # No such network: nobody is there.
    far = bench.driver(device("ping", 7, "DV0002", host="240.0.0.1"))
    values, cause, doubtful = await read(far, bindings(PING, "DV0002"))
    assert values["it_asset_rtt_ms"] != values["it_asset_rtt_ms"]
    assert (values["it_asset_up"], values["it_asset_loss"], cause) == (0.0, 100.0, None)
    assert doubtful == {"it_asset_rtt_ms": Quality.BAD}
    assert bench.failed("DV0002") == {"timeout": 1}


@pytest.mark.skipif(not icmp_allowed(), reason="this machine lets nobody ping")
async def test_foreign_late_and_damaged_echoes_are_nobodys():
    icmp = IcmpSocket()
    waiting = asyncio.create_task(icmp.echo("192.0.2.7", 0.3))
    await asyncio.sleep(0)
    ((number, (token, _, done)),) = icmp._waiting.items()
    raw = b"\x45" + bytes(19) if icmp._raw else b""

    def packet(kind=0, of=number, text=token):
        body = struct.pack(">BBHHH", kind, 0, 0, 7, of) + text
        return raw + struct.pack(">BBHHH", kind, 0, checksum(body), 7, of) + text

    damaged = bytearray(packet())
    damaged[-1] ^= 1
    for data, host in (
        (packet(kind=8), "192.0.2.7"), (packet(of=number + 1), "192.0.2.7"),
        (packet(text=bytes(16)), "192.0.2.7"), (packet(), "192.0.2.8"),
        (bytes(damaged), "192.0.2.7"), (b"", "192.0.2.7"), (raw + b"\x00", "192.0.2.7"),
    ):  # fmt: skip
        icmp._take(data, host)
    assert not done.done()
    icmp._take(packet(), "192.0.2.7")
    assert await waiting is not None
    assert await icmp.echo("192.0.2.7", 0.05) is None
    assert icmp._waiting == {}
    icmp.close()


async def test_where_icmp_is_blocked_a_port_tells(bench, monkeypatch):
    found = bindings(PING)
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    talk = bench.driver(device("ping", port, parameters="method=tcp"))
    values, cause, _ = await read(talk, found)
    assert (values["it_asset_up"], values["it_asset_loss"], cause) == (1.0, 0.0, None)
    server.close()
    await server.wait_closed()
    values, _, _ = await read(talk, found)
    assert values["it_asset_up"] == 1.0  # refused: the host is there

    async def nobody(*_):
        await asyncio.sleep(60.0)

    monkeypatch.setattr("heatloop.edge.drivers.ping.asyncio.open_connection", nobody)
    values, cause, _ = await read(talk, found)
    assert (values["it_asset_up"], values["it_asset_loss"], cause) == (0.0, 100.0, None)


async def test_hosts_without_address_and_wrong_parameters_are_refused(bench, monkeypatch):
    found = bindings([*PING, ("tank_level", "jitter", "r")])
    lost = bench.driver(device("ping", 7, host="no-such-host.invalid"))
    assert (await read(lost, found))[1] == "device_error"
    near = bench.driver(device("ping", 7, "DV0002", parameters="method=tcp count=1"))
    values, cause, _ = await read(near, found)
    assert (len(values), cause) == (3, "device_error")
    for wrong in ("method=udp", "count=0", "count=21", "count=x", "port=3"):
        with pytest.raises(ConfigError, match="DV0001"):
            PingDriver(device("ping", 7, parameters=wrong), bench.tools)

    def forbidden(*_):
        raise PermissionError("no")

    monkeypatch.setattr("heatloop.edge.drivers.ping.socket.socket", forbidden)
    with pytest.raises(LinkError, match="ping_group_range"):
        IcmpSocket()
