"""Keys while everything runs: rotation, re-sealing that survives a kill, gateways that follow."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from heatloop.app.keys import PlatformKeys, load_keys
from heatloop.app.refusals import Refused
from heatloop.app.settings import load_settings
from heatloop.app.wiring import open_records
from heatloop.edge.enrol import Identity, load_identity
from heatloop.edge.files import save_json
from heatloop.kernel.errors import ConfigError, InputError, UnsafeError
from heatloop.plant.edge_profile import EdgeProfile
from heatloop.security.access import Role
from heatloop.security.keys import KeyRing, SigningKey, open_document, seal_key_id, sign_document
from heatloop.security.providers import provider
from heatloop.store.backup_after import data_key
from heatloop.store.key_files import folder_keys
from heatloop.store.records import Records
from heatloop.store.records.crypto import SEALED
from heatloop.store.records.schema import metadata
from heatloop.store.records.webhook import WebhookRow
from tests.unit.app_town import Town, prepare, town

PHONE = "13900000001"
_NOT_SEALS = {"public_key", "public", "bands"}
"""Columns of bytes that are no seals: public keys, bands of forecasts and plans."""


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path / "t") as made:
        yield made


def phone_of(records: Records) -> str:
    people = records.ledger.load().sheets["person"]
    return str(people[0]["phone"])


async def done(platform: Any) -> None:
    async with asyncio.timeout(20):
        while (await platform.key_room.view()).reseal.state == "running":
            await asyncio.sleep(0.01)


def test_every_sealed_column_is_known_to_the_reseal_job() -> None:
    held = {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.columns
        if str(column.type) in ("BLOB", "BYTEA") and column.name not in _NOT_SEALS
    }
    assert held == {(each.table.name, each.column.name) for each in SEALED}


async def test_7_8_e_the_data_key_changes_while_everything_runs(here: Town, tmp_path: Path) -> None:
    platform = here.platform
    records, first = platform.records, platform.keys.data_id
    async with here.client("zhao", Role.SECURITY_ADMIN) as client:

        async def post(what: str, **body: Any) -> Any:
            return await client.post(f"/api/v1/keys/{what}", json={"reason": "yearly"} | body)

        listed = (await client.get("/api/v1/keys")).json()
        before = next(key for key in listed["keys"] if key["kind"] == "data")
        assert before["values"] > 0
        rotated = await post("rotate", kind="data")
        assert rotated.status_code == 200, rotated.text
        second = platform.keys.data_id
        assert second != first
        # Old values stay readable, new ones are under the new key.
        assert phone_of(records) == PHONE
        assert records.crypto.usage() == {first: before["values"]}
        too_early = await post("retire", kind="data", id=first)
        assert (too_early.status_code, too_early.json()["error"]["code"]) == (409, "key_in_use")
        assert (await post("retire", kind="data", id=second)).status_code == 409  # in use
        assert (await post("retire", kind="data", id="0" * 16)).status_code == 404
        run = await post("reseal")
        assert run.status_code == 202, run.text
        await done(platform)
        assert records.crypto.usage() == {second: before["values"]}
        latest = (await client.get("/api/v1/keys")).json()["reseal"]
        assert (latest["state"], latest["done"]) == ("done", before["values"])
        file = next(key.file for key in platform.keys.held.keys if key.id == first)
        assert (await post("retire", kind="data", id=first)).status_code == 200
        assert not (tmp_path / "t" / "keys" / file).exists()
        assert phone_of(records) == PHONE
    # What others start with finds the new key as well: backups, restores, the next process.
    with pytest.raises(InputError, match="unknown key"):
        records.sealer.__class__({}, "").open(b"", _one_blob(records))
    again = Records(
        f"sqlite:///{tmp_path / 't' / 'records.sqlite'}", **data_key(tmp_path / "t/keys")
    )
    assert phone_of(again) == PHONE
    again.close()
    actions = {row.action for row in records.audit.list(limit=200)[1]}
    assert {"keys.rotate", "keys.rotated", "keys.reseal", "keys.resealed"} <= actions
    assert {"keys.retire", "keys.retired"} <= actions


def _one_blob(records: Records) -> bytes:
    from sqlalchemy import select

    column = SEALED[0].column
    with records.database.read() as connection:
        return bytes(
            connection.execute(select(column).where(column.is_not(None)).limit(1)).scalar_one()
        )


async def test_7_8_e_only_the_security_administrator_touches_keys(here: Town) -> None:
    for number, role in enumerate(set(Role) - {Role.SECURITY_ADMIN}):
        async with here.client(f"user{number}", role) as client:
            assert (await client.get("/api/v1/keys")).status_code == 403, role
            body = {"kind": "data", "reason": "for fun"}
            assert (await client.post("/api/v1/keys/rotate", json=body)).status_code == 403, role


def test_a_mixed_store_of_both_suites_stays_readable(tmp_path: Path) -> None:
    prepare(tmp_path)
    records, keys = open_records(load_settings(tmp_path))
    first = keys.data_id
    records.close()
    # The suite was changed in the settings: new keys, and the old values can be read.
    settings = load_settings(tmp_path, overrides={"crypto": {"suite": "sm"}})
    records, keys = open_records(settings)
    assert keys.signing.algorithm == "SM2-SM3"
    assert keys.held.current("data").algorithm == "SM4-GCM"  # type: ignore[union-attr]
    assert phone_of(records) == PHONE
    assert seal_key_id(records.sealer.seal(b"x", {"a": 1})) == keys.data_id
    assert records.crypto.usage().keys() == {first}
    records.webhooks.put(hook(), "secret of a webhook")
    assert records.crypto.usage().keys() == {first, keys.data_id}
    assert records.crypto.reseal() > 0
    assert records.crypto.usage().keys() == {keys.data_id}
    assert phone_of(records) == PHONE
    assert records.webhooks.secret("w1") == "secret of a webhook"
    # Both signing keys are told to gateways, the new one by the old one's signature.
    assert [key.algorithm for key in keys.held.of("signing")] == ["Ed25519", "SM2-SM3"]
    assert len(keys.trust_after(0)) == 1
    records.close()


def hook() -> WebhookRow:
    return WebhookRow(
        id="w1", name="w", url="https://x.example", events=(), scope=(), enabled=True,
        created_by="t", created_at=1.0,
    )  # fmt: skip


_KILLED = """
import sys
from pathlib import Path
from heatloop.app.settings import load_settings
from heatloop.app.wiring import open_records
records, keys = open_records(load_settings(Path(sys.argv[1])))
keys.rotate("data")
number = records.crypto.begin_reseal(keys.data_id, user="t", total=1, at=1.0)
def told(done):
    print(done, flush=True)
