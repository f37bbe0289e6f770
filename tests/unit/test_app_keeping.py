"""Keeping from the application's side: alarms, integrity, maintenance, files, after a restore."""

import asyncio
import shutil
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from heatloop.app.keeping_alarms import INTEGRITY
from heatloop.app.keeping_settings import BackupSettings, check_keeping
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import ConfigError
from heatloop.kernel.series import Columns
from heatloop.security.access import Role
from heatloop.store.historian.memory import MemoryHistorian
from heatloop.store.records.keeping import DONE, FAILED, FULL, RESTORE, VERIFY, RunRow
from tests.unit.app_town import START_S, Town, town

DAY_S = 86400
DAY_BEFORE_S = int(START_S) // DAY_S * DAY_S - DAY_S


def engine() -> MemoryHistorian:
    return MemoryHistorian(zone=ZoneInfo("Asia/Shanghai"))


def sweep(at: int, value: float = 1.0, keys: int = 5) -> Columns:
    return Columns(
        np.arange(1, keys + 1, dtype="u4"),
        np.full(keys, at, "u4"),
        np.full(keys, value),
        np.zeros(keys, "u1"),
    )


def run_row(kind: str, at: float, state: str = DONE, **body: Any) -> RunRow:
    return RunRow(
        id=f"{kind}-{at}", kind=kind, state=state, user="system", target="x", chain="c",
        started_at=at, ended_at=at + 1, body=body,
    )  # fmt: skip


def active(here: Town) -> list[str]:
    return here.platform.keeping.backups._alarms.active


@pytest.mark.parametrize(
    "wrong",
    [
        {"incremental_every_minutes": 61.0},
        {"incremental_every_minutes": 30.0, "rpo_minutes": 20.0},
        {"rpo_minutes": 90.0},
        {"keep_full": 0},
        {"plaintext": True},
    ],
)
def test_settings_that_would_lose_more_than_an_hour_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        check_keeping(BackupSettings(to="/backup", **wrong))


async def test_a_stopped_backup_raises_an_alarm_and_a_new_one_clears_it(tmp_path: Path) -> None:
    async with town(tmp_path / "d", backup={"to": str(tmp_path / "b")}) as here:
        keeping, now = here.platform.records.keeping, machine_s()
        judge = here.platform.keeping.backups.judge
        keeping.begin(run_row(FULL, now - 3700))
        await judge()
        assert "backup_late" in active(here)
        keeping.begin(run_row(FULL, now - 100))
        await judge()
        assert "backup_late" not in active(here)
        keeping.begin(run_row(FULL, now - 50, FAILED, error="disk full"))
        await judge()
        assert active(here) == ["backup_failed"]
        keeping.begin(run_row(FULL, now - 20))
        keeping.begin(run_row(VERIFY, now - 10, good=False, run="x"))
        await judge()
        assert active(here) == ["backup_bad"]
        keeping.begin(run_row(VERIFY, now - 5, good=True, seconds=5 * 3600.0))
        await judge()
        assert active(here) == ["restore_slow"]
        keeping.begin(run_row(VERIFY, now - 1, good=True, seconds=60.0))
        await judge()
        assert active(here) == []
        page = await here.platform.alarming.page(_everything(), False, None, "CO01", 1, 50)
        assert {a.rule for a in page.items} >= {"backup_late", "backup_failed", "backup_bad"}


def _everything() -> Any:
    from heatloop.kernel.scope import Scope

    return Scope(("",))


