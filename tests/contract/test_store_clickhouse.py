"""The historian over ClickHouse's HTTP interface: wire, errors, two writers, the endpoint."""

import base64
import datetime as dt
import ipaddress
import itertools
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pyarrow as pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import ConfigError, HeatloopError, InputError, LinkError
from heatloop.kernel.series import Columns
from heatloop.store.historian.chdb_folder import ChdbFolder
from heatloop.store.historian.chdb_migrations import migrations
from heatloop.store.historian.clickhouse_endpoint import load_users, main
from heatloop.store.historian.clickhouse_hints import Hints
from heatloop.store.historian.clickhouse_historian import (
    MASK,
    ClickHouseHistorian,
    Counters,
    counter_of,
)
from heatloop.store.historian.clickhouse_http import HttpLink, Login, refusal
from heatloop.store.historian.clickhouse_node import apply
from heatloop.store.historian.clickhouse_server import ClickHouseServer, server_variant
from heatloop.store.historian.clickhouse_url import parse
from heatloop.store.historian.clickhouse_variants import Cluster, reworded
from heatloop.store.historian.engine_choice import check_url, open_historian
from heatloop.store.historian.sync_client import connect_sync
from tests.contract.clickhouse_peers import LOGIN, READER, Endpoint

ZONE = ZoneInfo("Asia/Shanghai")
T0 = 1704038400
KEYS = np.arange(1, 401, dtype="u4")
_turn = itertools.count(1)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    made = Endpoint(tmp_path_factory.mktemp("endpoint")).start()
    yield made
    made.stop()


@pytest.fixture
def database() -> str:
    return f"test_{next(_turn)}"


@pytest.fixture
def link(endpoint: Endpoint) -> Iterator[HttpLink]:
    made = HttpLink(endpoint.base, LOGIN)
    yield made
    made.close()


def tick(slot: int, add: float = 0.0) -> Columns:
    n = len(KEYS)
    return Columns(KEYS, np.full(n, slot, "u4"), KEYS * 0.5 + add, np.zeros(n, "u1"))


def opened(base: str, database: str) -> ClickHouseHistorian:
    server = ClickHouseServer([base], LOGIN)
    return ClickHouseHistorian(server, zone=ZONE, database=database, owner=True)


# Two platforms on one server.


def test_two_writers_give_out_no_counter_twice() -> None:
    one, other = Counters(), Counters()
    assert one.writer != other.writer
    given = [next(c for c in (one, other)[n % 2 :][:1]).next() for n in range(2000)]
    assert len(set(given)) == 2000
    # What is later has the greater counter, whichever writer gave it out.
    assert one.next() >> 16 <= int(machine_s() * 1000) + 2000
    late = one.next(above=other.next() + (5000 << 16))
    assert late > other.next()
    assert late & MASK == one.writer


def test_a_clock_set_back_does_not_count_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    counters = Counters()
    before = counters.next()
    monkeypatch.setattr(
        "heatloop.store.historian.clickhouse_historian.machine_s", lambda: 1_000_000.0
    )
    assert counters.next() > before


def test_6_3_e_3_two_platforms_on_one_server_see_and_roll_up_each_others_rows(
    endpoint: Endpoint, database: str
) -> None:
    one, other = opened(endpoint.base, database), opened(endpoint.base, database)
    try:
        one.append(tick(T0))
        other.append(tick(T0 + 30))
        one.append(tick(T0 + 60))
        # The same row from both: what was sent last counts.
        one.append(tick(T0 + 90))
        other.append(tick(T0 + 90, add=1.0))
        for store in (one, other):
            store.follow()
            assert store.count(T0, T0 + 600) == 4 * len(KEYS)
            assert store.duplicates(T0, T0 + 600) == 0
            found = store.raw([1], T0, T0 + 600)
            assert found.values.tolist() == [0.5, 0.5, 0.5, 1.5]
            assert set(store.latest().slots.tolist()) == {T0 + 90}
            assert store.latest([1]).values.tolist() == [1.5]
        # Each knows half of the rows from its own memory; the windows hold all of them.
        one.refresh_rollups()
        other.append(tick(T0 + 120))
        other.refresh_rollups()
        one.refresh_rollups()
        for store in (one, other):
            window = store.rollup(KEYS, T0, T0 + 600, 600)
            assert set(window.count.tolist()) == {5}
            assert window.mean[0] == pytest.approx((0.5 * 4 + 1.5) / 5)
        other.revise(tick(T0, add=9.0), method="degree days", who="wang")
        one.refresh_rollups()
        assert one.raw([1], T0, T0 + 1).values.tolist() == [9.5]
        assert one.rollup([1], T0, T0 + 600, 600).high.tolist() == [9.5]
    finally:
        one.close()
        other.close()


