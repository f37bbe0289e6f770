"""Brings the records to the newest version with the migrations shipped in the package."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError

from heatloop.kernel.errors import ConfigError
from heatloop.store.records.database import Database


def upgrade(url: str) -> None:
    """Make the tables, or change them to what this version expects.

    Raises:
        ConfigError: The records were written by a newer version.
        LinkError: The database is not reachable.
    """
    config = Config()
    # Percent signs would be read as interpolation.
    folder = str(Path(__file__).parent / "migrations").replace("%", "%%")
    config.set_main_option("script_location", folder)
    database = Database(url)
    try:
        # One transaction for all steps: an upgrade that fails leaves the records as they were.
        with database.write() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigError(
            f"records cannot be upgraded: {error}", fix="install the version that wrote them"
        ) from error
    finally:
        database.close()
