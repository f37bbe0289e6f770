"""Clauses on watching: failures are alarmed and mended, duties are due, the bill is written."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from heatloop.app.health import HealthReport
from heatloop.app.supervisor import Program, Supervisor
from heatloop.app.views.system import Health, Part
from heatloop.app.watch_components import ComponentWatch
from heatloop.app.watch_duty import late_vulnerabilities
from heatloop.kernel.clock import machine_s, utc
from heatloop.proof.sbom import release_bill
from heatloop.proof.secrets_scan import judge, scan
from heatloop.security.access import Role
from tests.unit.app_town import Town, town

ROOT = Path(__file__).parents[2]
API = "/api/v1"
DAY_S = 86400.0


async def _alarms(made: Town) -> set[str]:
    await made.platform.security_events.settle()
    active = made.platform.alarming.active_of(("security",))
    return {rule.removeprefix("security.") for _, rule in active}


async def _until(condition: Any, seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


async def test_6_1_3_f_3_a_component_that_is_killed_is_alarmed_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heatloop.app.watch_components._TELL_S", 1.0)
    async with town(tmp_path / "data") as made:
        run = tmp_path / "run"
        supervisor = Supervisor(run, tmp_path / "logs")
        await supervisor.start(Program(name="edge", argv=("-c", "import time; time.sleep(60)")))
        try:
            watch = ComponentWatch(run, made.platform.health, made.platform.security_events)
            await watch.run(0.0)
            assert "component_failed" not in await _alarms(made)
            killed_s = machine_s()
            os.kill(supervisor.pids()["edge"], signal.SIGKILL)
            await _until(lambda: supervisor.restarts()["edge"] == 1)
            await watch.run(0.0)
            assert "component_failed" in await _alarms(made)
            assert machine_s() - killed_s < 60.0
            _, rows = made.platform.records.watch.events(kinds=["component_failed"])
            assert [(row.subject, row.facts["reason"]) for row in rows] == [
                ("edge", "ended with code -9")
            ]
            # Well again, unaided: the alarm returns by itself.
            await asyncio.sleep(1.2)
            await watch.run(0.0)
            assert "component_failed" not in await _alarms(made)
        finally:
            await supervisor.stop()


async def test_6_1_3_f_3_a_component_that_is_given_up_is_an_alarm_of_its_own(
    tmp_path: Path,
) -> None:
    async with town(tmp_path / "data") as made:
        run = tmp_path / "run"
        run.mkdir()
        said = {"healthy": False, "restarts": 20, "given_up": True, "why": "ended with code 1"}
        (run / "components.json").write_text(json.dumps({"historian": said}))
        watch = ComponentWatch(run, made.platform.health, made.platform.security_events)
        await watch.run(0.0)
        assert {"component_failed", "component_given_up"} <= await _alarms(made)


async def test_6_1_3_f_3_an_engine_that_does_not_answer_is_an_alarm(tmp_path: Path) -> None:
    class Sick(HealthReport):
        def __init__(self) -> None:
            self.ok = False

        async def report(self) -> Health:
            part = Part(name="historian", layer="data", ok=self.ok, detail="does not answer")
            far = Part(name="gateway GW0001", layer="device", ok=False, detail="not connected")
            return Health(status="degraded", layers={}, parts=[part, far])

    async with town(tmp_path / "data") as made:
        sick = Sick()
        watch = ComponentWatch(tmp_path, sick, made.platform.security_events)
        await watch.run(0.0)
        await made.platform.security_events.settle()
        _, rows = made.platform.records.watch.events(kinds=["component_failed"])
        # Gateways have alarms of their own.
        assert [row.subject for row in rows] == ["historian"]
        sick.ok = True
        watch._bad_s -= 3600.0
        await watch.run(0.0)
        assert "component_failed" not in await _alarms(made)


async def test_6_1_3_f_1_nothing_acknowledged_is_lost_when_records_and_link_break(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The records break, then the link, then both are back: every sample is stored once."""
    from heatloop.kernel.errors import LinkError

    async with town(tmp_path) as made:
        platform = made.platform
        gateway = await made.enrol()
        await gateway.connect()
        ledger = platform.world.ledger
        point = next(
            b
            for b in ledger.bindings
            if ledger.gateway_of(b.point) == "GW0001" and b.period_s == 30
        )
        start = int(made.clock.now_s()) // 30 * 30
        sent = []

        async def send(n: int) -> int:
            slot = start + 30 * n
            made.clock.advance(30.0)
            sent.append(slot)
            return await gateway.samples((point.point, slot, 40.0 + n))

        await gateway.acknowledged(await send(0))
        real = platform.records.gateways.advance_many
        broken = {"for": 3}

        def failing(*args: Any, **kwargs: Any) -> Any:
            if broken["for"] > 0:
                broken["for"] -= 1
                raise LinkError("records are not reachable")
            return real(*args, **kwargs)

        historian = platform.historian
        append = type(historian).append
        fails = {"for": 2}

        async def sick(self: Any, columns: Any) -> Any:
            if fails["for"] > 0:
                fails["for"] -= 1
                raise LinkError("historian does not answer")
            return await append(self, columns)

        with monkeypatch.context() as patch:
            patch.setattr(type(historian), "append", sick)
            through = await send(1)
            began_s = machine_s()
            await gateway.acknowledged(through, 30.0)
        assert fails["for"] == 0
        assert machine_s() - began_s < 300.0
        # The link breaks with an envelope on its way; the gateway sends it again.
        at = gateway.next
        await send(2)
        gateway.close()
        await gateway.connect()
        gateway.next = at
        sent.pop()
        made.clock.advance(-30.0)
        await gateway.acknowledged(await send(2), 30.0)
        key = made.key(point.point)
        import numpy as np

        rows = await historian.raw(np.asarray([key], np.uint32), start, start + 3600)
        assert rows.slots.tolist() == sorted(set(sent))


