"""Backups of records that a PostgreSQL server keeps: one instant, every row, counters go on."""

import itertools
from pathlib import Path

import psycopg
import pytest

from heatloop.app.ledger_admin import install_ledger
from heatloop.kernel.errors import ConfigError
from heatloop.store.backup_keeping import Snapshot, put_back, take_snapshot
from heatloop.store.backup_postgres import dump, load, scratch
from heatloop.store.records import Records
from heatloop.store.records.keeping_care import ACTIONS, care
from tests.contract.test_store_records import KEY, postgres
from tests.unit.app_town import assets, devices, gateways

__all__ = ["postgres"]
pytestmark = pytest.mark.needs("postgres")
_number = itertools.count(1)


def new_database(folder: str) -> str:
    name = f"keeping_{next(_number)}"
    with psycopg.connect(host=folder, user="heatloop", dbname="postgres", autocommit=True) as c:
        c.execute(f"CREATE DATABASE {name}")
    return f"postgresql://heatloop@/{name}?host={folder}"


def furnished(url: str) -> Records:
    records = Records.open(url, **KEY)
    install_ledger(records, assets(), devices(), gateways())
    for number in range(30):
        records.audit.append(
            at=float(number),
            user="keeper",
            action="note",
            subject="行\t\\N\n",
            detail={"n": number},
        )
    records.gaps.put(gateway="GW0001", device="DV0001", slots_from=1, slots_to=None, cause="x")
    return records


def test_every_row_comes_back_and_the_chain_goes_on(postgres: str, tmp_path: Path) -> None:
    url, other = new_database(postgres), new_database(postgres)
    records = furnished(url)
    counts, facts = dump(url, tmp_path)
    assert counts["audit_entry"] >= 30
    assert facts["audit"][0] == counts["audit_entry"]
    records.audit.append(at=99.0, user="after", action="after", subject="", detail={})
    loaded = load(other, tmp_path, force=False, told=lambda _: None)
    assert {k: v for k, v in loaded.items() if counts.get(k) != v} == {}
    back = Records.open(other, **KEY)
    try:
        assert back.audit.verify() == (counts["audit_entry"], None)
        assert back.ledger.load() == records.ledger.load()
        # Numbers the engine counts up by itself go on after the greatest.
        assert back.keeping.begin_action("vacuum", user="u", reason="", at=1.0) >= 1
        back.audit.append(at=1.0, user="u", action="a", subject="s", detail={})
        assert back.audit.verify() == (counts["audit_entry"] + 1, None)
        with pytest.raises(ConfigError, match="not empty"):
            load(other, tmp_path, force=False, told=lambda _: None)
        assert load(other, tmp_path, force=True, told=lambda _: None) == loaded
    finally:
        back.close()
        records.close()


def test_a_trial_restore_uses_a_schema_of_its_own(postgres: str, tmp_path: Path) -> None:
    url = new_database(postgres)
    records = furnished(url)
    counts, _ = dump(url, tmp_path)
    with scratch(url) as there:
        assert load(there, tmp_path, force=True, told=lambda _: None) == counts
        back = Records.open(there, **KEY)
        assert back.audit.verify() == (counts["audit_entry"], None)
        back.close()
        records.audit.append(at=1.0, user="u", action="a", subject="s", detail={})
    assert records.audit.verify() == (counts["audit_entry"] + 1, None)
    with psycopg.connect(
        host=postgres, user="heatloop", dbname=url.split("/")[3].split("?")[0]
    ) as c:
        names = c.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'verify%'"
        ).fetchall()
    assert names == []
    records.close()


def test_every_action_of_maintenance_works_on_a_server(postgres: str) -> None:
    url = new_database(postgres)
    records = furnished(url)
    try:
        for action in ACTIONS:
            assert care(records, url, action).get("ok", True), action
    finally:
        records.close()


def test_a_snapshot_of_an_upgrade_can_be_put_back(postgres: str, tmp_path: Path) -> None:
    url = new_database(postgres)
    records = furnished(url)
    version = records.ledger.version()
    shot = take_snapshot(url, tmp_path, tmp_path / "upgrade", "0.1.0", 5.0)
    assert not shot.differs(url)
    records.stages.set("UN0001", "advise", by="after", at=1.0)
    records.close()
    put_back(shot, url, tmp_path)
    assert Snapshot.newest(tmp_path / "upgrade", "0.1.0") == shot
    back = Records(url, **KEY)
    try:
        assert back.stages.all() == {}
        assert back.ledger.version() > version
        assert back.audit.verify()[1] is None
    finally:
        back.close()
