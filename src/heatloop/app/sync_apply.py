"""Puts what a plan says into the ledger, as one change where possible."""

from __future__ import annotations

from collections.abc import Sequence

from heatloop.app.ledger_admin import Ledgers
from heatloop.app.sync_engine import Item, filled
from heatloop.bridge.sync.rules import Unfit
from heatloop.plant.bad_rows import LedgerErrors
from heatloop.plant.changes import revise
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset
from heatloop.security.access import Principal

ACTION = "sync.apply"
"""Audit action, and first word of the ledger version's note; the second is the system."""


async def apply(
    ledgers: Ledgers, by: Principal, system: str, items: Sequence[Item]
) -> list[tuple[Item, Unfit]]:
    """Change the ledger by all items that change it; return those it would not take.

    One that the ledger's own rules refuse stops no other: the rest is tried without it.
    """
    changing = [item for item in items if item.apply or item.made is not None]
    if not changing:
        return []
    try:
        await ledgers.change(by, ACTION, system, lambda old, version: _make(old, version, changing))
    except LedgerErrors as errors:
        if len(changing) == 1:
            first = errors.rows[0]
            unfit = Unfit(first.column[:40], first.message_zh, first.message_en)
            return [(changing[0], unfit)]
        half = len(changing) // 2
        refused = await apply(ledgers, by, system, changing[:half])
        return refused + await apply(ledgers, by, system, changing[half:])
    return []


def _make(old: Ledger, version: int, items: Sequence[Item]) -> Ledger:
    put: dict[str, Asset] = {}
    for item in items:
        asset = put.get(item.code) or old.assets.get(item.code) or item.made
        # An asset that went meanwhile takes its record with it.
        if asset is not None:
            put[item.code] = filled(asset, item.apply)
    return revise(old, version=version, put=put.values())


def check(old: Ledger, items: Sequence[Item]) -> list[tuple[Item, Unfit]]:
    """Return the items the ledger would not take, and keep nothing: for dry runs, in a thread."""
    changing = [item for item in items if item.apply or item.made is not None]
    if not changing:
        return []
    try:
        _make(old, old.version + 1, changing)
    except LedgerErrors as errors:
        if len(changing) == 1:
            first = errors.rows[0]
            unfit = Unfit(first.column[:40], first.message_zh, first.message_en)
            return [(changing[0], unfit)]
        half = len(changing) // 2
        return check(old, changing[:half]) + check(old, changing[half:])
    return []
