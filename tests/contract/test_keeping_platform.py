"""The platform backs itself up: by the schedule, in a process of its own, tried by a restore."""

import asyncio
from pathlib import Path
from typing import Any

from heatloop.app.keeping_process import passphrase_path
from heatloop.security.access import Role
from heatloop.store.backup_keys import read_passphrase
from heatloop.store.backup_open import open_backup
from heatloop.store.backup_restore import restore
from heatloop.store.objects import open_objects
from tests.contract.keeping_house import historian, slot
from tests.unit.app_town import town


async def until_idle(client: Any, run: str) -> dict[str, Any]:
    seen = 0.0
    for _ in range(1200):
        found: dict[str, Any] = (await client.get(f"/api/v1/keeping/backups/{run}")).json()
        state = (await client.get("/api/v1/keeping/state")).json()
        if found["state"] != "running" and state["running"] is None:
            return found
        assert (found["progress"] or 0.0) >= 0.0
        seen = max(seen, found["progress"] or 0.0)
        await asyncio.sleep(0.05)
    raise AssertionError("never ends")


async def first_run(client: Any) -> str:
    for _ in range(600):
        items = (await client.get("/api/v1/keeping/backups?kind=full")).json()["items"]
        if items:
            return str(items[0]["id"])
        await asyncio.sleep(0.05)
    raise AssertionError("the schedule begins nothing")


async def test_a_full_backup_is_made_tried_and_told(tmp_path: Path) -> None:
    data, place = tmp_path / "d", tmp_path / "b"
    data.mkdir()
    with historian(data) as series:
        series.append(slot(1))
    async with (
        town(data, backup={"to": str(place)}) as here,
        here.client("sys", Role.SYSTEM_ADMIN) as client,
    ):
        # The schedule finds no backup and begins with a full one, which is always tried.
        first = await first_run(client)
        whole = await until_idle(client, first)
        assert (whole["user"], whole["kind"], whole["state"], whole["verified"]) == (
            "system", "full", "done", True,
        ), whole  # fmt: skip
        begun = await client.post("/api/v1/keeping/backups", json={"verify": True})
        assert begun.status_code == 202, begun.text
        again = await client.post("/api/v1/keeping/verify", json={})
        assert again.status_code == 409
        done = await until_idle(client, begun.json()["id"])
        assert (done["state"], done["kind"], done["verified"], done["error"]) == (
            "done", "incremental", True, "",
        )  # fmt: skip
        assert done["chain"] == whole["chain"]
        parts = {part["name"]: part for part in done["parts"]}
        assert parts["historian"]["counts"]["raw"] == 200
        assert done["new_bytes"] > 0

        state = (await client.get("/api/v1/keeping/state")).json()
        assert (state["ok"], state["problems"]) == (True, [])
        assert state["rpo_minutes"] < 5
        assert state["last_restore_minutes"] < 5
        page = (await client.get("/api/v1/keeping/backups?kind=verify")).json()
        assert page["items"][0]["state"] == "done"
        assert page["items"][0]["findings"] == []

        secret = read_passphrase(Path(passphrase_path(here.platform.settings)))
        _, trail = here.platform.records.audit.list(user="sys", limit=50)
        assert {"keeping.incremental", "keeping.done"} <= {entry.action for entry in trail}
        assert secret not in str([entry.detail for entry in trail])
    back = restore(open_backup(open_objects(str(place)), secret), tmp_path / "back")
    assert back.findings == ()
