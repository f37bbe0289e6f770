"""Clauses on keeping: 6.2 a, c, d, e, f, 9.2.2, 9.2.4, 9.2.5."""

import csv
import hashlib
import json
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import yaml

from heatloop.app.keeping_alarms import INTEGRITY
from heatloop.cli import main
from heatloop.demo.ledger import demo_ledger
from heatloop.kernel.series import Columns
from heatloop.plant.build import build_ledger
from heatloop.security.access import Role
from heatloop.store.backup_manifest import read_heads
from heatloop.store.files import Files
from heatloop.store.historian.digest import merkle_root
from heatloop.store.objects import open_objects
from tests.contract.keeping_house import DAY_S, PASSPHRASE, START_S, House, historian
from tests.unit.app_town import town
from tests.unit.test_app_keeping import DAY_BEFORE_S, active, ended, engine, sweep

DEPLOY = Path(__file__).parents[2] / "deploy"
RPO_MINUTES, RTO_MINUTES = 60.0, 240.0


def heatloop(*words: str, secret: Path | None = None, code: int = 0) -> None:
    """Give a command as a person does."""
    options = ["--passphrase-file", str(secret)] if secret is not None else []
    assert main([*words, *options]) == code


def rows_of(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as records:
        names = [r[0] for r in records.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return {n: records.execute(f'SELECT count(*) FROM "{n}"').fetchone()[0] for n in names}


@pytest.fixture
def drilled(tmp_path: Path) -> tuple[House, Path]:
    house = House(tmp_path)
    house.furnish()
    secret = tmp_path / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text(PASSPHRASE)
    return house, secret


def test_6_2_f_1_backup_wipe_restore_gives_equal_counts_and_hashes_within_rpo_and_rto(
    drilled: tuple[House, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The drill of clauses 6.2 f #1 and 9.2.2 #1, by the commands people use."""
    house, secret = drilled
    ledger = build_ledger(*demo_ledger("small", 1, 15020), version=1, keys={})
    keys = np.array(sorted(ledger.by_key), "u4")
    draw = np.random.default_rng(1)
    backups = str(tmp_path / "backups")
    data = str(house.data)
    with historian(house.data) as series:
        slots = np.arange(START_S, START_S + DAY_S, 900, dtype="u4")
        for part in np.array_split(slots, 24):
            values = np.round(draw.normal(55, 12, len(part) * len(keys)), 1)
            series.append(
                Columns(
                    np.tile(keys, len(part)),
                    np.repeat(part, len(keys)),
                    values,
                    np.zeros(len(values), "u1"),
                )
            )
        heatloop("backup", "--full", "--data", data, "--to", backups, secret=secret)
        series.append(Columns(keys, np.full(len(keys), START_S + DAY_S, "u4"),
                              np.ones(len(keys)), np.zeros(len(keys), "u1")))  # fmt: skip
        begun = time.monotonic()
        heatloop("backup", "--data", data, "--to", backups, secret=secret)
        backup_s = time.monotonic() - begun
        count, days = series.count(0, 1 << 31), (START_S, START_S + DAY_S)
        digests = [series.day_digest(day, day + DAY_S) for day in days]
    interval = house.settings.backup.incremental_every_minutes
    house.close()
    records = rows_of(house.data / "records.sqlite")
    photos = {p.name for p in (house.data / "files").rglob("*") if p.is_file()}

    shutil.rmtree(house.data)
    begun = time.monotonic()
    heatloop("restore", backups, "--into", data, secret=secret)
    with historian(house.data) as series:
        rto_minutes = (time.monotonic() - begun) / 60
        assert series.count(0, 1 << 31) == count == len(keys) * 97
        assert [series.day_digest(day, day + DAY_S) for day in days] == digests
    assert "restored" in capsys.readouterr().out
    back = rows_of(house.data / "records.sqlite")
    # The restore writes itself down; everything else has the rows it had.
    own = {"audit_entry", "keeping_run", "ledger_version", "point_key", "record_change"}
    assert {k: v for k, v in back.items() if k not in own} == {
        k: v for k, v in records.items() if k not in own
    }
    assert back["audit_entry"] >= records["audit_entry"]
    files = Files(house.data / "files")
    for digest in photos:
        assert hashlib.sha256(files.get(digest)).hexdigest() == digest
    rpo_minutes = interval + backup_s / 60
    with capsys.disabled():
        print(
            f"\n  drill: {count:,} samples, {sum(back.values()):,} rows; "
            f"RPO {rpo_minutes:.1f} min (<= {RPO_MINUTES:g}), "
            f"RTO {rto_minutes * 60:.1f} s (<= {RTO_MINUTES:g} min)"
        )
    assert rpo_minutes <= RPO_MINUTES
    assert rto_minutes <= RTO_MINUTES
    heatloop("verify", backups, "--json", secret=secret)
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["good"]
    assert verdict["rows"]["raw"] == count


def test_9_2_4_backups_are_sealed_unless_a_reason_is_given_and_audited(
    drilled: tuple[House, Path], tmp_path: Path
) -> None:
    house, secret = drilled
    (house.data / "historian" / "metadata").mkdir(parents=True)
    place = str(tmp_path / "b")
    words = ["backup", "--data", str(house.data), "--to", place]
    heatloop(*words, secret=secret)
    assert [head.encrypted for head in read_heads(open_objects(place))] == [True]
    heatloop(*words, "--plaintext", secret=secret, code=2)
    heatloop(*words, "--plaintext", "--reason", "to the archive of the city", secret=secret)
    heads = read_heads(open_objects(place))
    assert [head.encrypted for head in heads] == [True, False]
    trail = house.records.audit.list(action="keeping.incremental")[1]
    assert trail[0].detail["reason"] == "to the archive of the city"
    assert trail[0].detail["encrypted"] is False
    house.close()


async def test_6_2_d_2_rows_series_json_and_files_come_back_with_their_checksums(
    tmp_path: Path,
) -> None:
    async with town(tmp_path / "d") as here:
        records, files = here.platform.records, here.platform.devices.files
        records.settings.set("display", {"unit": "GJ"}, source="test", by="u", at=1.0)
        assert records.settings.get("display").value == {"unit": "GJ"}
        kinds = (b"\xff\xd8\xff photo", b"OggS voice", b"%PDF-1.7 paper", b'{"a": [1, 2.5]}')
        for data in kinds:
            digest, _ = files.put(data, every=True)
            assert digest == hashlib.sha256(data).hexdigest()
            assert files.get(digest) == data
        keys = np.array([1, 2], "u4")
        columns = Columns(keys, np.full(2, START_S, "u4"), np.array([1.5, 2.5]), np.zeros(2, "u1"))
        await here.platform.historian.append(columns)
        back = await here.platform.historian.raw(keys, START_S, START_S + 1)
        assert back.values.tolist() == [1.5, 2.5]
        engine = here.platform.historian.engine
        assert len(engine.day_digest(START_S, START_S + DAY_S)) == 32
        assert records.audit.verify()[1] is None


def test_6_2_a_deployment_manifests_and_inventory_exist() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    assert {"platform", "historian", "postgres", "mosquitto"} <= set(compose["services"])
    objects = list(yaml.safe_load_all((DEPLOY / "kubernetes/heatloop.yaml").read_text("utf-8")))
    assert {"StatefulSet", "Deployment", "Service"} <= {each["kind"] for each in objects}
    with (DEPLOY / "inventory.csv").open(encoding="utf-8", newline="") as file:
        assert {"platform", "backup"} <= {row["role"] for row in csv.DictReader(file)}


async def test_9_2_5_1_digests_and_roots_are_recomputed_and_a_changed_day_raises_an_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = engine()
    kept.append(sweep(DAY_BEFORE_S + 600))
    async with town(tmp_path / "d", engine=kept) as here:
        integrity, keeping = here.platform.keeping.integrity, here.platform.records.keeping
        here.clock.advance(DAY_S)
        await integrity.check(100)
        counter = kept.day_counter(DAY_BEFORE_S, DAY_BEFORE_S + DAY_S)
        kept.append(sweep(DAY_BEFORE_S + 600, 2.0))
        # The same counter: whoever changed the sample went round the historian.
        with monkeypatch.context() as patched:
            patched.setattr(kept, "day_counter", lambda start, end: counter)
            await integrity.check(100)
        assert active(here) == [INTEGRITY]
        assert not keeping.day(DAY_BEFORE_S).fits
        assert (await integrity.page(True, False, 1, 10)).misfits == 1
        trail = here.platform.records.audit.list(action="integrity.misfit")[1]
        assert len(trail) == 1
        months = keeping.months()
        days = [bytes.fromhex(row.digest) for row in reversed(keeping.days()[1])]
        assert months[0].root == merkle_root(days).hex()
        # The day is put right (a restore, say): the alarm goes.
        kept.append(sweep(DAY_BEFORE_S + 600, 1.0))
        with monkeypatch.context() as patched:
            patched.setattr(kept, "day_counter", lambda start, end: counter)
            await integrity.check(100)
        assert active(here) == []


async def test_6_2_e_maintenance_is_limited_to_a_role_and_audited(tmp_path: Path) -> None:
    async with town(tmp_path / "d") as here:
        async with here.client("disp", Role.DISPATCHER) as client:
            for path in ("/state", "/backups", "/actions", "/files"):
                assert (await client.get(f"/api/v1/keeping{path}")).status_code == 403
            body = {"action": "vacuum"}
            assert (await client.post("/api/v1/keeping/actions", json=body)).status_code == 403
        async with here.client("sys", Role.SYSTEM_ADMIN) as client:
            for action in ("vacuum", "reindex", "analyze", "integrity", "migrate", "compact"):
                wish = {"action": action, "reason": "spring cleaning"}
                begun = await client.post("/api/v1/keeping/actions", json=wish)
                assert begun.status_code == 202, begun.text
                done = await ended(client, begun.json()["number"])
                assert done["state"] == "done", done
            assert (await client.post("/api/v1/keeping/actions", json={"action": "drop"})).is_error
        _, trail = here.platform.records.audit.list(user="sys", limit=100)
        actions = {entry.action for entry in trail}
        assert {"maintenance.vacuum", "maintenance.vacuum_done", "maintenance.migrate_done"} <= (
            actions
        )
        _, refused = here.platform.records.audit.list(user="disp", action="access.refused")
        assert len(refused) == 5
