"""Ledger, people, commands, alarms and audit: relational records on SQLite or PostgreSQL."""

from heatloop.store.records.records import Records
from heatloop.store.records.upgrade import upgrade

__all__ = ["Records", "upgrade"]