async def test_a_day_is_digested_checked_and_a_late_sample_is_lawful(tmp_path: Path) -> None:
    kept = engine()
    for at in range(DAY_BEFORE_S, DAY_BEFORE_S + 3600, 30):
        kept.append(sweep(at))
    async with town(tmp_path / "d", engine=kept) as here:
        integrity, keeping = here.platform.keeping.integrity, here.platform.records.keeping
        here.clock.advance(DAY_S)
        await integrity.check(100)
        first = keeping.day(DAY_BEFORE_S)
        assert first is not None
        assert (first.reason, first.samples, first.fits) == ("first", 600, True)
        assert first.digest == kept.day_digest(DAY_BEFORE_S, DAY_BEFORE_S + DAY_S).hex()
        await integrity.check(100)
        assert keeping.day(DAY_BEFORE_S).version == 1
        kept.append(sweep(DAY_BEFORE_S + 7200))
        await integrity.check(100)
        second = keeping.day(DAY_BEFORE_S)
        assert (second.version, second.reason, second.fits) == (2, "late", True)
        assert second.digest != first.digest
        assert INTEGRITY not in active(here)
        months = keeping.months()
        assert len(months[0].root) == 64


async def test_a_day_that_is_gone_before_its_time_is_a_misfit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = engine()
    kept.append(sweep(DAY_BEFORE_S + 600))
    async with town(tmp_path / "d", engine=kept) as here:
        integrity = here.platform.keeping.integrity
        here.clock.advance(DAY_S)
        await integrity.check(100)
        monkeypatch.setattr(kept, "day_counter", lambda start, end: 0)
        await integrity.check(100)
        assert active(here) == [INTEGRITY]


async def test_after_a_restore_what_is_missing_is_told_once(tmp_path: Path) -> None:
    at = int(START_S)
    kept = engine()
    async with town(tmp_path / "d", engine=kept) as here:
        device = here.platform.world.ledger.devices["DV0001"]
        keys = [b.key for b in here.platform.world.ledger.bindings_of_device(device.code)]
        here.platform.records.keeping.begin(
            run_row(RESTORE, machine_s(), plant_at=float(at - 600), settled=False, run="r")
        )
    columns = sweep(at - 630)
    kept.append(Columns(np.array(keys[:5], "u4"), *columns[1:]))
    clock = here.clock
    async with town(tmp_path / "d", engine=kept, clock=clock, fresh=False) as again:
        total, gaps = again.platform.records.gaps.list(devices=["DV0001"])
        assert total == 1
        assert (gaps[0].slots_from, gaps[0].cause) == (at - 629, "restore")
        assert gaps[0].slots_to == at
        assert again.platform.records.keeping.newest((RESTORE,)).body["settled"]
        again.platform.records.gaps.put(
            gateway="GW0001", device="DV0003", slots_from=1, slots_to=2, cause="x"
        )
    clock.advance(600)
    async with town(tmp_path / "d", engine=kept, clock=clock, fresh=False) as third:
        assert third.platform.records.gaps.list()[0] == 2
        assert third.platform.records.gaps.list(devices=["DV0001"])[1][0].slots_to == at


async def test_a_gateway_goes_on_after_the_platform_forgot(tmp_path: Path) -> None:
    """The acknowledged sequence went back: what the spool still has is taken, the rest is told."""
    async with town(tmp_path / "d") as here:
        gateway = await here.enrol()
        await gateway.connect()
        point = next(iter(here.platform.world.ledger.points))
        slots = [int(START_S) - 600 + 30 * n for n in range(4)]
        point = next(
            here.platform.world.ledger.by_key[b.key].code
            for b in here.platform.world.ledger.bindings_of_device("DV0001")
        )
        through = await gateway.samples(*((point, slot, 1.0) for slot in slots[:2]))
        await gateway.acknowledged(through)
        gateway.close()
        # A restore: the records know nothing of what was acknowledged.
        stored = here.platform.gateways._stored["GW0001"]
        stored.clear()
        gateway.frames.clear()
        await gateway.connect()
        assert gateway.of("welcome")[0]["through"] == 0
        through = await gateway.samples(*((point, slot, 1.0) for slot in slots[2:]))
        await gateway.acknowledged(through)
        assert stored[gateway.epoch] == through
        lost = here.platform.records.quarantine.list(gateways=["GW0001"])[1]
        assert [(row.reason, row.rows) for row in lost] == [("rows_lost", 2)]
        gateway.close()