async def test_8_2_a_2_a_scan_that_is_overdue_is_a_task_with_an_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town(tmp_path) as made, made.client("sun", Role.SECURITY_ADMIN) as client:
        duty = made.platform.watch.duty
        await duty.overdue()
        assert not {"antivirus_overdue", "vulnerability_overdue"} & await _alarms(made)
        real = machine_s
        monkeypatch.setattr("heatloop.app.watch_duty.machine_s", lambda: real() + 8 * DAY_S)
        await duty.overdue()
        # Weekly for viruses, monthly for vulnerabilities.
        assert await _alarms(made) == {"antivirus_overdue"}
        found = (await client.get(f"{API}/security/duties")).json()["items"]
        assert {each["register"] for each in found if each["overdue"]} == {"antivirus", "ports"}
        monkeypatch.setattr("heatloop.app.watch_duty.machine_s", lambda: real() + 31 * DAY_S)
        await duty.overdue()
        assert await _alarms(made) == {"antivirus_overdue", "vulnerability_overdue"}
        monkeypatch.setattr("heatloop.app.watch_duty.machine_s", real)
        for scan in ("antivirus", "vulnerability"):
            body = {"scan": scan, "tool": "clamscan 1.0", "state": "ok"}
            assert (await client.post(f"{API}/security/scans", json=body)).status_code == 201
        assert await _alarms(made) == set()
        listed = (await client.get(f"{API}/security/registers/antivirus")).json()
        assert [(row["code"], row["state"], row["user"]) for row in listed["items"]] == [
            ("clamscan 1.0", "ok", "sun")
        ]


async def test_8_2_e_2_the_filing_reminds_sixty_days_before_its_assessment(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as made, made.client("sun", Role.SECURITY_ADMIN) as client:
        today = utc(machine_s()).date()

        async def file(days_ago: int) -> None:
            body = {
                "system": "智慧供热平台",
                "number": "22010012345-26001",
                "level": 3,
                "filed": "2024-01-05",
                "assessed": (today - timedelta(days=days_ago)).isoformat(),
            }
            answer = await client.post(f"{API}/security/filings", json=body)
            assert answer.status_code == 201, answer.text

        await file(300)  # due in 65 days
        assert "filing_due" not in await _alarms(made)
        await file(310)  # due in 55 days
        assert "filing_due" in await _alarms(made)
        await file(1)
        assert "filing_due" not in await _alarms(made)
        entry = (await client.get(f"{API}/security/registers/filing")).json()["items"][0]
        assert entry["body"]["number"] == "22010012345-26001"


async def test_8_2_e_2_an_exception_ends_and_only_those_who_may_enter_one(tmp_path: Path) -> None:
    async with town(tmp_path) as made:
        body = {
            "item": "L3-CES1-31",
            "reason": "one machine",
            "measure": "cold spare",
            "approved_by": "manager",
            "until": (utc(machine_s()).date() + timedelta(days=90)).isoformat(),
        }
        async with made.client("disp", Role.DISPATCHER) as client:
            assert (await client.post(f"{API}/security/exceptions", json=body)).status_code == 403
            assert (await client.get(f"{API}/security/events")).status_code == 403
        async with made.client("aud", Role.AUDIT_ADMIN) as client:
            assert (await client.get(f"{API}/security/events")).status_code == 200
            assert (await client.post(f"{API}/security/exceptions", json=body)).status_code == 403
        async with made.client("sun", Role.SECURITY_ADMIN) as client:
            entered = await client.post(f"{API}/security/exceptions", json=body)
            assert entered.status_code == 201
            late = {**body, "until": "2020-01-01"}
            assert (await client.post(f"{API}/security/exceptions", json=late)).status_code == 422
            number = entered.json()["number"]
            ended = await client.delete(f"{API}/security/exceptions/{number}")
            assert ended.status_code == 200
            again = await client.delete(f"{API}/security/exceptions/{number + 1000}")
            assert again.status_code == 404
        _, trail = made.platform.records.audit.list(action="security.exception")
        assert [row.subject for row in trail] == ["L3-CES1-31"]


def test_6_1_3_f_2_a_grave_vulnerability_may_stay_thirty_days() -> None:
    from heatloop.store.records.watch import EntryRow

    def scan_of(*findings: dict[str, Any]) -> EntryRow:
        return EntryRow(
            number=1, register="vulnerability", code="osv", state="findings", user="x",
            at=100 * DAY_S, until=None, body={"findings": list(findings)},
        )  # fmt: skip

    grave = {"id": "CVE-1", "package": "p", "severity": "HIGH", "published_s": 80 * DAY_S}
    assert late_vulnerabilities(None, 0.0, 30.0) == []
    assert late_vulnerabilities(scan_of(grave), 109 * DAY_S, 30.0) == []
    assert late_vulnerabilities(scan_of(grave), 111 * DAY_S, 30.0) == ["p CVE-1"]
    assert late_vulnerabilities(scan_of({**grave, "severity": "low"}), 999 * DAY_S, 30.0) == []
    # Without a date of its own it counts from the scan.
    undated = {**grave, "published_s": None}
    assert late_vulnerabilities(scan_of(undated), 129 * DAY_S, 30.0) == []
    assert late_vulnerabilities(scan_of(undated), 131 * DAY_S, 30.0) == ["p CVE-1"]


def test_6_1_3_f_2_the_bill_of_materials_is_cyclonedx() -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    bill = release_bill(ROOT)
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill))
    assert fault is None, fault
    names = {each["name"] for each in bill["components"]}
    assert {"fastapi", "sqlalchemy", "react", "antd"} <= names
    assert not {"pytest", "vite"} & names  # tools are not shipped
    assert all(each["version"] for each in bill["components"])
    from heatloop.app.sbom import bill_of_materials

    installed = bill_of_materials()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(installed)) is None
    assert "cryptography" in {each["name"] for each in installed["components"]}


