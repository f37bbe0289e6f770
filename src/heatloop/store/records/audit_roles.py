"""Two PostgreSQL roles: the owner, who upgrades, and the program's own, who cannot touch the trail.

The program's role may read and add entries; it may neither change nor delete them, nor alter or
disable what guards them, because it owns nothing. Old sealed periods go by a function of the
owner that looks for itself whether they may.
"""

from __future__ import annotations

from typing import LiteralString

import psycopg
from psycopg import sql

from heatloop.kernel.errors import ConfigError, LinkError
from heatloop.store.records.database import Database, read_url
from heatloop.store.records.governance_journal import install_journal
from heatloop.store.records.upgrade import upgrade

FIXED = ("audit_entry", "audit_checkpoint", "record_change")
"""Tables the program's role only reads and adds to."""
FORWARD = ("audit_head", "audit_period")
"""Tables it may also update; their triggers let them only go forward."""


def make_roles(owner_url: str, role: str, password: str = "") -> list[str]:
    """Bring the records to the newest version as their owner, and give a role what it may do.

    Args:
        owner_url: `postgresql://owner@host/database`.
        role: Name of the program's role; made if it is not there.
        password: Its password; empty: none is set.

    Returns:
        What was done, a sentence each.

    Raises:
        ConfigError: These are no records of PostgreSQL, or the role is the owner himself.
        LinkError: The server cannot be reached, or refuses.
    """
    if read_url(owner_url).get_backend_name() != "postgresql":
        raise ConfigError(
            "roles are PostgreSQL's", thing="--owner-url", fix="SQLite is guarded by its triggers"
        )
    upgrade(owner_url)
    database = Database(owner_url)
    try:
        install_journal(database)
    finally:
        database.close()
    plain = read_url(owner_url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(plain) as connection:
            return _grant(connection, role, password)
    except psycopg.Error as error:
        raise LinkError(f"roles cannot be made: {error}", fix="connect as the owner") from error


def _grant(
    connection: psycopg.Connection[tuple[object, ...]], role: str, password: str
) -> list[str]:
    name = sql.Identifier(role)

    def run(text: LiteralString, **parts: sql.Composable) -> None:
        connection.execute(sql.SQL(text).format(role=name, **parts))

    row = connection.execute(
        "SELECT current_user, quote_ident(current_schema()), current_schema(), current_database(),"
        " current_setting('server_version_num')::int"
    ).fetchone()
    assert row is not None
    owner, schema, database = str(row[0]), sql.Identifier(str(row[2])), sql.Identifier(str(row[3]))
    if owner == role:
        raise ConfigError("the owner can undo every guard", thing=role, fix="name another role")
    known = connection.execute(
        "SELECT rolsuper FROM pg_roles WHERE rolname = %s", [role]
    ).fetchone()
    done = []
    if known is None:
        run("CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION")
        done.append(f"role {role} made")
    elif known[0]:
        raise ConfigError("a superuser can undo every guard", thing=role, fix="name another role")
    if password:
        run("ALTER ROLE {role} PASSWORD {secret}", secret=sql.Literal(password))
    run("GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {database} TO {role}", database=database)
    run("REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {role}", schema=schema)
    run("GRANT USAGE ON SCHEMA {schema} TO {role}", schema=schema)
    run("REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC, {role}", schema=schema)
    run(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
        schema=schema,
    )
    run("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}", schema=schema)
    for table in (*FIXED, *FORWARD, "alembic_version"):
        run("REVOKE ALL ON {table} FROM {role}", table=sql.Identifier(table))
        run("GRANT SELECT ON {table} TO {role}", table=sql.Identifier(table))
    for table in (*FIXED, "audit_period"):
        run("GRANT INSERT ON {table} TO {role}", table=sql.Identifier(table))
    run("GRANT UPDATE (dropped_at, dropped_by) ON audit_period TO {role}")
    run("GRANT UPDATE ON audit_head TO {role}")
    run("REVOKE ALL ON FUNCTION audit_drop_period(bigint) FROM PUBLIC")
    run("GRANT EXECUTE ON FUNCTION audit_drop_period(bigint) TO {role}")
    done.append(f"{role} reads and adds to {', '.join(FIXED)}; it cannot change or delete there")
    if isinstance(row[4], int) and row[4] >= 170000:
        run("GRANT MAINTAIN ON ALL TABLES IN SCHEMA {schema} TO {role}", schema=schema)
    else:
        done.append("vacuum and reindex are the owner's: this server has no right for them")
    return done
