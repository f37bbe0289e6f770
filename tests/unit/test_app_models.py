"""Learnt models as a service: nights, records, restart, pages, roll-back, rights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heatloop.app import models as room
from heatloop.app.fleet import Outcome
from heatloop.control.learning.history import UnitHistory
from heatloop.control.learning.unit_rooms import coarser
from heatloop.security.access import Role
from tests.unit.app_town import Town, town
from tests.unit.learning_unit import DAY_S, past

API = "/api/v1/models"
UNIT = "UN0001"


class Here:
    """Works in this process."""

    async def map(self, function: Any, items: Any, **_: Any) -> Any:
        return Outcome(answers=[function(item) for item in items], failures=[])


def moved(house: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the unit a past that ends at the platform's own last midnight."""
    whole = coarser(past(40), 3600.0)
    house.platform.models._fleet = Here()  # type: ignore[assignment]

    async def histories(_: Any, points: Any, start_s: int, end_s: int, offset: float) -> list:
        shifted: UnitHistory = replace(
            whole,
            start_s=float(house.began_s),
            local_offset_s=offset,  # type: ignore[attr-defined]
        )
        part = shifted.part(start_s, end_s)
        return [replace(part, unit=each.unit) for each in points]

    monkeypatch.setattr(room, "histories_of", histories)


async def test_models_are_learned_kept_shown_and_rolled_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town(tmp_path) as house:
        models = house.platform.models
        midnight, _ = models._midnight(house.clock.now_s())
        house.began_s = midnight - 4 * DAY_S  # type: ignore[attr-defined]
        moved(house, monkeypatch)
        for _ in range(24):
            house.clock.advance(DAY_S)
            await models.run(house.clock.now_s())
        standing = models.standing(UNIT)
        assert standing is not None
        assert standing.champion.learned
        assert models.champion(UNIT) is standing.champion.model
        # Station control works by it.
        assert house.platform.strategy.champion(UNIT, "building") is standing.champion.model
        assert models.champion(UNIT, "valve") is None
        async with house.client("eve", Role.DISPATCHER) as eve:
            page = (await eve.get(API, params={"state": "learned"})).json()
            row = next(each for each in page["items"] if each["unit"] == UNIT)
            assert row["learned"]
            assert row["loss_kw_k"] > 0
            assert row["time_constant_h"] > 10
            detail = (await eve.get(f"{API}/{UNIT}")).json()
            stages = {each["version"]: each["stage"] for each in detail["versions"]}
            assert stages[standing.champion.number] == "champion"
            card = detail["versions"][0]["card"]
            assert card["sensors_used"]
            assert card["characteristics"]["curve"]["error_k"] < 0.5
            assert len(detail["versions"][0]["digest"]) == 64
            assert [each["action"] for each in detail["events"]][-1] == "start"
            assert detail["days"]
            # The town has no primary meters: of the three only the curve can be learned.
            kinds = {each["kind"]: each for each in detail["characteristics"]}
            assert kinds["valve"]["version"] is kinds["exchanger"]["version"] is None
            curve = kinds["curve"]
            assert curve["version"] == curve["versions"][-1]["version"] == 1
            assert curve["error_unit"] == "K"
            assert curve["error"] < 3.0
            assert len(curve["versions"][0]["digest"]) == 64
            assert curve["days"]
            assert "curve" in {each["kind"] for each in detail["events"]}
            assert models.characteristics.champion(UNIT, "curve") is not None
            body = {"reason": "none to go back to", "kind": "valve"}
            assert (await eve.post(f"{API}/{UNIT}/rollback", json=body)).status_code == 404
            refused = await eve.post(f"{API}/{UNIT}/rollback", json={"reason": ""})
            assert refused.status_code == 422
            back = await eve.post(f"{API}/{UNIT}/rollback", json={"reason": "rooms too cold"})
            assert back.status_code == 200, back.text
            assert back.json()["summary"]["version"] == 1
            again = await eve.post(f"{API}/{UNIT}/rollback", json={"reason": "once more"})
            assert again.status_code == 409
            assert again.json()["error"]["code"] == "no_former_model"
            events = (await eve.get(f"{API}/events")).json()
            assert events["items"][0]["by"] == "eve"
            assert (await eve.get(f"{API}/XX9999")).status_code == 404
        async with house.client("tom", Role.FIELD_TECHNICIAN) as tom:
            assert (await tom.get(f"{API}/{UNIT}")).status_code == 200
            denied = await tom.post(f"{API}/{UNIT}/rollback", json={"reason": "no right"})
            assert denied.status_code == 403
        fresh = room.Models(
            house.platform.world, house.platform.records, house.platform.historian,
            fleet=house.platform.fleet, audit=house.platform.audit, time_zone="Asia/Shanghai",
        )  # fmt: skip
        await fresh.load()
        curve = models.characteristics.contest(UNIT, "curve")
        assert fresh.characteristics.contest(UNIT, "curve") == curve is not None
        kept = fresh.standing(UNIT)
        assert kept is not None
        assert kept.champion.number == 1
