"""Devices from the purchase to the end of their life: catalogue, records, states (chapter 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from heatloop.app.audit import Audit
from heatloop.app.device_life_facts import LIMITS, DeviceFacts
from heatloop.app.device_life_fleet import Fleet
from heatloop.app.device_life_views import (
    DeviceDetail,
    DevicePage,
    FileView,
)
from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import InputError
from heatloop.kernel.scope import Scope
from heatloop.plant.acceptance import (
    DOCUMENTS,
    LifeState,
    Waiver,
    holding_back,
    next_state,
    open_items,
)
from heatloop.plant.installation import Installation
from heatloop.plant.models import DeviceModel, shipped_models
from heatloop.security.access import Principal
from heatloop.store.files import Files
from heatloop.store.records import Records
from heatloop.store.records.device_life import FileRow, ItemRow

_SHIPPED = "shipped"


class DeviceLife:
    """Keeps models, devices and what is recorded of them; every change is audited."""

    def __init__(self, world: World, records: Records, audit: Audit, files: Files) -> None:
        self._world, self._records, self._audit = world, records, audit
        self._store = records.devices
        self.files = files
        """Photos, papers and reports."""
        self.facts = DeviceFacts(world, records)
        """What is known of a device, put together."""
        self.fleet = Fleet(world, records, self.facts)
        """The catalogue, and all devices together."""

    async def load(self) -> None:
        """Give a new installation the models that are shipped; changed ones stay."""
        rows = {model.code: model.to_dict() for model in shipped_models()}
        at = self._world.now_s()
        await in_thread(self._store.put_models, rows, by=_SHIPPED, at=at, only_new=True)

    async def put_models(self, by: Principal, models: Sequence[DeviceModel]) -> int:
        """Keep models and return how many changed."""
        rows = {model.code: model.to_dict() for model in models}
        at = self._world.now_s()
        changed = await in_thread(self._store.put_models, rows, by=by.user, at=at)
        await self._audit.add(
            by.user, "device.models", "catalogue", models=sorted(rows)[:50], changed=changed
        )
        return changed

    async def add_evidence(self, by: Principal, model: str, item: str, file: str) -> None:
        """Record what was shown for an item of a model's GB/T 50893 checklist.

        Raises:
            Refused: No such model or file.
        """
        if model not in await in_thread(self._store.models):
            raise Refused("not_found", thing=model)
        await self._known_file(file)
        await self.note(by, model, "evidence", {"item": item, "file": file, "reviewer": by.user})

    async def set_limits(self, by: Principal, limits: Mapping[str, Any]) -> dict[str, Any]:
        """Set the limits selection checks use, and return them."""
        told = dict(limits)
        at = self._world.now_s()
        await in_thread(
            self._records.settings.set, LIMITS, told, source="person", by=by.user, at=at
        )
        await self._audit.add(by.user, "device.limits", LIMITS, **told)
        return told

    async def page(
        self, scope: Scope, *, asset: str, state: str, model: str, page: int, size: int
    ) -> DevicePage:
        """Return a page of the devices inside a scope."""
        return await in_thread(
            self.facts.page, scope, asset=asset, state=state, model=model, page=page, size=size
        )

    async def add(self, by: Principal, row: Mapping[str, Any]) -> DeviceDetail:
        """Plan a device.

        Raises:
            Refused: No such model or asset, or the serial number is taken.
        """
        new = ItemRow(
            serial=str(row["serial"]),
            model=str(row["model"]),
            asset=str(row.get("asset", "")),
            device=str(row.get("device", "")),
            point_kind=str(row.get("point_kind", "")),
            purchase=str(row.get("purchase", "")),
            state=LifeState.PLANNED.value,
            auto_ready=False,
            body={"duty": dict(row.get("duty") or {}), "outdoor": bool(row.get("outdoor"))},
            changed_at=self._world.now_s(),
        )
        await self._allowed(by.scope, new)
        try:
            await in_thread(self._store.add, new)
        except InputError as error:
            raise Refused("device_exists", thing=new.serial) from error
        await self._audit.add(by.user, "device.add", new.serial, model=new.model, asset=new.asset)
        return await self.one(by.scope, new.serial)

    async def change(self, by: Principal, serial: str, row: Mapping[str, Any]) -> DeviceDetail:
        """Change where a device belongs or what it stands up to, before it is in service.

        Raises:
            Refused: No such device, asset or model; or it is in service.
        """
        held = await self.item(by.scope, serial)
        if held.state in (LifeState.TESTED, LifeState.IN_SERVICE, LifeState.RETIRED):
            raise Refused("device_state", thing=serial, detail=held.state)
        told = {name: value for name, value in row.items() if value is not None}
        changes: dict[str, Any] = {
            name: told[name] for name in ("model", "asset", "device", "point_kind") if name in told
        }
        changes["body"] = {
            "duty": dict(told.get("duty", held.body["duty"])),
            "outdoor": bool(told.get("outdoor", held.body["outdoor"])),
        }
        await self._allowed(by.scope, replace(held, **changes))
        await in_thread(self._store.change, serial, at=self._world.now_s(), **changes)
        await self._audit.add(by.user, "device.change", serial, **changes)
        return await self.one(by.scope, serial)

    async def _allowed(self, scope: Scope, item: ItemRow) -> None:
        if item.model not in await in_thread(self._store.models):
            raise Refused("not_found", thing=item.model)
        if not self.facts.sees(scope, item.asset):
            raise Refused("not_found", thing=item.asset)
        device = item.device
        if device and not self._world.sees_subject(scope, device):
            raise Refused("not_found", thing=device)

    async def item(self, scope: Scope, serial: str) -> ItemRow:
        """Return a device inside the scope.

        Raises:
            Refused: There is none; one outside the scope is not told apart.
        """
        held = await in_thread(self._store.get, serial)
        if held is None or not self.facts.sees(scope, held.asset):
            raise Refused("not_found", thing=serial)
        return held

    async def one(self, scope: Scope, serial: str) -> DeviceDetail:
        """Return all that is known of a device.

        Raises:
            Refused: There is none inside the scope.
        """
        held = await self.item(scope, serial)
        return await in_thread(self.facts.detail, held)

    async def record(
        self, by: Principal, serial: str, kind: str, body: Mapping[str, Any]
    ) -> DeviceDetail:
        """Record an arrival form, document, installation, failure or spot check of a device.

        Raises:
            Refused: No such device, or a file it names was never sent.
        """
        held = await self.item(by.scope, serial)
        files = [body.get("photo"), body.get("file"), *(body.get("photos") or ())]
        for file in files:
            if file:
                await self._known_file(str(file))
        if kind == "document" and body.get("document") not in DOCUMENTS:
            raise Refused("invalid", thing=str(body.get("document")), place="document")
        if kind == "installation":
            body = Installation(**body).to_dict()
            outdoor = bool(body["outdoor"])
            changed = {"duty": held.body["duty"], "outdoor": outdoor}
            await in_thread(self._store.change, serial, at=self._world.now_s(), body=changed)
        await self.note(by, serial, kind, body)
        return await self.one(by.scope, serial)

    async def waive(self, by: Principal, serial: str, item: str, reason: str) -> DeviceDetail:
        """Let a failed item pass: who, why and when are kept.

        Raises:
            Refused: No such device or open item, or it is nothing anybody could judge.
        """
        held = await self.item(by.scope, serial)
        facts = await in_thread(self.facts.life, held)
        waiver = Waiver(item=item, reason=reason, by=by.user, at=self._world.now_s())
        after = open_items(replace(facts, waivers=(*facts.waivers, waiver)))
        if not any(each.item == item and each.waived for each in after):
            raise Refused("not_found", thing=item)
        await self.note(by, serial, "waiver", waiver.to_dict())
        return await self.one(by.scope, serial)

    async def advance(self, by: Principal, serial: str, to: str) -> DeviceDetail:
        """Move a device to its next state, or retire it.

        Raises:
            Refused: It is not that state's turn, or something holds it back.
        """
        held = await self.item(by.scope, serial)
        state, goal = LifeState(held.state), LifeState(to)
        if goal is not LifeState.RETIRED and goal is not next_state(state):
            raise Refused("device_state", thing=serial, detail=f"{state} -> {goal}")
        facts = await in_thread(self.facts.life, held)
        holding = holding_back(facts, goal)
        if holding:
            detail = "; ".join(f"{item.zh} / {item.en}" for item in holding[:5])
            raise Refused("device_open_items", thing=serial, detail=detail)
        at = self._world.now_s()
        if not await in_thread(self._store.move, serial, state.value, goal.value, at=at):
            raise Refused("device_state", thing=serial, detail="changed meanwhile")
        await self.moved(by, serial, state, goal)
        return await self.one(by.scope, serial)

    async def add_file(self, by: Principal, name: str, data: bytes) -> FileView:
        """Keep a photo or paper.

        Raises:
            Refused: It is empty, too large, or no PDF or picture.
        """
        try:
            digest, media = await in_thread(self.files.put, data)
        except InputError as error:
            raise Refused("file_refused", detail=error.message) from error
        row = FileRow(
            sha256=digest,
            name=name[:120],
            media=media,
            size_bytes=len(data),
            user=by.user,
            at=machine_s(),
        )
        await in_thread(self._store.add_file, row)
        await self._audit.add(by.user, "device.file", digest, name=name[:120], size=len(data))
        return FileView(sha256=digest, media=media, size_bytes=len(data), name=row.name)

    async def file(self, digest: str) -> tuple[FileRow, bytes]:
        """Return a kept file.

        Raises:
            Refused: There is none.
        """
        row = await in_thread(self._store.file, digest)
        if row is None:
            raise Refused("not_found", thing=digest)
        return row, await in_thread(self.files.get, digest)

    async def _known_file(self, digest: str) -> None:
        if await in_thread(self._store.file, digest) is None:
            raise Refused("not_found", thing=digest)

    async def moved(self, by: Principal, serial: str, was: LifeState, to: LifeState) -> None:
        """Record that a device entered another state."""
        await self.note(by, serial, "state", {"from": was.value, "to": to.value})

    async def note(self, by: Principal, subject: str, kind: str, body: Mapping[str, Any]) -> None:
        """Record something of a device, model or delivery, and audit it."""
        at = self._world.now_s()
        await in_thread(self._store.note, subject, kind, body, by=by.user, at=at)
        await self._audit.add(by.user, f"device.{kind}", subject, **dict(body))