records.crypto.reseal(told)
print("end", flush=True)
"""


def test_7_8_e_a_kill_in_the_middle_of_a_reseal_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, keys = open_records(load_settings(tmp_path / "d"))
    people = [
        {"code": f"PE{n:05d}", "zh": "人", "en": "person", "phone": f"139{n:08d}"}
        for n in range(3000)
    ]
    records.ledger.save({"person": people}, version=1, keys={}, at=1.0, by="t")
    first = keys.data_id
    records.close()
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(tmp_path / "d")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "end" or int(line) >= 800:
                break
        os.kill(process.pid, signal.SIGKILL)
    records, keys = open_records(load_settings(tmp_path / "d"))
    usage = records.crypto.usage()
    assert usage[first] > 0, "it was over before it was killed"
    assert usage[keys.data_id] >= 600
    assert sum(usage.values()) == 3000
    loaded = {row["code"]: row["phone"] for row in records.ledger.load().sheets["person"]}
    assert loaded == {row["code"]: row["phone"] for row in people}
    assert records.crypto.reseals(1)[0].state == "running"
    assert records.crypto.reseal() == usage[first]
    assert records.crypto.usage() == {keys.data_id: 3000}
    records.close()


async def test_7_8_e_a_run_that_broke_off_goes_on_at_the_next_start(here: Town) -> None:
    platform = here.platform
    platform.keys.rotate("data")
    platform.records.crypto.begin_reseal(platform.keys.data_id, user="t", total=1, at=1.0)
    await platform.key_room.resume()
    await done(platform)
    assert platform.records.crypto.usage().keys() == {platform.keys.data_id}
    assert [run.state for run in platform.records.crypto.reseals()] == ["done", "broken"]


def follower(made: Town, folder: Path) -> Identity:
    """Return a gateway's identity as enrolment leaves it."""
    keys = made.platform.keys
    profile = made.platform.gateways.profile("GW0001")
    folder.mkdir()
    (folder / "gateway.key").write_bytes(SigningKey.generate().raw)
    save_json(folder / "profile.json", profile)
    save_json(folder / "platform.json", {"public_key": keys.signing.public.hex()})
    found = load_identity(folder, "GW0001")
    assert found is not None
    return found


