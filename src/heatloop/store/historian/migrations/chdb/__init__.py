"""Migrations of the embedded ClickHouse engine; they also run on a ClickHouse server."""
