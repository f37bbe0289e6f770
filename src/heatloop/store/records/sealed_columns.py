"""Every column of sealed values, and what each value is bound to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Row, Table

from heatloop.store.records.identity_schema import user_factor
from heatloop.store.records.personal_schema import third_party
from heatloop.store.records.schema import ledger_row, user
from heatloop.store.records.sync_schema import sync_conflict, sync_record
from heatloop.store.records.webhook_schema import webhook
from heatloop.store.records.zones_schema import zone_hour, zone_record, zone_state


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedColumn:
    """A column of sealed values."""

    column: Column[Any]
    """The column."""
    bound: Callable[[Row[Any]], str]
    """Says what a row's seal is bound to."""

    @property
    def table(self) -> Table:
        """Return its table."""
        return self.column.table


SEALED: list[SealedColumn] = [
    SealedColumn(column=ledger_row.c.sealed, bound=lambda r: f"ledger/{r.sheet}/{r.code}"),
    SealedColumn(
        column=sync_record.c.sealed,
        bound=lambda r: f"sync/{r.system}/{r.entity}/{r.source_id}",
    ),
    SealedColumn(column=sync_conflict.c.sealed, bound=lambda r: f"sync/conflict/{r.id}/{r.field}"),
    SealedColumn(column=webhook.c.secret, bound=lambda r: f"webhook/{r.id}"),
    SealedColumn(column=user_factor.c.sealed, bound=lambda r: f"user_factor|{r.id}"),
    SealedColumn(column=user.c.sealed, bound=lambda r: f"user_account/{r.name}"),
    SealedColumn(column=third_party.c.pseudonym_key, bound=lambda r: f"third-party/{r.code}"),
    SealedColumn(column=zone_record.c.body, bound=lambda r: f"zone_record/{r.record}"),
    SealedColumn(column=zone_state.c.body, bound=lambda r: f"zone_state/{r.name}"),
    SealedColumn(column=zone_hour.c.body, bound=lambda r: f"zone_hour/{r.hour_s}/{r.shard}"),
]
"""Every column whose seals follow a change of key; a new one needs a line here (a test asks)."""
