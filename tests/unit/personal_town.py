"""A town with people in it: contracts with names, telephones and identity numbers, many flats."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from heatloop.app.ledger_admin import install_ledger
from heatloop.app.wiring import open_records
from heatloop.plant.model import Asset
from tests.unit.app_town import Town, assets, devices, gateways, prepare, town

NAME, PHONE, NUMBER = "欧阳明月", "13855556666", "220102198804123456"
EMAIL, STAFF, STAFF_PHONE = "sikong@heat.example", "司空远山", "13900000001"
ADDRESS = "长春市朝阳区幸福小区12号楼3单元401"
CLEAR = (NAME, PHONE, NUMBER, EMAIL, STAFF, STAFF_PHONE, ADDRESS)
"""Values that must stand nowhere in clear."""
FLATS = 60


def people_assets() -> list[Asset]:
    """Return the town's assets with people in them."""
    found = []
    for each in assets():
        if each.kind == "person":
            own: dict[str, Any] = {**each.attributes, "email": EMAIL}
            found.append(replace(each, zh=STAFF, en="Sikong Yuanshan", attributes=own))
        elif each.code == "FL00001":
            own = {**each.attributes, "address": ADDRESS}
            found.append(replace(each, attributes=own))
        else:
            found.append(each)
    found += [
            _asset(
                f"FL{n + 100:05d}", "flat", f"BD000{1 + n % 2}", area_m2=60.0 + n % 5 * 10,
                floor=float(n % 6 + 1), orientation="south" if n % 3 else "north", metered=True,
                address=f"{n // 12 + 1}-{n % 12}01",
            )
            for n in range(FLATS)
        ]  # fmt: skip
    found.append(_contract("CT00001", "FL00001", NAME, PHONE, NUMBER))
    found.append(_contract("CT00002", "FL00002", "尉迟停", "13844443333", "220102197701011111",
                           stopped=True, expires="2020-04-15"))  # fmt: skip
    return found


def _asset(code: str, kind: str, parent: str, **own: Any) -> Asset:
    return Asset(code=code, kind=kind, zh=f"名{code}", en=f"name {code}", parent=parent,
                 attributes=own)  # fmt: skip


def _contract(code: str, flat: str, name: str, phone: str, number: str, **more: Any) -> Asset:
    return _asset(
        code, "contract", flat, contract_no=f"H-{code}", user_name=name, phone=phone,
        id_number=number, area_m2=80.0, tariff="metered", **{"stopped": False, **more},
    )  # fmt: skip


@contextlib.asynccontextmanager
async def peopled(folder: Path, **overrides: Any) -> AsyncIterator[Town]:
    """Run a platform over a town with people."""
    settings = prepare(folder, **overrides)
    records, _ = open_records(settings)
    install_ledger(records, people_assets(), devices(), gateways())
    records.close()
    async with town(folder, fresh=False, **overrides) as made:
        yield made