async def ended(client: Any, number: int) -> dict[str, Any]:
    for _ in range(400):
        items = (await client.get("/api/v1/keeping/actions")).json()["items"]
        found: dict[str, Any] = next(each for each in items if each["number"] == number)
        if found["state"] != "running":
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("never ends")


async def test_integrity_of_the_records_finds_a_broken_chain(tmp_path: Path) -> None:
    async with town(tmp_path / "d") as here, here.client("sys", Role.SYSTEM_ADMIN) as client:
        with here.platform.records.database.write() as connection:
            guards = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for (name,) in connection.exec_driver_sql(guards).all():
                connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
            connection.exec_driver_sql("UPDATE audit_entry SET user = 'x' WHERE seq = 1")
        begun = await client.post("/api/v1/keeping/actions", json={"action": "integrity"})
        done = await ended(client, begun.json()["number"])
        assert done["result"]["ok"] is False
        assert done["result"]["audit_broken"] == 1


async def test_files_of_every_kind_are_kept_listed_and_checked(tmp_path: Path) -> None:
    async with town(tmp_path / "d") as here, here.client("sys", Role.SYSTEM_ADMIN) as client:
        kinds = {
            "photo.png": (b"\x89PNG\r\n\x1a\nxx", "image/png"),
            "voice.ogg": (b"OggS" + bytes(20), "audio/ogg"),
            "act.pdf": (b"%PDF-1.7 act", "application/pdf"),
            "reading.json": (b'{"kwh": 12.5}', "application/json"),
        }
        for name, (data, media) in kinds.items():
            sent = await client.post("/api/v1/keeping/files", files={"file": (name, data)})
            assert sent.status_code == 201, sent.text
            assert sent.json()["media"] == media
            back = await client.get(f"/api/v1/keeping/files/{sent.json()['sha256']}")
            assert (back.content, back.headers["content-type"]) == (data, media)
        page = (await client.get("/api/v1/keeping/files?size=2")).json()
        assert (page["total"], len(page["items"])) == (4, 2)
        bad = await client.post("/api/v1/keeping/files", files={"file": ("x", b"MZ program")})
        assert bad.status_code == 422
        digest = page["items"][0]["sha256"]
        path = tmp_path / "d" / "files" / digest[:2] / digest
        path.write_bytes(b"%PDF other")
        assert (await client.get(f"/api/v1/keeping/files/{digest}")).status_code == 422


async def test_without_a_target_no_backup_is_begun(tmp_path: Path) -> None:
    async with town(tmp_path / "d") as here, here.client("sys", Role.SYSTEM_ADMIN) as client:
        refused = await client.post("/api/v1/keeping/backups", json={"full": True})
        assert refused.status_code == 409
        assert refused.json()["error"]["code"] == "no_backup_target"
        assert (await client.get("/api/v1/keeping/backups/none")).status_code == 404
        assert active(here) == []


async def test_the_schedule_makes_a_backup_and_a_failure_is_told(tmp_path: Path) -> None:
    """The memory engine has no folder, so the job fails: written down, alarmed, tried later."""
    place = tmp_path / "b"
    async with town(tmp_path / "d", backup={"to": str(place)}) as here:
        room = here.platform.keeping.backups
        await room.tick(0.0)
        while room.busy:
            await asyncio.sleep(0.05)
        _, rows = here.platform.records.keeping.runs()
        assert [(r.kind, r.state, r.user) for r in rows] == [("full", "failed", "system")]
        assert "keep its data" in rows[0].body["error"]
        assert active(here) == ["backup_failed"]
        await room.tick(0.0)
        assert not room.busy
        secret = tmp_path / "d" / "keys" / "backup.passphrase"
        assert secret.stat().st_mode & 0o077 == 0
        async with here.client("sys", Role.SYSTEM_ADMIN) as client:
            state = (await client.get("/api/v1/keeping/state")).json()
            assert state["ok"] is False
            assert state["problems"] == ["backup_failed"]
            assert state["passphrase"] == str(secret)
            assert secret.read_text().strip() not in str(state)
    shutil.rmtree(place, ignore_errors=True)
