"""Spans in which values are missing, with their causes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from heatloop.store.records.database import Database
from heatloop.store.records.values import page
from heatloop.store.records.work_schema import gap


@dataclass(frozen=True, kw_only=True, slots=True)
class GapRow:
    """A span of missing values of one device."""

    device: str
    """Device code."""
    slots_from: int
    """First missing slot."""
    gateway: str
    """Gateway code."""
    slots_to: int | None
    """Last missing slot; None while it lasts."""
    cause: str
    """Cause code."""


class Gaps:
    """Gaps by device and first missing slot."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(
        self, *, gateway: str, device: str, slots_from: int, slots_to: int | None, cause: str
    ) -> None:
        """Keep a gap, or its end; told again it is one gap, and its end only moves on.

        Notes may come in another order than they were written: an older, shorter word about a
        gap changes nothing.
        """
        row = {
            "gateway": gateway,
            "device": device,
            "slots_from": slots_from,
            "slots_to": slots_to,
            "cause": cause,
        }
        with self._database.write() as connection:
            if slots_to is None:
                self._database.insert_new(connection, gap, row)
            else:
                new = self._database.insert(gap).values(row)
                later = gap.c.slots_to.is_(None) | (gap.c.slots_to < new.excluded.slots_to)
                connection.execute(
                    new.on_conflict_do_update(
                        index_elements=["device", "slots_from"],
                        set_={
                            name: new.excluded[name] for name in ("gateway", "slots_to", "cause")
                        },
                        where=later,
                    )
                )

    def list(
        self,
        *,
        devices: Collection[str] | None = None,
        gateways: Collection[str] | None = None,
        start: int | None = None,
        end: int | None = None,
        open_only: bool = False,
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[int, Sequence[GapRow]]:
        """Return how many gaps fit, and a page of them, newest first.

        Args:
            devices: Device codes; None for all.
            gateways: Gateway codes; None for all.
            start: Gaps that last to this slot or longer.
            end: Gaps that begin before this slot.
            open_only: Only gaps that last.
            offset: Rows to skip.
            limit: Rows to give.
        """
        query = select(gap).order_by(gap.c.slots_from.desc(), gap.c.device)
        if devices is not None:
            query = query.where(self._database.among(gap.c.device, devices))
        if gateways is not None:
            query = query.where(self._database.among(gap.c.gateway, gateways))
        if start is not None:
            query = query.where(gap.c.slots_to.is_(None) | (gap.c.slots_to >= start))
        if end is not None:
            query = query.where(gap.c.slots_from < end)
        if open_only:
            query = query.where(gap.c.slots_to.is_(None))
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [GapRow(**row._mapping) for row in rows]