def test_the_one_that_takes_over_knows_what_the_other_never_wrote_down(
    endpoint: Endpoint, database: str
) -> None:
    one, other = opened(endpoint.base, database), opened(endpoint.base, database)
    with one.at(counter_of(machine_s() - 3600)):
        one.append(tick(T0))
    other.append(tick(T0 - 60))
    # `other` notes its newest values after rows of `one` that are in no such note; `one` is killed.
    other._newest.publish(tick(T0 - 60))
    other._save_newest()
    other._server.close()
    one._server.close()
    third = opened(endpoint.base, database)
    try:
        assert set(third.latest().slots.tolist()) == {T0}
        assert third.refresh_rollups() == 2
        assert third.rollup([1], T0 - 600, T0 + 600, 600).count.tolist() == [1, 1]
    finally:
        third.close()


def test_a_write_that_is_told_late_does_not_outrank_a_later_one(
    endpoint: Endpoint, database: str
) -> None:
    store = opened(endpoint.base, database)
    try:
        early, later = Counters().next(), Counters().next(counter_of(machine_s() + 1))
        apply(store, {"op": "append", "version": later}, tick(T0, add=2.0))
        apply(store, {"op": "append", "version": early}, tick(T0, add=1.0))
        assert store.raw([1], T0, T0 + 1).values.tolist() == [2.5]
        # Its own writes go on from the greatest.
        store.append(tick(T0, add=3.0))
        assert store.raw([1], T0, T0 + 1).values.tolist() == [3.5]
    finally:
        store.close()


# Broken links.


class Cut:
    """A proxy that passes requests on and loses the answer of some."""

    def __init__(self, port: int) -> None:
        self.to, self.lose = port, 0
        self.lost = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.to))
            threading.Thread(target=self._pass, args=(near, far), daemon=True).start()
            threading.Thread(target=self._back, args=(far, near), daemon=True).start()

    def _pass(self, near: socket.socket, far: socket.socket) -> None:
        try:
            while data := near.recv(65536):
                far.sendall(data)
        except OSError:
            pass
        self._shut(near, far)

    def _back(self, far: socket.socket, near: socket.socket) -> None:
        try:
            while data := far.recv(65536):
                if self.lose:
                    # The server has done it; nobody is told.
                    self.lose -= 1
                    self.lost += 1
                    break
                near.sendall(data)
        except OSError:
            pass
        self._shut(near, far)

    @staticmethod
    def _shut(*ends: socket.socket) -> None:
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


def test_a_write_whose_answer_was_lost_is_sent_again_and_stored_once(
    endpoint: Endpoint, database: str
) -> None:
    cut = Cut(endpoint.port)
    store = opened(f"http://127.0.0.1:{cut.port}", database)
    try:
        store.append(tick(T0))
        cut.lose = 1
        store.append(tick(T0 + 30))
        assert cut.lost == 1
        assert store.count(T0, T0 + 600) == 2 * len(KEYS)
        cut.lose = 9
        with pytest.raises(LinkError):
            store.append(tick(T0 + 60))
        cut.lose = 0
        store.append(tick(T0 + 60))
        assert store.count(T0, T0 + 600) == 3 * len(KEYS)
        assert store.duplicates(T0, T0 + 600) == 0
        store.refresh_rollups()
        assert set(store.rollup(KEYS, T0, T0 + 600, 600).count.tolist()) == {3}
    finally:
        store.close()
        cut.listener.close()