async def test_7_8_e_gateways_follow_a_new_signing_key_without_a_visit(
    here: Town, tmp_path: Path
) -> None:
    keys, room = here.platform.keys, here.platform.key_room
    identity = follower(here, tmp_path / "edge")
    gateway = await here.enrol()
    await gateway.connect()
    first = keys.signing
    view = await room.rotate("zhao", "signing", "yearly change")
    assert keys.signing.key_id != first.key_id
    assert view.gateways_behind == ["GW0001"]
    frame = gateway.of("keys")[-1]
    with pytest.raises(Refused, match="confirmed"):
        await room.retire("zhao", "signing", first.key_id, "not used")
    assert identity.trust(frame["documents"])
    assert not identity.trust(frame["documents"])  # again: nothing new
    # During the overlap both are good.
    for signer in (first, keys.signing):
        open_document(identity.ring, sign_document(signer, {"a": 1}))
    room._gateways._keys_seen["GW0001"] = identity.keys_seq  # what its next hello says
    await room.retire("zhao", "signing", first.key_id, "not used")
    assert identity.trust(gateway.of("keys")[-1]["documents"])
    with pytest.raises(UnsafeError, match="not trusted"):
        open_document(identity.ring, sign_document(first, {"a": 1}))
    # Its old profile was signed with the retired key: it starts all the same.
    kept = load_identity(tmp_path / "edge", "GW0001")
    assert kept is not None
    assert kept.keys_seq == 2
    with pytest.raises(UnsafeError):
        open_document(kept.ring, sign_document(first, {"a": 1}))
    # One that slept through all of it comes to the same end; the retired key cannot come back.
    sleeper = follower_of(tmp_path / "sleeper", first, here)
    assert sleeper.trust(keys.trust_after(0))
    assert sleeper.ring.publics == [keys.signing.public]
    evil = {"kind": "platform-keys", "seq": 3, "publics": [first.public.hex()], "at": 1.0}
    with pytest.raises(UnsafeError):
        sleeper.trust([sign_document(first, evil)])
    with pytest.raises(InputError, match="missing"):
        sleeper.trust([sign_document(keys.signing, evil | {"seq": 5})])
    with pytest.raises(InputError):
        sleeper.trust([sign_document(keys.signing, {"kind": "else", "seq": 3, "publics": []})])
    assert sleeper.keys_seq == 2


def follower_of(folder: Path, signer: SigningKey, made: Town) -> Identity:
    plain = open_document(made.platform.keys.ring, made.platform.gateways.profile("GW0001"))
    folder.mkdir()
    (folder / "gateway.key").write_bytes(SigningKey.generate().raw)
    save_json(
        folder / "profile.json", sign_document(signer, EdgeProfile.from_dict(plain).to_dict())
    )
    save_json(folder / "platform.json", {"public_key": signer.public.hex()})
    found = load_identity(folder, "GW0001")
    assert found is not None
    return found


