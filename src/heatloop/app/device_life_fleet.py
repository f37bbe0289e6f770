"""The catalogue with what is known of each model, and what all devices together show."""

from __future__ import annotations

from collections import Counter
from typing import Any

from heatloop.app.device_life_facts import MOST, DeviceFacts
from heatloop.app.device_life_views import FleetReport, ModelView
from heatloop.app.world import World
from heatloop.kernel.scope import Scope
from heatloop.plant.acceptance import LifeState
from heatloop.plant.model_checks import FAIL, Check
from heatloop.plant.model_checks_equipment import (
    interface_check,
    label_share,
    missing_evidence,
    radio_checks,
    reliability,
)
from heatloop.plant.model_checks_instruments import deviating_rooms
from heatloop.plant.models import device_classes, read_model
from heatloop.store.records import Records
from heatloop.store.records.device_life import ItemRow


class Fleet:
    """Reads; called in threads."""

    def __init__(self, world: World, records: Records, facts: DeviceFacts) -> None:
        self._world, self._store, self._facts = world, records.devices, facts

    def models(self) -> list[ModelView]:
        """Return the whole catalogue."""
        bodies = self._store.models()
        _, items = self._store.list(limit=MOST)
        counts = Counter(item.model for item in items)
        shown = self._facts.evidence(list(bodies))
        limits = self._facts.limits()
        found = []
        for code, body in bodies.items():
            model = read_model(body)
            about = device_classes()[model.device_class]
            lacking = missing_evidence(model, shown.get(code, ()))
            checks = [*radio_checks(model, limits)]
            if about.interface:
                checks.append(interface_check(code, model))
            found.append(
                ModelView(
                    model=body,
                    class_zh=about.zh,
                    class_en=about.en,
                    checks=checks,
                    missing_zh=[item.zh for item in lacking],
                    missing_en=[item.en for item in lacking],
                    devices=counts.get(code, 0),
                )
            )
        return found

    def report(self, scope: Scope) -> FleetReport:
        """Return what all devices inside a scope show together."""
        codes = self._world.codes_in(scope)
        _, items = self._store.list(assets=codes, limit=MOST)
        live = [item for item in items if item.state != LifeState.RETIRED]
        models = {code: read_model(body) for code, body in self._store.models().items()}
        counts = Counter(item.model for item in live)
        limits = self._facts.limits()
        return FleetReport(
            label=label_share(models, counts),
            failing=[
                check
                for item in live
                for check in self._facts.selection(item, models[item.model])
                if check.state == FAIL
            ],
            radio=[
                check
                for model in models.values()
                for check in radio_checks(model, limits)
                if check.state == FAIL
            ],
            rooms=self._rooms(scope),
            reliability=[self._reliable(i) for i in live if i.state == LifeState.IN_SERVICE],
        )

    def _reliable(self, item: ItemRow) -> dict[str, Any]:
        notes = self._store.notes(item.serial)
        began = [r.at for r in notes if r.kind == "state" and r.body["to"] == "in_service"]
        down = [r.body["down_h"] for r in notes if r.kind == "failure"]
        whole_h = (self._world.now_s() - began[-1]) / 3600.0 if began else 0.0
        found = reliability(max(whole_h - sum(down), 0.0), down)
        return {"serial": item.serial, "model": item.model} | {
            name: getattr(found, name) for name in found.__slots__
        }

    def _rooms(self, scope: Scope) -> list[Check]:
        world, ledger = self._world, self._world.ledger
        values: dict[str, float] = {}
        buildings: dict[str, str] = {}
        for point in ledger.points.values():
            if point.kind != "room_temperature" or not world.sees(scope, point.asset):
                continue
            value = world.latest.value(point.key)
            path = [c for c in ledger.heat_path(point.asset).split("/") if c.startswith("BD")]
            if value is not None and path:
                values[point.code], buildings[point.code] = value, path[-1]
        return deviating_rooms(values, buildings)