def test_a_lost_server_is_told_once_and_its_return_once(tmp_path: Path, database: str) -> None:
    away = Endpoint(tmp_path).start()
    store = opened(away.base, database)
    with capture_logs() as logs:
        store.append(tick(T0))
        away.kill()
        for _ in range(3):
            with pytest.raises(LinkError, match="not reachable"):
                store.raw([1], T0, T0 + 60)
        away.start()
        store.append(tick(T0 + 30))
        assert store.count(T0, T0 + 60) == 2 * len(KEYS)
    told = [entry["event"] for entry in logs]
    assert told.count("historian server lost") == 1
    assert told.count("historian server is back") == 1
    store.close()
    away.stop()


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (243, "Cannot reserve 5.53 MiB, not enough space. (NOT_ENOUGH_SPACE)", LinkError),
        (242, "Table is in readonly mode (TABLE_IS_READ_ONLY)", LinkError),
        (0, "std::exception: No space left on device", LinkError),
        (999, "Session expired (KEEPER_EXCEPTION)", LinkError),
        (241, "Memory limit exceeded", InputError),
        (516, "Authentication failed", ConfigError),
        (62, "Syntax error", HeatloopError),
    ],
)
def test_an_error_of_the_engine_says_what_to_do(
    code: int, text: str, kind: type[HeatloopError]
) -> None:
    assert type(refusal(code, text, "SELECT 1", "http://db1:8123")) is kind


def test_a_wrong_password_is_an_error_of_the_configuration(endpoint: Endpoint) -> None:
    link = HttpLink(endpoint.base, Login(user="heat", password="guess"))
    with pytest.raises(ConfigError, match="does not let this user in"):
        link.ask("SELECT 1")
    link.close()


# The variant for clusters with Keeper, which cannot be run here.

CITY = Cluster(name="city", layout=((0, 2), (1_800_000_000, 3)))


def test_a_cluster_gets_replicated_tables_with_every_setting_and_one_name_over_them() -> None:
    plain = {
        found[1]: one
        for one in server_variant("heat")
        if (found := re.match(r"CREATE TABLE IF NOT EXISTS heat\.(\w+)", one))
    }
    spread = server_variant("heat", CITY)
    assert len(plain) >= 11
    for name, one in plain.items():
        local = next(s for s in spread if s.startswith(f"CREATE TABLE IF NOT EXISTS heat.{name}_l"))
        assert local.count("CODEC(") == one.count("CODEC(")
        for setting in ("fsync_after_insert = 1", "fsync_part_directory = 1"):
            assert setting in local
        for clause in ("ORDER BY", "PARTITION BY", "SETTINGS"):
            told = [re.search(rf"{clause} .*", text) for text in (one, local)]
            assert (told[0] and told[0][0]) == (told[1] and told[1][0])
        engine = re.search(r"ENGINE = (\w+)(?:\((\w+)\))?", one)
        assert engine is not None
        path = f"('/clickhouse/tables/{{shard}}/heat/{name}', '{{replica}}'"
        assert f"ENGINE = Replicated{engine[1]}{path}" in local
        assert engine[2] is None or f"{path}, {engine[2]})" in local
        assert sum(f" TABLE heat.{name} ON CLUSTER city AS heat.{name}_local" in s for s in spread)
    by_slot = "multiIf(ts < toDateTime(1800000000, 'UTC'), point % 2, point % 3)"
    assert any(f"'raw_local', {by_slot})" in one for one in spread)
    assert any("'latest_local', point % 2)" in one for one in spread)
    assert any("'rolled_local', 0)" in one for one in spread)
    assert spread[0] == "CREATE DATABASE IF NOT EXISTS heat ON CLUSTER city ENGINE = Atomic"


def test_every_statement_for_a_cluster_is_one_the_engine_can_read(tmp_path: Path) -> None:
    ways_back = [
        part.strip()
        for _, _, text in migrations(down=True)
        for part in text.replace("{db}", "heat").split(";")
        if part.strip()
    ]
    kept = "ALTER TABLE heat.raw DELETE IN PARTITION ID '1' WHERE point NOT IN (SELECT 1)"
    sizes = "SELECT table FROM system.parts WHERE active AND database = 'heat' GROUP BY table"
    others = ["OPTIMIZE TABLE heat.raw PARTITION ID '202601' FINAL", kept, sizes, *ways_back]
    folder = ChdbFolder(tmp_path)
    try:
        for statement in server_variant("heat", CITY) + [reworded(s, CITY) for s in others]:
            assert folder.long_read(f"EXPLAIN AST {statement}").num_rows, statement
    finally:
        folder.close()
    for statement in others:
        assert "city" in reworded(statement, CITY)


# Addresses.


