"""What is known of devices, put together from ledger, catalogue, records and tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from heatloop.app.device_life_views import (
    DeviceDetail,
    DevicePage,
    DeviceView,
    RecordView,
    RunView,
)
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.scope import Scope
from heatloop.plant.acceptance import LifeFacts, LifeState, StepFact, Waiver, next_state, open_items
from heatloop.plant.acceptance_arrival import Arrival, Mismatch, PurchaseLine
from heatloop.plant.installation import Installation, tick_items
from heatloop.plant.installation_checks import installation_checks
from heatloop.plant.model_checks import Check, Limits
from heatloop.plant.model_checks_equipment import (
    Evidence,
    selection_checks,
)
from heatloop.plant.model_checks_instruments import drift_check
from heatloop.plant.models import DeviceModel, device_classes, read_model
from heatloop.plant.models_duty import duty_of
from heatloop.store.records import Records
from heatloop.store.records.device_life import ItemRow, RecordRow
from heatloop.store.records.device_life_runs import RunRow

LIMITS = "devices.limits"
"""Setting that holds a company's own limits."""
MOST = 100_000
"""Devices read at a time."""
_EXTREME_C = -25.0


class DeviceFacts:
    """Reads; called in threads."""

    def __init__(self, world: World, records: Records) -> None:
        self._world, self._records, self._store = world, records, records.devices

    def sees(self, scope: Scope, asset: str) -> bool:
        """Return whether a device at this asset lies inside a scope.

        One that belongs nowhere yet is for those who see the whole company.
        """
        if not asset:
            return scope.holds("")
        return self._world.sees_subject(scope, asset)

    def limits(self) -> Limits:
        """Return the limits in force."""
        row = self._records.settings.get(LIMITS)
        if row is None:
            return Limits()
        told: dict[str, Any] = {
            name: tuple(tuple(v) if isinstance(v, list) else v for v in value)
            if isinstance(value, list)
            else value
            for name, value in row.value.items()
        }
        return Limits(**told)

    def model(self, code: str) -> DeviceModel:
        """Return a model of the catalogue.

        Raises:
            KeyError: There is none; devices are refused without one.
        """
        return read_model(self._store.models()[code])

    def evidence(self, codes: Sequence[str]) -> dict[str, list[Evidence]]:
        """Return what was shown for checklist items of models, by model."""
        shown: dict[str, list[Evidence]] = {}
        for row in self._store.notes_of(codes, "evidence"):
            shown.setdefault(row.subject, []).append(Evidence(**row.body))
        return shown

    def selection(self, item: ItemRow, model: DeviceModel) -> list[Check]:
        """Return the selection checks of a device, spot checks included."""
        limits = self.limits()
        duty = duty_of(
            self._world.ledger,
            model,
            item.asset,
            item.point_kind,
            item.body["duty"],
            outdoor=bool(item.body["outdoor"]),
        )
        shown = self.evidence([item.model]).get(item.model, [])
        found = selection_checks(item.serial, model, duty, shown, limits)
        spots = self._store.notes(item.serial, "spot_check")
        if spots:
            last = spots[-1].body
            found.append(drift_check(item.serial, model, last["shown"], last["reference"], limits))
        return found

    def life(self, item: ItemRow) -> LifeFacts:
        """Return everything that decides on a device's next state."""
        model = self.model(item.model)
        notes = self._store.notes(item.serial)
        run = self._records.device_runs.last(item.serial)
        return LifeFacts(
            arrival=self._arrival(item, notes),
            documents=frozenset(r.body["document"] for r in notes if r.kind == "document"),
            selection=tuple(self.selection(item, model)),
            installation=self._installation(item, model, notes),
            needs_test=bool(device_classes()[model.device_class].steps),
            test=None if run is None else tuple(_facts(run)),
            waivers=tuple(Waiver(**r.body) for r in notes if r.kind == "waiver"),
        )

    def _arrival(self, item: ItemRow, notes: Sequence[RecordRow]) -> Arrival | None:
        if item.state == LifeState.PLANNED:
            return None
        lists = self._store.purchases()
        receipts = self._store.notes(item.purchase, "receipt") if item.purchase else ()
        newest = receipts[-1].body["mismatches"] if receipts else []
        forms = [r.body for r in notes if r.kind == "arrival"]
        form = forms[-1] if forms else {}
        ticked = form.get("accessories", {})
        wanted = self.accessories(item, lists)
        return Arrival(
            mismatches=tuple(Mismatch(**each) for each in newest),
            photo=form.get("photo", ""),
            undamaged=bool(form.get("undamaged")),
            accessories={name: bool(ticked.get(name)) for name in wanted},
        )

    def accessories(self, item: ItemRow, lists: Mapping[str, Any]) -> list[str]:
        """Return the accessories a device must come with."""
        body = lists.get(item.purchase)
        if body is None:
            return []
        return [
            name for line in lines_of(body) if line.model == item.model for name in line.accessories
        ]

    def _installation(
        self, item: ItemRow, model: DeviceModel, notes: Sequence[RecordRow]
    ) -> tuple[Check, ...] | None:
        forms = [r.body for r in notes if r.kind == "installation"]
        if not forms:
            return None
        form = dict(forms[-1])
        form["photos"] = tuple(form["photos"])
        done = Installation(**form)
        extreme = item.body["duty"].get("extreme_c", _EXTREME_C)
        return tuple(
            installation_checks(item.serial, model, done, extreme_c=extreme, limits=self.limits())
        )

    def view(self, item: ItemRow, models: Mapping[str, Mapping[str, Any]]) -> DeviceView:
        """Return a device as people read it in a list."""
        name = str(models[item.model]["device_class"])
        about = device_classes()[name]
        ledger = self._world.ledger
        thing = ledger.assets.get(item.asset) or ledger.gateways.get(item.asset)
        return DeviceView(
            serial=item.serial,
            model=item.model,
            device_class=name,
            class_zh=about.zh,
            class_en=about.en,
            asset=item.asset,
            asset_zh=thing.zh if thing is not None else "",
            asset_en=thing.en if thing is not None else "",
            device=item.device,
            point_kind=item.point_kind,
            purchase=item.purchase,
            state=item.state,
            auto_ready=item.auto_ready,
            outdoor=bool(item.body["outdoor"]),
            changed=utc(item.changed_at),
        )

    def page(
        self, scope: Scope, *, asset: str, state: str, model: str, page: int, size: int
    ) -> DevicePage:
        """Return a page of devices inside a scope."""
        codes = self._world.codes_in(scope)
        wanted: set[str] | None = None if codes is None else set(codes)
        if asset:
            near = self._world.at_or_below(asset)
            wanted = near if wanted is None else wanted & near
        models = self._store.models()
        _, every = self._store.list(assets=wanted, model=model, limit=MOST)
        total, rows = self._store.list(
            assets=wanted, state=state, model=model, offset=(page - 1) * size, limit=size
        )
        return DevicePage(
            total=total,
            states=dict(Counter(item.state for item in every)),
            items=[self.view(item, models) for item in rows],
        )

    def detail(self, item: ItemRow) -> DeviceDetail:
        """Return all that is known of a device."""
        models = self._store.models()
        model = read_model(models[item.model])
        facts = self.life(item)
        state = next_state(LifeState(item.state))
        outdoor = bool(item.body["outdoor"])
        _, runs = self._records.device_runs.list(subjects=[item.serial], limit=20)
        return DeviceDetail(
            device=self.view(item, models),
            next="" if state is None else state.value,
            open=open_items(facts),
            selection=list(facts.selection),
            installation=list(facts.installation or ()),
            ticks=tick_items(model.device_class, outdoor),
            accessories=self.accessories(item, self._store.purchases()),
            mismatches=list(facts.arrival.mismatches) if facts.arrival else [],
            records=[
                RecordView(kind=r.kind, body=dict(r.body), by=r.user, at=utc(r.at))
                for r in self._store.notes(item.serial)
            ],
            steps=list(device_classes()[model.device_class].steps),
            runs=[run_view(run) for run in runs],
        )


