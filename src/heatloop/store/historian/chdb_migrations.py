"""The numbered migrations of the ClickHouse engines: which there are, which are still to run."""

from __future__ import annotations

from importlib import resources

from heatloop.kernel.errors import ConfigError

_FOLDER = "heatloop.store.historian.migrations.chdb"

Migration = tuple[int, str, str]
"""Number, name, SQL."""


def migrations(*, down: bool = False) -> list[Migration]:
    """Return the shipped migrations, or the ways back, rising."""
    found = []
    for file in resources.files(_FOLDER).iterdir():
        if file.name.endswith(".sql") and file.name.endswith(".down.sql") == down:
            number, _, name = file.name.removesuffix(".sql").partition("_")
            found.append((int(number), name, file.read_text("utf-8")))
    return sorted(found)


def statements(text: str) -> list[str]:
    """Return the statements of a migration, without comments."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return [part.strip() for part in "\n".join(lines).split(";") if part.strip()]


def steps_ahead(database: str, done: set[int], through: int | None = None) -> list[Migration]:
    """Return the migrations a database has not had, rising.

    Args:
        database: Its name.
        done: Numbers of those it had.
        through: Last one to run; None for all.

    Raises:
        ConfigError: The database was made by a newer heatloop.
    """
    every = migrations()
    if done - {number for number, _, _ in every}:
        raise ConfigError(
            "historian was written by a newer version",
            thing=database,
            fix="install that version, or restore a backup",
        )
    wanted = (step for step in every if through is None or step[0] <= through)
    return [step for step in wanted if step[0] not in done]


def steps_back(done: set[int], to: int) -> list[tuple[int, str]]:
    """Return number and SQL of what takes back the migrations after number `to`, newest first.

    Raises:
        ConfigError: One of them has no way back.
    """
    back = {number: text for number, _, text in migrations(down=True)}
    undone = sorted((number for number in done if number > to), reverse=True)
    if set(undone) - set(back):
        raise ConfigError(
            "a migration has no way back",
            thing=str(min(set(undone) - set(back))),
            fix="restore a backup made before it",
        )
    return [(number, back[number]) for number in undone]
