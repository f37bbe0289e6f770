"""Personal data: masked, sealed, revealed one at a time, given away only unrecognisable, erased."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from heatloop.app.governance import Governance
from heatloop.app.personal_erase import Erasure
from heatloop.app.refusals import Forbidden
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import UnsafeError
from heatloop.kernel.scope import Scope
from heatloop.plant import personal_register as registered
from heatloop.plant.data_classes import Grade, Level, readable
from heatloop.security.access import (
    COMMAND_LABELS,
    CommandClass,
    Principal,
    Role,
    authorise_command,
    default_label,
)
from heatloop.security.anonymity import smallest_group
from heatloop.security.labels import Label
from heatloop.security.receiver_seal import new_receiver_key, open_sealed
from heatloop.store.records import Records
from heatloop.store.tables import read_tables
from tests.unit.app_town import START_S, Town
from tests.unit.personal_town import ADDRESS, CLEAR, NAME, NUMBER, PHONE, peopled

API = "/api/v1"
ROOM = "RC0001.room_temperature"
WINDOW = {"start": utc(START_S - 30 * 86400).isoformat(), "end": utc(START_S).isoformat()}


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with peopled(tmp_path / "town", session={"proof_minutes": 0.0}) as made:
        yield made


async def ticket(here: Town, user: str, purpose: str, *classes: str) -> str:
    """Let somebody ask for an approval ticket and another grant it."""
    async with here.client(user) as client, here.client("zhao") as keeper:
        wish = {"purpose": purpose, "classes": list(classes), "reason": "合同约定"}
        made = await client.post(f"{API}/governance/permits", json=wish)
        assert made.status_code == 201, made.text
        path = f"{API}/governance/permits/{made.json()['id']}/decision"
        assert (await keeper.post(path, json={"approve": True})).status_code == 200
    return str(made.json()["id"])


def shows(reply: httpx.Response) -> list[str]:
    return [value for value in CLEAR if value in reply.text]


# Masked, and revealed one at a time


async def test_6_1_3_e_2_personal_values_are_masked_in_views_exports_and_histories(
    here: Town,
) -> None:
    async with here.client("eva", Role.MANAGER) as client:
        contract = (await client.get(f"{API}/assets/CT00001")).json()["asset"]
        assert contract["attributes"]["phone"] == "138****6666"
        assert contract["attributes"]["user_name"] == "欧*"
        assert contract["attributes"]["id_number"] == "****3456"
        assert contract["masked"] == ["id_number", "phone", "user_name"]
        flat = (await client.get(f"{API}/assets/FL00001")).json()["asset"]
        assert flat["attributes"]["address"] == "长春市朝阳区幸福小区12号楼***"
        person = (await client.get(f"{API}/assets/PE0001")).json()["asset"]
        assert (person["zh"], person["attributes"]["email"]) == ("司*", "s***@heat.example")
        for kind in ("contract", "person", "flat", "building", "team"):
            assert shows(await client.get(f"{API}/assets?kind={kind}&size=500")) == []
    async with here.client("cai", Role.AUDIT_ADMIN) as client:
        for row in ("contract|CT00001", "person|PE0001", "flat|FL00001"):
            assert shows(await client.get(f"{API}/history-of/ledger_row/{row}")) == []
    async with here.client("chen", Role.OPERATION_ENGINEER) as client:
        book = await client.get(f"{API}/ledger/export?format=csv")
        assert book.status_code == 200, book.text
        with zipfile.ZipFile(io.BytesIO(book.content)) as archive:
            everything = "".join(archive.read(n).decode("utf-8-sig") for n in archive.namelist())
        assert [value for value in CLEAR if value in everything] == []
        assert "138****6666" in everything
    # Household facts are beyond a dispatcher's label, whatever he may otherwise see.
    async with here.client("wang", Role.DISPATCHER) as client:
        flat = (await client.get(f"{API}/assets/FL00001")).json()["asset"]
        assert flat["attributes"]["area_m2"] == "***"


async def test_6_1_3_e_2_one_value_is_revealed_with_a_reason_and_a_trace(here: Town) -> None:
    ask = {"subject": "CT00001", "field": "phone", "reason": "回访报修"}
    async with here.client("lin", Role.CUSTOMER_SERVICE) as client:
        told = await client.post(f"{API}/personal/reveal", json=ask)
        assert (told.status_code, told.json()["value"]) == (200, PHONE)
        (entry,) = here.platform.records.audit.list(action="personal.reveal")[1]
        assert (entry.user, entry.subject, entry.detail["field"]) == ("lin", "CT00001", "phone")
        assert entry.detail["reason"] == "回访报修"
        assert PHONE not in str(entry)
        name = await client.post(f"{API}/personal/reveal", json=ask | {"field": "user_name"})
        assert name.json()["value"] == NAME
        for wrong in ({"field": "area_m2"}, {"field": "nothing"}):
            reply = await client.post(f"{API}/personal/reveal", json=ask | wrong)
            assert reply.json()["error"]["code"] == "not_personal"
        assert (
            await client.post(f"{API}/personal/reveal", json=ask | {"reason": ""})
        ).status_code == 422
        gone = await client.post(f"{API}/personal/reveal", json=ask | {"subject": "CT99999"})
        assert gone.status_code == 404
    async with here.client("wang", Role.DISPATCHER) as client:
        assert (await client.post(f"{API}/personal/reveal", json=ask)).status_code == 403
    async with here.client("far", Role.CUSTOMER_SERVICE, scope="CO01/BR02") as client:
        assert (await client.post(f"{API}/personal/reveal", json=ask)).status_code == 404


async def test_6_1_3_e_2_reveals_are_counted_and_end_at_a_limit(tmp_path: Path) -> None:
    overrides: dict[str, Any] = {"privacy": {"reveals_per_hour": 3}}
    async with peopled(tmp_path / "town", **overrides) as here:
        ask = {"subject": "CT00001", "field": "phone", "reason": "测试一次"}
        async with here.client("lin", Role.CUSTOMER_SERVICE) as client:
            left = [(await client.post(f"{API}/personal/reveal", json=ask)).json()["left"]
                    for _ in range(3)]  # fmt: skip
            assert left == [2, 1, 0]
            over = await client.post(f"{API}/personal/reveal", json=ask)
            assert (over.status_code, over.json()["error"]["code"]) == (429, "reveal_limit")
        assert here.platform.records.audit.list(action="personal.reveal_limit")[0] == 1
        await here.platform.security_events.settle()
        kinds = {row.kind for row in here.platform.records.watch.events(limit=100)[1]}
        assert "mass_reveal" in kinds


# Labels


def somebody(*roles: Role, label: Label | None = None) -> Principal:
    return Principal(user="x", roles=frozenset(roles), scope=Scope.everything(), given_label=label)


def test_6_3_c_a_label_closes_what_the_role_allows() -> None:
    household = Grade(class_name="household", level=Level.L3)
    assert readable(somebody(Role.MANAGER), household)
    usual = default_label([Role.MANAGER])
    low = Label(level=Level.L2, categories=usual.categories)
    assert not readable(somebody(Role.MANAGER, label=low), household)
    apart = Label(level=Level.L4, categories=usual.categories - {"customer"})
    assert not readable(somebody(Role.MANAGER, label=apart), household)
    # An L4 item stays closed to an L3 person even where his role is among the readers.
    top = Grade(class_name="household", level=Level.L4)
    assert not readable(somebody(Role.MANAGER), top)
    high = Label(level=Level.L4, categories=usual.categories)
    assert readable(somebody(Role.MANAGER, label=high), top)
    # A label alone opens nothing: the role must be among the readers.
    assert not readable(somebody(Role.DISPATCHER, label=high), household)
    # Classes of commands have labels as well.
    authorise_command(somebody(Role.DISPATCHER), CommandClass.DANGEROUS, "")
    plain = COMMAND_LABELS[CommandClass.NORMAL]
    careful = somebody(Role.DISPATCHER, label=plain)
    authorise_command(careful, CommandClass.NORMAL, "")
    for each in (CommandClass.DANGEROUS, CommandClass.NETWORK, CommandClass.EMERGENCY):
        with pytest.raises(UnsafeError, match="label"):
            authorise_command(careful, each, "")


async def test_6_3_c_the_security_administrator_gives_labels(here: Town) -> None:
    ask = {"subject": "CT00001", "field": "phone", "reason": "回访报修"}
    label = {"level": "L2", "categories": ["operation", "customer"], "reason": "试用期"}
    async with (
        here.client("lin", Role.CUSTOMER_SERVICE) as client,
        here.client("zhao", Role.SECURITY_ADMIN) as keeper,
        here.client("su", Role.SYSTEM_ADMIN) as system,
    ):
        assert (await client.post(f"{API}/personal/reveal", json=ask)).status_code == 200
        made = await keeper.put(f"{API}/labels/lin", json=label)
        assert made.status_code == 200, made.text
        assert made.json()["given"] is True
        # In force at once, in the session that is open.
        closed = await client.post(f"{API}/personal/reveal", json=ask)
        assert (closed.status_code, closed.json()["error"]["code"]) == (403, "data_not_yours")
        contract = (await client.get(f"{API}/assets/CT00001")).json()["asset"]
        assert contract["attributes"]["contract_no"] == "***"
        assert (await keeper.put(f"{API}/labels/zhao", json=label)).status_code == 403
        assert (await system.put(f"{API}/labels/lin", json=label)).status_code == 403
        (entry,) = here.platform.records.audit.list(action="user.label")[1]
        assert (entry.user, entry.subject) == ("zhao", "lin")
        assert (entry.detail["before"]["level"], entry.detail["after"]["level"]) == ("L3", "L2")
        assert (await keeper.delete(f"{API}/labels/lin")).json()["given"] is False
        assert (await client.post(f"{API}/personal/reveal", json=ask)).status_code == 200


# Doors


async def test_6_3_c_samples_are_behind_the_door_of_exports(here: Town) -> None:
    words = {"start": WINDOW["start"], "end": WINDOW["end"]}
    async with here.client("eva", Role.MANAGER) as client:
        closed = await client.get(f"{API}/samples", params=words | {"points": ROOM})
        assert (closed.status_code, closed.json()["error"]["code"]) == (403, "permit_needed")
        free = await client.get(f"{API}/samples", params=words | {"asset": "HS0001", "all": False})
        assert free.status_code == 403  # A flat lies below the source.
        free = await client.get(f"{API}/samples", params=words | {"all": True})
        assert free.status_code == 200
    here.add_user("zhao", Role.SECURITY_ADMIN)
    await ticket(here, "eva", "billing", "household")
    async with here.client("eva") as client:
        client.headers["X-Heatloop-Purpose"] = "billing"
        assert (
            await client.get(f"{API}/samples", params=words | {"points": ROOM})
        ).status_code == 200
    rows = here.platform.records.audit.list(action="data.export")[1]
    assert [(e.user, e.subject) for e in rows if e.detail.get("permit")] == [("eva", "samples")]


async def test_6_3_c_a_full_ledger_needs_a_ticket_and_a_masked_one_comes_back(here: Town) -> None:
    async with here.client("chen", Role.OPERATION_ENGINEER) as client:
        closed = await client.get(f"{API}/ledger/export?personal=full")
        assert closed.status_code == 403
        book = await client.get(f"{API}/ledger/export?format=xlsx")
        before = here.platform.world.ledger
        done = await client.post(f"{API}/ledger/import", files={"file": ("l.xlsx", book.content)})
        assert done.status_code == 200, done.text
        # Masked cells stand for what is in force: nothing was lost.
        after = here.platform.world.ledger
        assert after.version == before.version + 1
        for code in ("CT00001", "PE0001", "FL00001"):
            assert after.assets[code] == before.assets[code]
    here.add_user("zhao", Role.SECURITY_ADMIN)
    await ticket(here, "chen", "billing", "household", "personal")
    async with here.client("chen") as client:
        client.headers["X-Heatloop-Purpose"] = "billing"
        full = await client.get(f"{API}/ledger/export?personal=full")
        # What the other classes in the ledger are not for cannot leave under that purpose.
        assert full.json()["error"]["code"] == "purpose_not_permitted"


# At rest


def dump(folder: Path) -> bytes:
    """Return every byte below a data folder but its keys."""
    files = [p for p in folder.rglob("*") if p.is_file() and "keys" not in p.parts]
    return b"".join(path.read_bytes() for path in files)


async def test_7_8_e_a_raw_dump_shows_no_personal_value(here: Town) -> None:
    async with here.client("zhao", Role.SECURITY_ADMIN) as client:
        body = {"name": "holder", "full_name": NAME, "roles": ["dispatcher"], "scope": [""]}
        assert (await client.post(f"{API}/users", json=body)).status_code == 201
    feed = {"system": "billing", "records": [
        {"id": "B-1", "revision": 1, "entity": "contract", "changed_at": utc(START_S).isoformat(),
         "parent": "FL00101", "fields": {"contract_no": "H-9", "user_name": NAME, "phone": PHONE,
         "id_number": NUMBER, "area_m2": 70.0, "tariff": "area"}}]}  # fmt: skip
    async with here.client("billing", Role.INTEGRATOR) as client:
        told = await client.post(f"{API}/sync/records", json=feed)
        assert told.status_code in (200, 422), told.text
    async with here.client("lin", Role.CUSTOMER_SERVICE) as client:
        ask = {"subject": "CT00001", "field": "user_name", "reason": "核对姓名"}
        assert (await client.post(f"{API}/personal/reveal", json=ask)).json()["value"] == NAME
        note = {"subject": "CT00001", "purpose": "customer_service", "note": "电话同意"}
        assert (await client.post(f"{API}/personal/consents", json=note)).status_code == 201
    raw = dump(here.folder)
    assert len(raw) > 100_000
    assert [value for value in CLEAR if value.encode() in raw] == []
    assert b"CT00001" in raw


async def test_7_8_e_a_tampered_row_is_found_and_old_keys_still_read(here: Town) -> None:
    keys = here.platform.keys
    url = here.platform.settings.records_url
    rotated = Records(
        url, data_key=bytes(32), data_key_id="next", old_keys={keys.data_id: keys.data}
    )
    try:
        held = {row["code"]: row for row in rotated.ledger.load().sheets["contract"]}
        assert held["CT00001"]["user_name"] == NAME
    finally:
        rotated.close()
    with here.platform.records.database.write() as connection:
        found = connection.execute(
            text("SELECT number, sealed FROM ledger_row WHERE code = 'CT00001'")
        ).one()
        spoilt = bytearray(found.sealed)
        spoilt[-1] ^= 1
        connection.execute(
            text("UPDATE ledger_row SET sealed = :blob WHERE number = :number"),
            {"blob": bytes(spoilt), "number": found.number},
        )
    with pytest.raises(UnsafeError):
        here.platform.records.ledger.load()


# Purposes and consents


def test_8_2_g_every_personal_field_is_collected_for_a_purpose(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert registered.register_findings() == []
    known = dict(registered.personal_register())
    without = {place: row for place, row in known.items() if place[2] != "phone"}
    monkeypatch.setattr(registered, "personal_register", lambda: without)
    assert registered.register_findings() == [
        "collected without a purpose: ledger.contract.phone",
        "collected without a purpose: ledger.person.phone",
    ]
    extra = known | {("ledger", "pump", "colour"): known["ledger", "contract", "phone"]}
    monkeypatch.setattr(registered, "personal_register", lambda: extra)
    assert registered.register_findings() == ["registered and not collected: ledger.pump.colour"]


# Data for others


async def receiver(here: Town, code: str, *fields: str, days: float = 30.0) -> bytes:
    private, public = new_receiver_key()
    now = machine_s()
    body = {
        "name": "监管平台", "contract": "供〔2026〕12 号", "purposes": ["supervision"],
        "fields": list(fields), "public_key": public.hex(),
        "valid_from": utc(now - 86400).isoformat(),
        "valid_until": utc(now + days * 86400).isoformat(),
    }  # fmt: skip
    async with here.client("zhao") as client:
        made = await client.put(f"{API}/personal/receivers/{code}", json=body)
        assert made.status_code == 200, made.text
    return private


async def give(here: Town, code: str, *fields: str, **more: Any) -> httpx.Response:
    body = {"receiver": code, "purpose": "supervision", "reason": "年度报送",
            "fields": list(fields), **WINDOW, **more}  # fmt: skip
    async with here.client("eva") as client:
        return await client.post(f"{API}/personal/given", json=body)


FIELDS = ("place", "area_m2", "floor", "orientation")


async def test_8_2_g_without_authorisation_nothing_is_given(here: Town) -> None:
    here.add_user("eva", Role.MANAGER)
    here.add_user("zhao", Role.SECURITY_ADMIN)

    async def code(*fields: str, receiver: str = "GOV", **more: Any) -> str:
        reply = await give(here, receiver, *fields, **more)
        return str(reply.json()["error"]["code"])

    assert await code("floor") == "not_found"
    await receiver(here, "GOV", "floor", days=-0.5)
    assert await code("floor") == "receiver_not_authorised"  # Its time is over.
    await receiver(here, "GOV", "floor")
    assert await code("floor", "place") == "receiver_not_authorised"  # Not that field.
    assert await code("floor", purpose="billing") == "receiver_not_authorised"
    assert await code("floor") == "permit_needed"
    await ticket(here, "eva", "supervision", "household")
    assert (await give(here, "GOV", "floor")).status_code == 201
    # Pseudonyms of persons are personal data, which are not for this purpose at all.
    await receiver(here, "GOV", "floor", "phone")
    assert await code("phone") == "purpose_not_permitted"
    async with here.client("eva") as client:
        given = (await client.get(f"{API}/personal/given")).json()
        assert [row["state"] for row in given["items"]].count("done") == 1
        nobody = await client.put(f"{API}/personal/receivers/GOV", json={})
        assert nobody.status_code == 403  # Who makes data sets does not authorise receivers.
    assert here.platform.records.audit.list(action="third_party.refused")[0] >= 5


async def test_8_2_g_nobody_can_be_found_in_what_is_given(here: Town) -> None:
    here.add_user("eva", Role.MANAGER)
    here.add_user("zhao", Role.SECURITY_ADMIN)
    await ticket(here, "eva", "supervision", "household")
    private, other = [await receiver(here, code, *FIELDS) for code in ("GOV", "LAB")]
    async with here.client("lin", Role.CUSTOMER_SERVICE) as client:
        note = {"subject": "FL00105", "purpose": "supervision", "note": ""}
        note["subject"] = "CT00001"
        made = await client.post(f"{API}/personal/consents", json=note)
        path = f"{API}/personal/consents/{made.json()['id']}/withdraw"
        assert (await client.post(path)).status_code == 200
    made = await give(here, "GOV", *FIELDS)
    assert made.status_code == 201, made.text
    told = made.json()
    assert told["k_reached"] >= 5
    assert told["left_out"] == 1  # Whoever objected.
    assert told["rows"] + told["suppressed"] + told["left_out"] == 62
    assert told["suppressed"] <= 0.05 * 62
    assert 0.0 <= told["loss_pct"] < 80.0
    async with here.client("eva") as client:
        file = await client.get(f"{API}/personal/given/{told['id']}/file")
    with pytest.raises(UnsafeError):
        open_sealed(other, file.content)
    plain = open_sealed(private, file.content)
    sheets = read_tables(plain, "csv")
    rows = sheets["data"]
    assert len(rows) == told["rows"]
    assert smallest_group(rows, FIELDS) >= 5
    words = " ".join(str(value) for row in rows for value in row.values())
    assert not any(code in words for code in ("FL0", "CT0", *CLEAR))
    # Another receiver's pseudonyms are others, so that two cannot put their sets together.
    second = (await give(here, "LAB", *FIELDS)).json()
    async with here.client("eva") as client:
        file = await client.get(f"{API}/personal/given/{second['id']}/file")
    theirs = read_tables(open_sealed(other, file.content), "csv")["data"]
    assert not {r["household"] for r in rows} & {r["household"] for r in theirs}
    about = {row["name"]: row["value"] for row in sheets["about"]}
    assert about["owner"]
    assert about["permit"] == told["permit"]


async def test_8_2_g_too_small_a_group_is_not_given(here: Town) -> None:
    here.add_user("eva", Role.MANAGER)
    here.add_user("zhao", Role.SECURITY_ADMIN)
    await ticket(here, "eva", "supervision", "household")
    await receiver(here, "GOV", *FIELDS)
    few = await give(here, "GOV", *FIELDS, k=100)
    assert (few.status_code, few.json()["error"]["code"]) == (422, "too_few_rows")


# Erasing


async def test_7_8_e_a_person_is_erased_from_ledger_past_and_exchange(here: Town) -> None:
    async with here.client("lin", Role.CUSTOMER_SERVICE) as client:
        ask = {"subject": "CT00001", "reason": "本人来函", "dry_run": True}
        dry = (await client.post(f"{API}/personal/erasures", json=ask)).json()
        action = {row["field"]: row["action"] for row in dry["fields"]}
        # The contract runs, and its papers are kept by law; telephone and address go.
        assert action == {"phone": "erased", "address": "erased", "user_name": "kept",
                          "id_number": "kept"}  # fmt: skip
        assert all(row["until"] and row["law_zh"] for row in dry["fields"]
                   if row["action"] == "kept")  # fmt: skip
        assert here.platform.world.ledger.assets["CT00001"].attributes["phone"] == PHONE
        done = (await client.post(f"{API}/personal/erasures", json=ask | {"dry_run": False})).json()
        assert (done["erased"], done["kept"]) == (2, 2)
        now = here.platform.world.ledger.assets
        assert "phone" not in now["CT00001"].attributes
        assert now["FL00001"].attributes.get("address") is None
        assert now["CT00001"].attributes["user_name"] == NAME
    history = here.platform.records.ledger.history("contract", "CT00001")
    assert len(history) == 2
    assert not any("phone" in each.row for each in history)
    assert not any(each.row.get("address") == ADDRESS
                   for each in here.platform.records.ledger.history("flat", "FL00001"))  # fmt: skip
    # Readings keep their pseudonym: flat, collector and points are as they were.
    assert here.keys.keys() == here.platform.world.ledger.points.keys()
    runs = here.platform.records.audit.list(action="personal.erase")[1]
    assert [e.detail["dry_run"] for e in runs] == [False, True]


async def test_7_8_e_what_is_past_its_time_goes_by_itself(here: Town) -> None:
    """The contract ended in 2020; the daily job runs when the platform starts."""
    records = here.platform.records
    async with asyncio.timeout(20):
        while not gone(here):
            await asyncio.sleep(0.05)
    (run,) = [row for row in records.personal.runs()[1] if row.kind == "retention"]
    assert (run.user, run.dry_run) == ("system", False)
    # Only whose time is over; the running contract is not touched.
    assert {row["subject"] for row in run.body["fields"]} == {"CT00002"}
    assert (run.body["erased"] > 0, run.body["kept"]) == (True, 0)
    assert here.platform.world.ledger.assets["CT00001"].attributes["phone"] == PHONE
    assert not any("phone" in each.row for each in records.ledger.history("contract", "CT00002"))
    # The second night there is nothing left to do, and nothing is told.
    async with here.client("lin", Role.CUSTOMER_SERVICE) as client:
        again = (await client.post(f"{API}/personal/retention", json={"dry_run": True})).json()
        assert again["erased"] == 0
    await Erasure(here.platform).retention_job(0.0)
    assert sum(not row.dry_run for row in records.personal.runs()[1]) == 1


def gone(here: Town) -> bool:
    """Return whether the ended contract's values went, and the run is written down."""
    held = here.platform.world.ledger.assets["CT00002"].attributes
    runs = here.platform.records.personal.runs()[1]
    return held["user_name"] == "已删除" and "phone" not in held and bool(runs)


async def test_9_2_3_an_export_outside_its_permitted_use_is_refused(here: Town) -> None:
    door = Governance.of(here.platform)
    eva = somebody(Role.MANAGER)
    with pytest.raises(Forbidden) as caught:
        await door.release(eva, purpose="research", what="t", points=[here.keys[ROOM]])
    assert caught.value.code == "purpose_not_permitted"