def _facts(run: RunRow) -> list[StepFact]:
    return [
        StepFact(
            step=step["name"],
            passed=step["state"] == "passed",
            zh=f"{step['zh']}：{step['said_zh'] or '未执行'}",
            en=f"{step['en']}: {step['said_en'] or 'not done'}",
        )
        for step in run.body["steps"]
    ]


def run_view(run: RunRow) -> RunView:
    """Return a run as people read it."""
    body = run.body
    return RunView(
        id=run.id,
        kind=run.kind,
        subject=run.subject,
        station=run.station,
        state=run.state,
        by=run.user,
        started=utc(run.started_at),
        ended=None if run.ended_at is None else utc(run.ended_at),
        steps=list(body.get("steps", ())),
        instruction=body.get("instruction"),
        problems=[{"zh": zh, "en": en} for zh, en in body.get("problems", ())],
        findings=list(body.get("findings", ())),
        checks=[Check(**check) for check in body.get("checks", ())],
        signed=bool(run.pdf_signature),
        key_id=run.key_id,
        pdf_sha256=run.pdf,
    )


def lines_of(body: Mapping[str, Any]) -> list[PurchaseLine]:
    """Return the lines of a purchase list."""
    return [
        PurchaseLine(
            model=line["model"],
            count=line["count"],
            parameters=line["parameters"],
            accessories=tuple(line["accessories"]),
        )
        for line in body["lines"]
    ]
