"""The gap audit against a hand-made day: every missing sample is explained or listed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heatloop.app.audit_rows import pieces
from heatloop.kernel.errors import InputError
from heatloop.kernel.scope import Scope
from heatloop.kernel.series import Columns
from heatloop.security.access import Role
from tests.unit.app_town import START_S, Town, town

START = int(START_S)
END = START + 3600


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        made.clock.advance(7200)
        made.platform.links.connected = lambda: ["GW0001", "GW0002"]  # type: ignore[method-assign]
        yield made


def fill(here: Town, *, but: set[tuple[str, int]] = frozenset()) -> int:
    """Store an hour of every point of every device, but for some (device, slot)."""
    ledger = here.platform.world.ledger
    keys, slots = [], []
    for device in ledger.devices:
        for binding in ledger.bindings_of_device(device):
            first = -(-START // binding.period_s) * binding.period_s
            for slot in range(first, END, binding.period_s):
                if (device, slot) not in but:
                    keys.append(binding.key)
                    slots.append(slot)
    count = len(keys)
    here.platform.historian.engine.append(  # type: ignore[attr-defined]
        Columns(np.array(keys, "u4"), np.array(slots, "u4"), np.ones(count), np.zeros(count, "u1"))
    )
    return count


async def audit(here: Town, scope: Scope | None = None) -> dict[str, Any]:
    return await here.platform.gap_audit.run(scope or Scope.everything(), START, END)


def points(here: Town, device: str, period_s: int = 30) -> int:
    found = here.platform.world.ledger.bindings_of_device(device)
    return sum(1 for b in found if b.period_s == period_s)


def gap(here: Town, device: str, first: int, last: int | None, cause: str) -> None:
    here.platform.records.gaps.put(
        gateway="GW0001", device=device, slots_from=first, slots_to=last, cause=cause
    )


async def test_a_whole_hour_is_whole(here: Town) -> None:
    count = fill(here)
    found = await audit(here)
    assert (found["expected"], found["stored"], found["unexplained"]) == (count, count, 0)
    assert found["share_pct"] == 100.0
    assert found["passed"] is True
    assert found["points"] == found["unexplained_points"] == []


async def test_what_is_missing_is_explained_by_its_gap_or_listed_with_its_slots(
    here: Town,
) -> None:
    lost = {("DV0001", START + 30 * n) for n in (10, 11, 12, 40)}
    count = fill(here, but=lost)
    whole = count + len(lost) * points(here, "DV0001")
    gap(here, "DV0001", START + 300, START + 360, "device_unreachable")
    found = await audit(here)
    each = points(here, "DV0001")
    assert found["expected"] == whole
    assert found["stored"] == count
    assert found["explained"] == {"device_unreachable": 3 * each}
    assert found["unexplained"] == each
    listed = found["unexplained_points"]
    assert len(listed) == each
    spans = {tuple(span) for one in listed for span in one["spans"]}
    assert len(spans) == 2  # the explained three slots, and the one nobody knows of
    gap(here, "DV0001", START + 1200, None, "device_unreachable")
    again = await audit(here)
    assert again["unexplained"] == 0
    assert again["explained"] == {"device_unreachable": 4 * each}


async def test_a_gap_record_over_stored_samples_excuses_nothing_else(here: Town) -> None:
    fill(here, but={("DV0001", START + 1200)})
    gap(here, "DV0001", START + 300, START + 900, "edge_restart")  # told twice after a crash
    found = await audit(here)
    assert found["explained"] == {}
    assert found["unexplained"] == points(here, "DV0001")


async def test_overlapping_gaps_count_a_slot_once(here: Town) -> None:
    fill(here, but={("DV0001", START + 30 * n) for n in range(10, 14)})
    gap(here, "DV0001", START + 300, START + 360, "device_unreachable")
    gap(here, "DV0001", START + 330, START + 390, "edge_restart")
    found = await audit(here)
    each = points(here, "DV0001")
    assert found["explained"] == {"device_unreachable": 3 * each, "edge_restart": each}
    assert found["unexplained"] == 0


async def test_an_older_word_about_a_gap_changes_nothing(here: Town) -> None:
    gaps = here.platform.records.gaps
    for last, cause in ((None, "a"), (START + 600, "b"), (START + 90, "c"), (None, "d")):
        gap(here, "DV0001", START, last, cause)
    (row,) = gaps.list()[1]
    assert (row.slots_to, row.cause) == (START + 600, "b")
    gap(here, "DV0001", START, START + 900, "b")
    assert gaps.list()[1][0].slots_to == START + 900


async def test_silent_collectors_and_away_gateways_are_said_apart(here: Town) -> None:
    slots = range(-(-START // 1800) * 1800, END, 1800)
    fill(here, but={("DV0004", slot) for slot in slots})
    found = await audit(here)
    assert set(found["explained"]) == {"not_reported"}
    assert found["unexplained"] == 0
    here.platform.links.connected = lambda: ["GW0001"]  # type: ignore[method-assign]
    away = await here.platform.gap_audit.run(Scope.everything(), START, END + 1800)
    assert away["explained"]["gateway_away"] > 0
    assert away["unexplained"] > 0  # the other gateway is there, and has sent nothing since


async def test_the_document_is_signed_and_any_change_is_found(here: Town) -> None:
    fill(here, but={("DV0002", START + 600)})
    times = "from=2027-01-15T08:00:00Z&to=2027-01-15T09:00:00Z"
    async with here.client("wang", Role.DISPATCHER) as client:
        answer = await client.get(f"/api/v1/links/audit?{times}")
        assert answer.status_code == 200, answer.text
        signed = answer.json()
        document = json.loads(signed["body"])
        assert document["kind"] == "gap_audit"
        assert document["unexplained"] == points(here, "DV0002")
        good = (await client.post("/api/v1/links/audit/verify", json=signed)).json()
        assert good == {"valid": True, "reason": "", "kind": "gap_audit"}
        lie = {**signed, "body": signed["body"].replace('"unexplained":', '"unexplained_":', 1)}
        bad = (await client.post("/api/v1/links/audit/verify", json=lie)).json()
        assert bad["valid"] is False
        empty = "from=2027-01-15T09:00:00Z&to=2027-01-15T08:00:00Z"
        assert (await client.get(f"/api/v1/links/audit?{empty}")).status_code == 422
    async with here.client("east", Role.DISPATCHER, scope="CO01/BR01") as client:
        own = json.loads((await client.get(f"/api/v1/links/audit?{times}")).json()["body"])
        assert own["unexplained"] == 0  # the gap lies in the other branch
        assert own["expected"] < document["expected"]


def test_periods_are_cut_at_the_companys_midnights() -> None:
    midnight = 1_800_028_800  # 2027-01-16 00:00 in Shanghai
    found = pieces(midnight - 100, midnight + 86400 + 5, "Asia/Shanghai")
    assert [(p.date, p.end - p.start) for p in found] == [
        ("2027-01-15", 100),
        ("2027-01-16", 86400),
        ("2027-01-17", 5),
    ]
    for start, end in ((5, 5), (5, 4), (0, 401 * 86400)):
        with pytest.raises(InputError):
            pieces(start, end, "Asia/Shanghai")
