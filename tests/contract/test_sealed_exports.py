"""Exports leave encrypted by default; in clear they need a right and a reason."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from heatloop.security.access import Role
from heatloop.security.container import Opener, Opening, new_receiver
from tests.unit.app_town import START_S, Town, town

WORD = "暖气 for every flat"
SPAN = {"start": "2027-01-14T00:00:00Z", "end": "2027-01-16T00:00:00Z", "format": "csv"}


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path / "t", crypto={"plain_exports": "reason"}) as made:
        gateway = await made.enrol()
        await gateway.connect()
        slot = int(START_S)
        through = await gateway.samples(
            ("SS0001.primary_supply_temperature", slot, 91.234),
            ("SS0001.primary_supply_temperature", slot + 30, 92.0),
        )
        await gateway.acknowledged(through)
        yield made


def opened(answer: httpx.Response, opener: Opener) -> tuple[bytes, dict[str, Any]]:
    work = Opening(opener)
    data = b"".join(work.add(answer.content))
    work.end()
    return data, work.about


def quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text)


async def test_6_3_d_1_exports_leave_encrypted_or_with_a_right_and_a_reason(here: Town) -> None:
    place = "/api/v1/bulk/samples"
    question: dict[str, Any] = {**SPAN, "points": "SS0001.primary_supply_temperature"}
    slot = int(START_S)
    import datetime as dt

    question["start"] = dt.datetime.fromtimestamp(slot - 60, dt.UTC).isoformat()
    question["end"] = dt.datetime.fromtimestamp(slot + 60, dt.UTC).isoformat()
    async with here.client("wang", Role.DISPATCHER) as client:
        # Nothing said: nothing leaves, and one is told what to do.
        bare = await client.get(place, params=question)
        assert (bare.status_code, bare.json()["error"]["code"]) == (403, "plain_export")
        # A passphrase: anybody who may see the data may take them so.
        word = {"X-Heatloop-Export-Passphrase": quoted(WORD)}
        sealed = await client.get(place, params=question, headers=word)
        assert sealed.status_code == 200, sealed.text
        assert sealed.headers["content-type"] == "application/vnd.heatloop.sealed"
        assert sealed.headers["content-disposition"].endswith('.csv.hlx"')
        assert b"91.234" not in sealed.content
        data, about = opened(sealed, Opener(passphrase=WORD))
        assert b"91.234" in data
        assert about["name"].endswith(".csv")
        # Somebody's key.
        private, public = new_receiver("X25519")
        key = {"X-Heatloop-Export-Key": public.hex()}
        for_key = await client.get(place, params=question, headers=key)
        assert opened(for_key, Opener(private_key=private))[0] == data
        # A workbook, which is no stream.
        book = await client.get(place, params={**question, "format": "xlsx"}, headers=word)
        assert opened(book, Opener(passphrase=WORD))[0].startswith(b"PK")
        # A dispatcher has not the right to take it in clear, whatever he says.
        reason = {"X-Heatloop-Plain-Reason": quoted("监管部门要求")}
        refused = await client.get(place, params=question, headers=reason)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "plain_export")
        for bad in ({"X-Heatloop-Export-Passphrase": "short"}, {"X-Heatloop-Export-Key": "00"}):
            odd = await client.get(place, params=question, headers=bad)
            assert odd.status_code == 422, bad
    async with here.client("li", Role.MANAGER) as client:
        assert (await client.get(place, params=question)).status_code == 403
        short = await client.get(place, params=question, headers={"X-Heatloop-Plain-Reason": "so"})
        assert short.json()["error"]["code"] == "plain_export_reason"
        plain = await client.get(place, params=question, headers=reason)
        assert plain.content == data
    kinds = {}
    for action in ("export.sealed", "export.plain", "export.plain_refused"):
        _, rows = here.platform.records.audit.list(action=action)
        kinds[action] = rows
        assert WORD not in repr(rows)
    assert len(kinds["export.sealed"]) == 3
    assert [row.detail["reason"] for row in kinds["export.plain"]] == ["监管部门要求"]
    assert {row.user for row in kinds["export.plain_refused"]} == {"wang", "li"}


async def test_6_3_d_1_a_browser_chooses_beforehand(here: Town) -> None:
    place = "/api/v1/ledger/export"
    async with here.client("zhang", Role.OPERATION_ENGINEER) as client:
        rule = (await client.get("/api/v1/exports")).json()
        assert rule == {"plain": "reason", "may_plain": True}
        assert (await client.get(place)).status_code == 403
        chosen = await client.post(
            "/api/v1/exports", json={"how": "passphrase", "passphrase": WORD}
        )
        ticket = chosen.json()["ticket"]
        async with here.client("zhao", Role.OPERATION_ENGINEER) as other:
            stolen = await other.get(place, params={"export": ticket})
            assert stolen.status_code == 404  # somebody else's, and spent by the attempt
        chosen = await client.post(
            "/api/v1/exports", json={"how": "passphrase", "passphrase": WORD}
        )
        ticket = chosen.json()["ticket"]
        answer = await client.get(place, params={"export": ticket})
        assert answer.status_code == 200, answer.text
        assert opened(answer, Opener(passphrase=WORD))[0].startswith(b"PK")
        assert (await client.get(place, params={"export": ticket})).status_code == 404
        for body in ({"how": "passphrase"}, {"how": "key"}, {"how": "plain", "reason": "x"}):
            assert (await client.post("/api/v1/exports", json=body)).status_code in (403, 422)


async def test_exports_in_clear_can_be_forbidden_to_all(tmp_path: Path) -> None:
    async with (
        town(tmp_path / "t", crypto={"plain_exports": "refused"}) as made,
        made.client("zhang", Role.OPERATION_ENGINEER) as client,
    ):
        assert not (await client.get("/api/v1/exports")).json()["may_plain"]
        reason = {"X-Heatloop-Plain-Reason": "for the authority"}
        assert (await client.get("/api/v1/ledger/export", headers=reason)).status_code == 403
