"""Migrations of the PostgreSQL frame engine."""