def test_keys_come_from_the_environment_when_they_stand_there(tmp_path: Path) -> None:
    own = SigningKey.generate()
    old, new = provider("international").new_data_key(), provider("sm").new_data_key()
    environ = {
        "HEATLOOP_KEY_SIGNING": own.raw.hex(),
        "HEATLOOP_KEY_DATA": f"{new.hex()},{old.hex()}",
    }
    keys = load_keys(tmp_path / "k", environ=environ)
    assert keys.signing.key_id == own.key_id
    assert keys.data == new
    assert list(keys.old_data.values()) == [old]
    assert not list((tmp_path / "k").iterdir())
    with pytest.raises(Refused, match="environment"):
        keys.rotate("data")
    for bad in ("zz", "00", new.hex() + ",xx"):
        with pytest.raises(ConfigError) as caught:
            load_keys(tmp_path / "k", environ={**environ, "HEATLOOP_KEY_DATA": bad})
        assert new.hex() not in str(caught.value)


@pytest.mark.parametrize("suite", ["international", "sm"])
def test_key_files_can_be_wrapped_under_a_passphrase(tmp_path: Path, suite: str) -> None:
    folder = tmp_path / "k"
    secret = load_keys(folder, suite, {}).data
    word = {"HEATLOOP_KEY_PASSPHRASE": "correct horse battery"}
    assert load_keys(folder, suite, word).wrap_all() == 2
    files = b"".join(path.read_bytes() for path in folder.iterdir())
    assert secret not in files
    again = load_keys(folder, suite, word)
    assert again.data == secret
    again.rotate("data")
    assert again.data not in b"".join(path.read_bytes() for path in folder.iterdir())
    with pytest.raises(ConfigError, match="no passphrase"):
        load_keys(folder, suite, {})
    with pytest.raises(ConfigError, match="does not open"):
        load_keys(folder, suite, {"HEATLOOP_KEY_PASSPHRASE": "wrong horse battery"})
    with pytest.raises(ConfigError, match="too short"):
        load_keys(folder, suite, {"HEATLOOP_KEY_PASSPHRASE": "short"})


def test_6_3_d_1_no_secret_stands_in_a_message_a_name_or_a_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    folder = tmp_path / "k"
    keys = load_keys(folder, environ={})
    keys.rotate("data")
    keys.rotate("signing")
    held = keys.held.keys
    told = [repr(keys), repr(held), repr(keys.held), repr(keys.signing), str(keys.signing)]
    file = folder / held[0].file
    content = file.read_bytes()
    for damage in (b"", content[:-1], content + b"x"):
        file.write_bytes(damage)
        with pytest.raises(ConfigError) as caught:
            load_keys(folder, environ={})
        told += [str(caught.value), repr(caught.value)]
    file.write_bytes(content)
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="others") as caught:
        load_keys(folder, environ={})
    file.chmod(0o600)
    told += [
        str(caught.value),
        caplog.text,
        *capsys.readouterr(),
        (folder / "keys.json").read_text(),
    ]
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    for key in held:
        for shape in (key.secret.hex(), repr(key.secret), key.secret.hex().upper()):
            assert not any(shape in text for text in told)


def test_a_crash_between_file_and_list_leaves_the_old_key_in_use(tmp_path: Path) -> None:
    keys = load_keys(tmp_path / "k", environ={})
    before = keys.data_id
    keys._make("data", keys.suite)  # its file is there, the list was not written
    again = load_keys(tmp_path / "k", environ={})
    assert again.data_id == before
    assert len(folder_keys(tmp_path / "k", {}).of("data")) == 1


def test_a_folder_of_the_first_version_is_read_as_it_is(tmp_path: Path) -> None:
    signer, secret = SigningKey.generate(), os.urandom(32)
    for name, raw in (("platform.ed25519", signer.raw), ("data.aes256", secret)):
        (tmp_path / name).write_bytes(raw)
        (tmp_path / name).chmod(0o600)
    keys: PlatformKeys = load_keys(tmp_path, environ={})
    assert keys.signing.key_id == signer.key_id
    assert keys.data == secret
    keys.rotate("signing")
    first = keys.trust_after(0)
    assert open_document(KeyRing([signer.public]), first[0])["publics"][1] == signer.public.hex()
    assert json.loads((tmp_path / "keys.json").read_text())["keys"]