def test_an_address_names_hosts_shards_and_days() -> None:
    one = parse("clickhouse+https://heat@db1,db2:9000;[::1]/city?shards=1,2@2027-01-15&ca=/a.pem")
    assert one.shards == (("https://db1:8443", "https://db2:9000"), ("https://[::1]:8443",))
    assert one.layout == ((None, 1), (dt.date(2027, 1, 15), 2))
    assert (one.user, one.database, one.ca_file, one.alone) == ("heat", "city", "/a.pem", False)
    assert parse("clickhouse://heat@localhost/city").alone
    keeper = parse("clickhouse+https://heat@db1,db2/city?cluster=north&shards=4")
    assert (keeper.cluster, keeper.layout, keeper.alone) == ("north", ((None, 4),), True)


@pytest.mark.parametrize(
    "url",
    [
        "clickhouse://heat@db1/city",  # plain, to another machine
        "clickhouse://heat:secret@localhost/city",
        "clickhouse://localhost/city",
        "clickhouse://heat@localhost/",
        "clickhouse://heat@localhost/city?nosuch=1",
        "clickhouse://heat@localhost,localhost/city",
        "clickhouse://heat@localhost/city?cluster=north",  # how many shards?
        "clickhouse://heat@localhost/city?shards=2",
        "clickhouse://heat@localhost:1;localhost:2/city?shards=2,1@2027-01-15,2@2026-01-01",
        "clickhouse://heat@localhost:99999/city",
        "mysql://heat@localhost/city",
    ],
)
def test_a_wrong_address_is_refused_without_telling_a_password(url: str) -> None:
    with pytest.raises(ConfigError) as told:
        check_url(url)
    assert "secret" not in str(told.value)


# What a replica missed.


def test_a_torn_note_of_what_was_missed_keeps_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "one.missed"
    hints = Hints(path)
    for n in range(3):
        hints.add({"op": "append", "version": n}, tick(T0 + n), (T0, T0 + 3))
    hints.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    again = Hints(path)
    assert [head["version"] for _, head, _ in again.read()] == [0, 1]
    again.add({"op": "append", "version": 9}, tick(T0), (T0, T0 + 1))
    found = list(again.read())
    assert [head["version"] for _, head, _ in found] == [0, 1, 9]
    np.testing.assert_array_equal(found[1][2][2], tick(T0 + 1).values)
    assert not again.forget(found[1][0])
    assert again.forget(found[2][0])
    assert path.stat().st_size == 0
    again.close()
    # Damage in the middle is no torn end: nobody knows what is missing.
    path.write_bytes(whole[:40] + b"!" + whole[41:])
    with pytest.raises(InputError, match="damaged"):
        Hints(path)


def test_a_note_that_grew_too_long_becomes_a_gap_that_outlives_the_process(tmp_path: Path) -> None:
    hints = Hints(tmp_path / "one.missed", most_bytes=20_000)
    for n in range(5):
        hints.add({"op": "append", "version": n}, tick(T0 + n), (T0 + n, T0 + n + 1))
    assert hints.waiting_bytes <= 20_000
    gap = hints.gap
    assert gap == (T0 + 2, T0 + 5)
    hints.close()
    again = Hints(tmp_path / "one.missed")
    assert again.gap == gap
    again.note_gap((T0, T0 + 1))
    assert not again.close_gap(gap)
    assert again.close_gap((T0, T0 + 5))
    again.close()


# The endpoint, as other programs see it.


def ask(endpoint: Endpoint, text: str, login: Login = LOGIN, **words: str) -> httpx.Response:
    headers = {"X-ClickHouse-User": login.user, "X-ClickHouse-Key": login.password}
    with httpx.Client(trust_env=False) as client:
        return client.post(endpoint.base, params=words, headers=headers, content=text.encode())


