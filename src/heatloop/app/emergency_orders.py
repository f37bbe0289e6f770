"""Emergency orders as they are kept: in memory, in a file of their own, and in the records.

The file is what a restart starts from: it needs no database. The records follow when they can.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from heatloop.app.keys import write_secret
from heatloop.store.records.command_door import EmergencyRow

STOP, RELEASE = "stop", "release"
ORDERED, HOLDING, RELEASING, RELEASED = "ordered", "holding", "releasing", "released"
SETTLED = {STOP: (HOLDING, RELEASED, "no_plan"), RELEASE: (RELEASED, "no_plan")}
_MOST_KEPT = 500


@dataclass(slots=True)
class AssetOrder:
    """One asset of an order."""

    gateway: str
    state: str = ORDERED
    steps: list[dict[str, Any]] = field(default_factory=list)
    at: float = 0.0


@dataclass(slots=True)
class Order:
    """One emergency order."""

    id: str
    action: str
    subject: str
    cause: str
    reason: str
    ordered_by: str
    network: bool
    at: float
    ordered_at: float
    second_by: str = ""
    break_glass: str = ""
    ended_at: float | None = None
    assets: dict[str, AssetOrder] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """Return where it is: ordered, holding, releasing or released."""
        states = {each.state for each in self.assets.values()}
        if self.action == RELEASE:
            return RELEASED if states <= {*SETTLED[RELEASE]} else RELEASING
        if states <= {RELEASED, "no_plan"}:
            return RELEASED
        return HOLDING if states <= {*SETTLED[STOP]} else ORDERED

    @property
    def over(self) -> bool:
        """Return whether nothing more will come of it."""
        return self.state == RELEASED

    def gateways(self) -> dict[str, list[str]]:
        """Return the gateways that still have something to do, with their assets."""
        found: dict[str, list[str]] = {}
        for code, each in self.assets.items():
            if each.state not in SETTLED[self.action]:
                found.setdefault(each.gateway, []).append(code)
        return found

    def row(self) -> EmergencyRow:
        """Return the order as the records keep it."""
        return EmergencyRow(
            id=self.id,
            action=self.action,
            subject=self.subject,
            cause=self.cause,
            reason=self.reason,
            ordered_by=self.ordered_by,
            second_by=self.second_by,
            break_glass=self.break_glass,
            state=self.state,
            at=self.at,
            ordered_at=self.ordered_at,
            ended_at=self.ended_at,
            document={"network": self.network, "assets": asdict(self)["assets"]},
        )


class OrderFile:
    """Orders on disk, whole or not at all.

    Args:
        path: JSON file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> tuple[int, dict[str, Order]]:
        """Return the highest serial used, and the orders by id."""
        try:
            kept = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return 0, {}
        orders = {}
        for each in kept["orders"]:
            assets = {code: AssetOrder(**own) for code, own in each.pop("assets").items()}
            orders[each["id"]] = Order(**each, assets=assets)
        return int(kept["serial"]), orders

    def save(self, serial: int, orders: Iterable[dict[str, Any]]) -> None:
        """Write them, on the disk on return.

        Args:
            serial: Highest serial used.
            orders: Orders as plain values, oldest first.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = json.dumps({"serial": serial, "orders": list(orders)[-_MOST_KEPT:]})
        write_secret(self._path, text.encode())
