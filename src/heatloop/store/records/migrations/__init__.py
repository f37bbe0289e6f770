"""Alembic environment and versions of the records."""
