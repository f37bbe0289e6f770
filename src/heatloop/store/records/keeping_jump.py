"""After a restore: numbers that others may have seen higher must never be given twice.

Gateways refuse profiles and rules that are not newer than what they have, and a key of a point may
have been given after the backup. So versions and keys jump ahead of anything that can have been.
Command counters need no jump: they follow machine milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from heatloop.store.records.database import Database
from heatloop.store.records.edge_rules import SENT, edge_rules
from heatloop.store.records.schema import ledger_version, point_key

VERSIONS, KEYS = 1000, 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Jumped:
    """Where numbers go on."""

    ledger_version: int
    """Version of the ledger, and so of edge profiles."""
    point_key: int
    """Greatest key that is taken."""
    rules: int
    """Gateways whose rules were issued again."""


def jump_ahead(database: Database, *, at: float, user: str, note: str) -> Jumped:
    """Let versions and keys go on far above what the records know, in one transaction."""
    with database.write() as connection:
        version = int(connection.execute(select(func.max(ledger_version.c.version))).scalar() or 0)
        if version:
            version += VERSIONS
            row = {"version": version, "at": at, "user": user, "note": note, "rows_changed": 0}
            connection.execute(ledger_version.insert().values(**row))
        key = int(connection.execute(select(func.max(point_key.c.key))).scalar() or 0)
        if key:
            key += KEYS
            mark = {"key": key, "code": f"~{note}", "since_version": version}
            connection.execute(point_key.insert().values(**mark))
        newest: dict[str, dict[str, object]] = {}
        for one in connection.execute(select(edge_rules).order_by(edge_rules.c.version)):
            newest[one.gateway] = dict(one._mapping)
        for rules in newest.values():
            again = {
                "version": int(str(rules["version"])) + VERSIONS,
                "at": at,
                "user": user,
                "note": note,
                "back_to": rules["version"],
                "state": SENT,
                "reason": "",
                "reported_at": None,
            }
            connection.execute(edge_rules.insert().values(**{**rules, **again}))
    return Jumped(ledger_version=version, point_key=key, rules=len(newest))