def test_the_endpoint_takes_and_gives_many_formats(endpoint: Endpoint, database: str) -> None:
    assert ask(endpoint, f"CREATE DATABASE {database}").status_code == 200
    table = f"{database}.t"
    made = f"CREATE TABLE {table} (a UInt32, b String) ENGINE = MergeTree ORDER BY a"
    assert ask(endpoint, made).status_code == 200
    assert ask(endpoint, "1,x\n2,y\n", query=f"INSERT INTO {table} FORMAT CSV").status_code == 200
    assert ask(endpoint, f"INSERT INTO {table} (a, b) FORMAT TSV\n3\tz;\n").status_code == 200
    assert ask(endpoint, f"INSERT INTO {table} VALUES (4, 'it''s; --')").status_code == 200
    found = ask(
        endpoint,
        f"SELECT b FROM {table} WHERE a >= {{n:UInt32}} ORDER BY a FORMAT CSV",
        param_n="3",
    )
    assert found.text == '"z;"\n"it\'s; --"\n'
    assert found.headers["X-ClickHouse-Format"] == "CSV"
    found = ask(endpoint, "SELECT a FROM t ORDER BY a", database=database, default_format="JSON")
    assert [row["a"] for row in found.json()["data"]] == [1, 2, 3, 4]
    basic = base64.b64encode(f"{READER.user}:{READER.password}".encode()).decode()
    with httpx.Client(trust_env=False) as client:
        found = client.get(
            endpoint.base,
            params={"query": f"SELECT count() FROM {table}"},
            headers={"Authorization": f"Basic {basic}"},
        )
        assert found.text == "4\n"
        assert client.get(f"{endpoint.base}/ping").text == "Ok.\n"


def test_settings_and_databases_of_one_client_do_not_reach_the_next(endpoint: Endpoint) -> None:
    asked = "SELECT value FROM system.settings WHERE name = 'max_result_rows'"
    for _ in range(8):
        assert ask(endpoint, asked, max_result_rows="77").text == "77\n"
        assert ask(endpoint, asked).text == "0\n"
    assert ask(endpoint, "SELECT currentDatabase()", database="system").text == "system\n"
    assert ask(endpoint, "SELECT currentDatabase()").text == "default\n"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT file('/etc/passwd')",
        "SELECT 1 IN url('http://127.0.0.1:1/', 'CSV', 'a UInt8')",
        "SELECT * FROM (SELECT * FROM remote('127.0.0.1', system.one))",
        "WITH a AS (SELECT * FROM s3('http://127.0.0.1:1/x')) SELECT * FROM a",
        "SELECT 1 INTO OUTFILE '/tmp/never-written'",
        "SELECT 1 /* */ INTO\nOUTFILE '/tmp/never-written'",
        "INSERT INTO FUNCTION file('never', 'CSV') SELECT 1",
        "INSERT INTO default.t FROM INFILE '/etc/passwd' FORMAT LineAsString",
        "CREATE TABLE default.t (a UInt8) ENGINE = File(CSV)",
        "CREATE TABLE default.t AS file('/etc/passwd')",
        "CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = local)",
        "CREATE DICTIONARY d (a UInt8) PRIMARY KEY a SOURCE(FILE(path '/x')) LAYOUT(FLAT())",
        "CREATE TEMPORARY TABLE a (b UInt8)",
        "SELECT * FROM Python(rows)",
        "DESCRIBE file('/etc/passwd')",
        "SYSTEM SHUTDOWN",
        "SET readonly = 0",
        "BACKUP DATABASE default TO File('/tmp/x')",
        "SELECT 1; DROP DATABASE default",
        "SELECT '; SELECT 1",
        "",
    ],
)
def test_the_endpoint_does_not_leave_its_folder(endpoint: Endpoint, text: str) -> None:
    answer = ask(endpoint, text)
    assert answer.status_code >= 400
    assert int(answer.headers["X-ClickHouse-Exception-Code"]) in (48, 497, 62)
    assert not Path("/tmp/never-written").exists()


def test_a_client_that_reads_does_not_write(endpoint: Endpoint, database: str) -> None:
    assert ask(endpoint, f"CREATE DATABASE {database}").status_code == 200
    for text in (f"DROP DATABASE {database}", f"CREATE TABLE {database}.t (a UInt8)"):
        refused = ask(endpoint, text, READER)
        assert refused.headers["X-ClickHouse-Exception-Code"] == "164"
        assert ask(endpoint, text, readonly="1").status_code == 403
    assert ask(endpoint, "SELECT 1", READER).text == "1\n"
    link = HttpLink(endpoint.base, READER)
    wanted = pa.table({"point": pa.array([5], pa.uint32())})
    assert link.ask("SELECT point FROM wanted", {"wanted": wanted}) == b"5\n"
    link.close()


