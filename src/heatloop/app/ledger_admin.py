"""Putting ledgers in force: from files, from the demo's builder, at the start from the records."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from heatloop.app.audit import Audit
from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.views.system import LedgerImported
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import InputError
from heatloop.plant.bad_rows import LedgerErrors
from heatloop.plant.build import build_ledger
from heatloop.plant.ledger import Ledger
from heatloop.plant.ledger_masks import masked_sheets, restored
from heatloop.plant.model import Asset, Device, Gateway
from heatloop.plant.rows import from_rows, to_rows
from heatloop.security.access import Principal
from heatloop.security.passwords import new_token, token_hash
from heatloop.store.records import Records
from heatloop.store.tables import read_tables, write_tables


def empty_ledger() -> Ledger:
    """Return the ledger of a company that has none yet."""
    return Ledger(version=0, assets=(), devices=(), gateways=(), points=(), bindings=(), keys={})


def load_ledger(records: Records) -> Ledger:
    """Return the ledger in force, the empty one when none was ever imported."""
    saved = records.ledger.load()
    if not saved.version:
        return empty_ledger()
    return from_rows(saved.sheets, version=saved.version, keys=saved.keys)


def save_ledger(records: Records, ledger: Ledger, by: str, note: str) -> None:
    """Keep a ledger and its keys as the version in force."""
    records.ledger.save(
        to_rows(ledger),
        version=ledger.version,
        keys=dict(ledger.keys),
        at=machine_s(),
        by=by,
        note=note,
    )


def install_ledger(
    records: Records,
    assets: Iterable[Asset],
    devices: Iterable[Device],
    gateways: Iterable[Gateway],
    *,
    by: str = "system",
) -> Ledger:
    """Build a ledger, give its points keys, and keep it as the next version.

    Used before the platform runs, by the command line and the demo; a running platform takes
    ledgers by `Ledgers`. The same ledger installed again keeps its version.

    Raises:
        LedgerErrors: Rows are wrong; nothing was kept.
    """
    present = load_ledger(records)
    version = present.version + 1
    ledger = build_ledger(
        list(assets),
        list(devices),
        list(gateways),
        version=version,
        keys=present.keys,
        profiles=present.profiles.own.values(),
    )
    if present.version and to_rows(ledger) == to_rows(present):
        return present
    save_ledger(records, ledger, by, "installed")
    return ledger


def create_gateway_token(records: Records, gateway: str) -> str:
    """Return a new one-time enrolment token of a gateway; an older one is void.

    Raises:
        InputError: The ledger in force has no such gateway.
    """
    if gateway not in load_ledger(records).gateways:
        raise InputError("no such gateway", thing=gateway, fix="use a gateway of the ledger")
    token = new_token()
    records.gateways.set_token(gateway, token_hash(token))
    return token


class Ledgers:
    """Takes and gives ledgers while the platform runs."""

    def __init__(
        self, world: World, records: Records, audit: Audit, on_installed: Callable[[], None]
    ) -> None:
        self._world, self._records, self._audit = world, records, audit
        self._on_installed = on_installed
        self._one_at_a_time = asyncio.Lock()

    async def export(self, by: Principal, kind: str, *, full: bool = False) -> bytes:
        """Return the ledger as a workbook (`xlsx`) or a zip of csv files (`csv`).

        Args:
            by: Who; the door for exports has let him pass.
            kind: Kind of file.
            full: Whether sensitive values stand in it; else they are masked.
        """
        if not by.scope.holds(""):
            raise Refused("forbidden", thing="ledger", detail="the whole company")
        ledger = self._world.ledger

        def sheets_of() -> dict[str, list[dict[str, Any]]]:
            sheets = to_rows(ledger)
            return sheets if full else masked_sheets(sheets)

        sheets = await asyncio.to_thread(sheets_of)
        body = await asyncio.to_thread(write_tables, sheets, kind)
        await self._audit.add(by.user, "ledger.export", kind, version=self._world.ledger.version)
        return body

    async def change(
        self, by: Principal, action: str, subject: str, make: Callable[[Ledger, int], Ledger]
    ) -> Ledger:
        """Put a changed ledger in force.

        Args:
            by: Who.
            action: For the audit trail.
            subject: What is changed.
            make: Returns the ledger of the version given, made from the one in force.

        Raises:
            LedgerErrors: The result would be wrong; nothing was kept.
            Refused: The whole company is not his.
        """
        if not by.scope.holds(""):
            raise Refused("forbidden", thing="ledger", detail="the whole company")
        async with self._one_at_a_time:
            current = self._world.ledger
            ledger = await asyncio.to_thread(make, current, current.version + 1)
            note = f"{action} {subject}"
            await in_thread(save_ledger, self._records, ledger, by.user, note)
            self._world.install(ledger)
            self._on_installed()
            await self._audit.add(
                by.user, action, subject, before=current.version, after=ledger.version
            )
        return ledger

    async def load_file(
        self, by: Principal, name: str, data: bytes, *, dry_run: bool
    ) -> LedgerImported:
        """Check a ledger file and put it in force, all of it or nothing.

        Raises:
            LedgerErrors: Rows are wrong.
            Refused: The file cannot be read.
        """
        if not by.scope.holds(""):
            raise Refused("forbidden", thing="ledger", detail="the whole company")
        async with self._one_at_a_time:
            current = self._world.ledger

            def build() -> Ledger:
                # A cell that is still masked as it was exported stays as it is in force.
                sheets = restored(read_tables(data), current)
                return from_rows(sheets, version=current.version + 1, keys=current.keys)

            try:
                ledger = await asyncio.to_thread(build)
            except LedgerErrors:
                raise
            except InputError as error:
                raise Refused("ledger_file", thing=name, detail=error.message) from error
            if not dry_run:
                await in_thread(save_ledger, self._records, ledger, by.user, f"file {name}")
                self._world.install(ledger)
                self._on_installed()
                await self._audit.add(
                    by.user,
                    "ledger.import",
                    name,
                    before=current.version,
                    after=ledger.version,
                    assets=len(ledger.assets),
                    points=len(ledger.points),
                )
        return LedgerImported(
            ok=True,
            version=ledger.version,
            dry_run=dry_run,
            assets=len(ledger.assets),
            points=len(ledger.points),
        )