def test_6_1_3_f_2_shared_files_hold_no_secret() -> None:
    assert scan(ROOT) == []
    key = "-----BEGIN " + "PRIVATE KEY-----"
    spoilt = [
        key,
        "token = gh" + "p_" + "a1B2" * 10,
        "postgresql://heat:" + "x9Kq2LmZ7@db/records",
        'api_key = "' + "q8Zt1Vx7Lp0Rk4Wm" + '"',
    ]
    for line in spoilt:
        assert [each.line for each in judge("src/x.py", "fine\n" + line)] == [2], line
    assert not list(judge("src/x.py", 'password = "the password of the database"'))
    assert not list(judge("src/x.py", f"{key}  # not a secret"))


EICAR_LIKE = b"heatloop-scan-probe:" + b"Z" * 40


@pytest.mark.skipif(shutil.which("clamscan") is None, reason="ClamAV is not installed")
async def test_8_2_a_2_uploads_are_scanned_by_a_real_scanner(tmp_path: Path) -> None:
    signatures = tmp_path / "own.ndb"
    signatures.write_text(f"Heatloop.Probe:0:*:{EICAR_LIKE.hex()}\n")
    own = {"scan_uploads": True, "virus_database": str(signatures)}
    async with town(tmp_path / "data", watch=own) as made:
        async with made.client("ke", Role.SYSTEM_ADMIN) as client:
            bad = {"file": ("a.csv", b"code\r\n" + EICAR_LIKE)}
            answer = await client.post(f"{API}/ledger/import", files=bad)
            assert answer.json()["error"]["code"] == "unsafe_upload"
            good = {"file": ("a.csv", b"code\r\nSS0001")}
            answer = await client.post(f"{API}/ledger/import", files=good)
            assert answer.json()["error"]["code"] != "unsafe_upload"
        assert "malware_found" in await _alarms(made)
        # The weekly job does the same with what is kept.
        folder = made.platform.settings.data / "files"
        folder.mkdir(exist_ok=True)
        (folder / "kept").write_bytes(EICAR_LIKE)
        scanned = made.platform.watch.antivirus.scan_folder(folder)
        assert len(scanned.found) == 1


async def test_clamd_is_asked_by_its_own_protocol(tmp_path: Path) -> None:
    """A socket that speaks clamd's INSTREAM: chunks with lengths, a verdict at the end."""
    import struct

    from heatloop.app.watch_antivirus import Antivirus
    from heatloop.app.watch_settings import WatchSettings
    from heatloop.kernel.errors import LinkError

    async def daemon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(10) == b"zINSTREAM\0"
        data = b""
        while size := struct.unpack("!I", await reader.readexactly(4))[0]:
            data += await reader.readexactly(size)
        writer.write(b"stream: Probe FOUND\0" if EICAR_LIKE in data else b"stream: OK\0")
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    path = str(tmp_path / "clamd.sock")
    server = await asyncio.start_unix_server(daemon, path)
    async with server:
        scanner = Antivirus(WatchSettings(clamd=path))
        clean = await asyncio.to_thread(scanner.scan_bytes, b"x" * 200_000)
        assert clean.found == ()
        found = await asyncio.to_thread(scanner.scan_bytes, EICAR_LIKE)
        assert found.found == ("stream: Probe FOUND",)
    with pytest.raises(LinkError):
        await asyncio.to_thread(Antivirus(WatchSettings(clamd=path + "x")).scan_bytes, b"x")