def test_requests_that_are_no_requests_get_an_answer(endpoint: Endpoint) -> None:
    assert ask(endpoint, "SELECT 1", Login(user="nobody")).status_code == 401
    assert ask(endpoint, "SELECT 1", nosuch_setting="1").status_code == 400
    assert ask(endpoint, "SELECT 1", LOGIN, **{"a'b": "1"}).status_code == 400
    assert ask(endpoint, "SELECT 1", user="heat").status_code == 501
    headers = {"X-ClickHouse-User": LOGIN.user, "X-ClickHouse-Key": LOGIN.password}
    with httpx.Client(trust_env=False, headers=headers) as client:
        form = {"Content-Type": "multipart/form-data; boundary=x"}
        for body in (b"", b"--x", b"--x\r\n", b"--x\r\n\r\n\r\n--x--", b"y" * 100):
            assert client.post(endpoint.base, headers=form, content=body).status_code >= 400
        packed = {"Content-Encoding": "gzip"}
        assert client.post(endpoint.base, headers=packed, content=b"no").status_code == 501
        files = {"rows": ("rows", b"no arrow", "application/octet-stream")}
        words = {"query": "SELECT * FROM rows", "rows_format": "ArrowStream"}
        for more in (
            {"rows_structure": "a UInt8"},
            {"rows_structure": "a UInt8) ENGINE=File("},
            {},
        ):
            assert client.post(endpoint.base, params=words | more, files=files).status_code == 400
        assert client.post(endpoint.base, content=b"SELECT 1").text == "1\n"


def test_the_endpoint_starts_only_as_it_may_be_reached(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    users = Endpoint(tmp_path).users
    given = ["--folder", str(tmp_path / "engine"), "--users", str(users)]
    assert main([*given, "--host", "0.0.0.0"]) == 2
    assert "--tls-certificate" in capsys.readouterr().err
    users.chmod(0o644)
    with pytest.raises(ConfigError, match="readable for others"):
        load_users(users)


def test_tls_is_spoken_to_those_who_know_the_authority(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "historian")])
    day = dt.timedelta(days=1)
    now = dt.datetime.fromtimestamp(machine_s(), dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem, secret = tmp_path / "tls.pem", tmp_path / "tls.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    served = Endpoint(tmp_path / "node")
    served.start("--tls-certificate", str(pem), "--tls-key", str(secret))
    password = tmp_path / "password"
    password.write_text(LOGIN.password + "\n")
    url = f"clickhouse+https://heat@{served.host}/heatloop"
    try:
        store = open_historian(
            f"{url}?ca={pem}", data=tmp_path, zone=ZONE, password_file=str(password)
        )
        store.append(tick(T0))
        assert store.count(T0, T0 + 1) == len(KEYS)
        store.close()
        with pytest.raises(LinkError):
            open_historian(url, data=tmp_path, zone=ZONE, password_file=str(password))
    finally:
        served.stop()


# The historian process in front of servers.


def test_the_historian_process_serves_replicas_and_grows_on_hangup(endpoint: Endpoint) -> None:
    with tempfile.TemporaryDirectory(prefix="hl") as folder:
        data = Path(folder)
        other = Endpoint(data / "other").start()
        config, password = data / "heatloop.toml", data / "password"
        password.write_text(LOGIN.password)
        one = f"clickhouse://heat@{endpoint.host}/front?shards=1"
        config.write_text(f'[storage]\nhistorian_url = "{one}"\n')
        command = [sys.executable, "-m", "heatloop.store.historian", "--data", str(data)]
        command += ["--url", one, "--password-file", str(password), "--config", str(config)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            client = _when_ready(data / "run" / "historian.sock")
            client.append(tick(T0))
            wider = one.replace("/front", f",{other.host}/front")
            config.write_text(f'[storage]\nhistorian_url = "{wider}"\n')
            process.send_signal(signal.SIGHUP)
            end = time.monotonic() + 30
            while client.stats()["replicas"] != 2 or client.stats()["replicas_behind"]:
                assert time.monotonic() < end
                time.sleep(0.1)
            client.append(tick(T0 + 30))
            assert client.count(T0, T0 + 60) == 2 * len(KEYS)
            client.close()
        finally:
            process.terminate()
            assert process.wait(30) == 0
        grown = opened(other.base, "front")
        assert grown.count(T0, T0 + 60) == 2 * len(KEYS)
        grown.close()
        other.stop()


def _when_ready(path: Path):  # type: ignore[no-untyped-def]
    end = time.monotonic() + 30
    while True:
        try:
            return connect_sync(path)
        except LinkError:
            assert time.monotonic() < end
            time.sleep(0.05)
