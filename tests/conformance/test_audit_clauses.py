"""Audit: every write leaves an entry, nobody but its administrator touches the trail."""

import json
import re
from pathlib import Path
from typing import Any

from heatloop.security.access import ADMINISTRATORS, Role
from heatloop.security.keys import KeyRing, open_document
from heatloop.web.written import QUESTIONS
from tests.unit.app_town import town

API = "/api/v1"
_WRITES = ("post", "put", "patch", "delete")
LIMITS = {"limits": False}


def _value(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """Return something a schema takes, as far as it says."""
    if "$ref" in schema:
        return _value(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for key in ("default", "const"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return _value(schema[key][0], schemas)
    match schema.get("type"):
        case "object":
            needed = schema.get("required", ())
            return {n: _value(schema["properties"][n], schemas) for n in needed}
        case "array":
            return [_value(schema["items"], schemas)] * schema.get("minItems", 0)
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return False
    if schema.get("format") == "date-time":
        return "2026-11-01T00:00:00+08:00"
    return "SS0001"[: schema.get("maxLength", 6)].ljust(schema.get("minLength", 0), "a")


def _writes(document: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Return (method, path, body) of every writing route."""
    schemas, found = document["components"]["schemas"], []
    for path, ways in document["paths"].items():
        for method, route in ways.items():
            if method not in _WRITES or path in QUESTIONS:
                continue
            shown = re.sub(r"\{(\w+)\}", lambda m: "1" if "seq" in m[1] else "UN0001", path)
            content = route.get("requestBody", {}).get("content", {})
            body = content.get("application/json")
            found.append((method.upper(), shown, body and _value(body["schema"], schemas)))
    return found


async def test_9_2_2_2_every_writing_route_leaves_an_entry(tmp_path: Path) -> None:
    async with town(tmp_path, watch=LIMITS) as here:
        writes = _writes(here.app.openapi())
        assert len(writes) > 60
        asked: dict[str, tuple[str, str, str, int]] = {}
        # One who may nearly everything, and one who may nothing.
        for name, roles in (("boss", (*(set(Role) - ADMINISTRATORS), Role.SYSTEM_ADMIN)),
                            ("user", (Role.HEAT_USER,))):  # fmt: skip
            here.add_user(name, *roles)
            for method, path, body in writes if name == "boss" else writes[::5]:
                # A session of its own: among the routes are those that end it.
                async with here.client(name) as client:
                    reply = await client.request(method, path, json=body)
                assert reply.status_code < 500 or reply.status_code == 503, (path, reply.text)
                request = reply.headers["x-request-id"]
                asked[request] = (name, method, path, reply.status_code)
        # Emergency orders are in the local journal first.
        await here.platform.audit_room.keeper.chain_in()
        trail = [entry for entry, _ in here.platform.records.audit.after(0, 10**6)]
        told = {entry["request"]: entry for entry in trail}
        # Somebody turned away twice within a minute at one place is told once.
        away = {each[1:] for request, each in asked.items() if request in told}
        missing = [
            each
            for request, each in asked.items()
            if request not in told and not (each[3] in (401, 403) and each[1:] in away)
        ]
        assert missing == []
        for request, (name, *_) in asked.items():
            if request not in told:
                continue
            assert told[request]["address"] == "127.0.0.1", asked[request]
            assert told[request]["role"] in ("", "heat_user") or name == "boss"
        results = {told[request]["result"] for request in asked if request in told}
        assert results >= {"done", "refused"}
        assert here.platform.records.audit.examine().broken is None


async def test_6_1_3_e_2_an_operation_is_in_the_chain_with_who_where_before_and_after(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as here:
        async with here.client("li", Role.OPERATION_ENGINEER) as client:
            for stage in ("advise", "observe"):
                reply = await client.put(f"{API}/units/UN0001/stage", json={"stage": stage})
                assert reply.status_code == 200
            request = reply.headers["x-request-id"]
        async with here.client("sun", Role.AUDIT_ADMIN) as client:
            page = await client.get(f"{API}/audit", params={"request": request})
            (entry,) = page.json()["items"]
            told = {k: entry[k] for k in ("user", "role", "address", "action", "result")}
            assert told == {
                "user": "li",
                "role": "operation_engineer",
                "address": "127.0.0.1",
                "action": "unit.stage",
                "result": "done",
            }
            detail = (await client.get(f"{API}/audit/entries/{entry['seq']}")).json()
            assert len(detail["previous"]) == 64
            changed = {(c["table"], c["operation"]) for c in detail["changes"]}
            assert ("unit_stage", "insert") in changed
            assert (await client.get(f"{API}/audit/entries/999999")).status_code == 404
            for asked, count in (
                ({"user": "li"}, 2), ({"action": "unit."}, 2), ({"action": "unit.stage"}, 2),
                ({"subject": "N000"}, 2), ({"result": "refused"}, 0), ({"address": "127."}, 2),
                ({"address": "10."}, 0), ({"subject": "%"}, 0),
                ({"end": "2001-01-01T00:00:00Z"}, 0), ({"start": "2001-01-01T00:00:00Z"}, 2),
            ):  # fmt: skip
                query = {"user": "li", **asked}
                found = (await client.get(f"{API}/audit", params=query)).json()
                assert found["total"] == count, asked


async def test_gbt22239_ces1_15_only_the_audit_administrator_touches_the_trail(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as here:
        ways = [
            ("POST", "/audit/periods", {"before": "2026-01-01T00:00:00Z"}),
            ("DELETE", "/audit/periods/1/entries", None),
            ("POST", "/audit/copies/restart", {"target": "x", "reason": "because"}),
            ("POST", "/audit/check", None),
            ("GET", "/audit", None),
            ("GET", "/audit/state", None),
            ("GET", "/audit/export", None),
        ]
        for role in Role:
            async with here.client(f"who_{role.value}", role) as client:
                codes = [
                    (await client.request(method, API + path, json=body)).status_code
                    for method, path, body in ways
                ]
            if role is Role.AUDIT_ADMIN:
                assert codes == [200, 404, 404, 202, 200, 200, 200]
            else:
                assert codes == [403] * len(ways), role
        # Nothing in the settings of the program can switch it off.
        names = set(here.platform.settings.audit.__slots__)
        assert not any("enabled" in name or "off" in name for name in names)
        state = here.platform.records.audit.list(action="audit.check")[0]
        assert state == 1
        kept = here.platform.records.audit.list(action="audit.configured")[1]
        assert len(kept) <= 1


async def test_gbt22239_ces1_14_check_export_and_periods_over_the_api(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    async with town(tmp_path / "data", audit={"copy_to": str(copy)}) as here:
        for n in range(20):
            await here.platform.audit.add("li", "test.written", f"SS{n}", before=None, after=n)
        await here.platform.audit_room.keeper.checkpoint(now=True)
        here.platform.audit_room.keeper.copies.states[0].sent_s = 0.0
        await here.platform.audit_room.keeper.tend()
        async with here.client("sun", Role.AUDIT_ADMIN) as client:
            assert (await client.post(f"{API}/audit/check")).status_code == 202
            await here.platform.audit_room.close()
            check = (await client.get(f"{API}/audit/check")).json()
            assert (check["ok"], check["running"], check["reason"]) == (True, False, "")
            assert check["checked"] == check["total"] > 20
            assert check["checkpoints"] >= 1
            state = (await client.get(f"{API}/audit/state")).json()
            assert state["writable"]
            assert state["entries"] >= 20
            assert state["copies"][0]["target"] == str(copy)
            assert not state["copies"][0]["late"]
            assert state["copies"][0]["through"] >= 20
            ring = KeyRing([bytes.fromhex(state["public_key"])])
            export = await client.get(f"{API}/audit/export", params={"action": "test."})
            key_id, _, signature = export.headers["x-heatloop-signature"].partition(":")
            ring.verify(key_id, export.content, bytes.fromhex(signature))
            lines = [json.loads(line) for line in export.content.splitlines()]
            assert [line["detail"]["after"] for line in lines[:-1]] == list(range(20))
            assert open_document(ring, lines[-1]["signed"])["entries"] == 20
            # Nothing young can be sealed: the last day stays open.
            sealed = await client.post(
                f"{API}/audit/periods", json={"before": "2090-01-01T00:00:00Z"}
            )
            assert sealed.json() == {"period": None}
        # One altered entry is found, by the check and on the screen.
        with here.platform.records.database.write() as connection:
            connection.exec_driver_sql("DROP TRIGGER audit_entry_no_UPDATE")
            connection.exec_driver_sql("UPDATE audit_entry SET user = 'wu' WHERE seq = 7")
        async with here.client("sun") as client:
            assert (await client.post(f"{API}/audit/check")).status_code == 202
            await here.platform.audit_room.close()
            check = (await client.get(f"{API}/audit/check")).json()
            assert (check["ok"], check["first_broken"], check["reason"]) == (False, 7, "altered")


async def test_gbt22239_ces1_15_writes_stop_while_the_trail_cannot_be_written(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as here:
        async with here.client("li", Role.DISPATCHER) as client:
            stage = {"stage": "advise"}
            assert (await client.put(f"{API}/units/UN0001/stage", json=stage)).status_code == 200
            with here.platform.records.database.write() as connection:
                connection.exec_driver_sql(
                    "CREATE TRIGGER no_room BEFORE INSERT ON audit_entry"
                    " BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END"
                )
            here.platform.audit._good_s = 0.0
            body = {"stage": "automatic"}
            for _ in range(2):
                reply = await client.put(f"{API}/units/UN0001/stage", json=body)
                assert (reply.status_code, reply.json()["error"]["code"]) == (
                    503,
                    "audit_unavailable",
                )
                assert reply.json()["error"]["message_zh"]
            assert (await client.get(f"{API}/overview")).status_code == 200
            active = here.platform.alarming.active_of(("audit_unavailable",))
            assert [alarm.priority for alarm in active.values()] == [1]
            with here.platform.records.database.write() as connection:
                connection.exec_driver_sql("DROP TRIGGER no_room")
            here.platform.audit._tried_s = 0.0
            assert (await client.put(f"{API}/units/UN0001/stage", json=body)).status_code == 200
            await here.platform.audit_room.keeper.tend()
        assert here.platform.alarming.active_of(("audit_unavailable",)) == {}
        assert here.platform.records.audit.list(action="audit.recovered")[0] == 1
