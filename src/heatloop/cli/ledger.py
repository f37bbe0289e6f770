"""`heatloop ledger`: check, import and export the ledger as files, without a running platform."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from heatloop.kernel.errors import InputError


def add_to(commands: Any) -> None:
    """Add the commands."""
    parser = commands.add_parser(
        "ledger",
        help="check, import or export the ledger",
        description="The ledger as Excel or CSV. An import is taken whole or not at all; every "
        "bad row is listed. Stop the platform first, or use its ledger page.",
        epilog="example: heatloop ledger check ledger.xlsx",
    )
    actions = parser.add_subparsers(dest="ledger_action", required=True, metavar="ACTION")
    for name, text in (
        ("check", "list the bad rows of a file"),
        ("import", "put a file in force"),
        ("export", "write the ledger in force to a file"),
    ):
        action = actions.add_parser(
            name, help=text, epilog=f"example: heatloop ledger {name} ledger.xlsx"
        )
        action.add_argument("file", type=Path, help=".xlsx, or .zip of csv files")
        action.add_argument("--json", action="store_true", help="answer for machines")
        if name != "check":
            action.add_argument(
                "--data", type=Path, default=Path("heatloop-data"), help="data folder"
            )
            action.add_argument("--config", type=Path, help="heatloop.toml")
    parser.set_defaults(action=run)


def _kind(path: Path) -> str:
    kinds = {".xlsx": "xlsx", ".zip": "csv"}
    if path.suffix.lower() not in kinds:
        raise InputError("unknown kind of file", thing=str(path), fix="give .xlsx or .zip")
    return kinds[path.suffix.lower()]


def run(options: argparse.Namespace) -> int:
    """Do one ledger action."""
    from heatloop.app.ledger_admin import empty_ledger, load_ledger, save_ledger
    from heatloop.app.settings import load_settings
    from heatloop.app.wiring import open_records
    from heatloop.plant.bad_rows import LedgerErrors
    from heatloop.plant.rows import from_rows, to_rows
    from heatloop.store.tables import read_tables, write_tables

    kind = _kind(options.file)
    records = None
    if options.ledger_action != "check":
        records, _ = open_records(load_settings(options.data.resolve(), options.config, os.environ))
    try:
        current = load_ledger(records) if records is not None else empty_ledger()
        if options.ledger_action == "export":
            options.file.write_bytes(write_tables(to_rows(current), kind))
            _answer(options, ok=True, version=current.version, assets=len(current.assets))
            return 0
        try:
            data = options.file.read_bytes()
        except OSError as error:
            raise InputError("cannot be read", thing=str(options.file)) from error
        try:
            ledger = from_rows(
                read_tables(data, kind), version=current.version + 1, keys=current.keys
            )
        except LedgerErrors as errors:
            rows = [
                {
                    "sheet": row.sheet,
                    "row": row.row,
                    "column": row.column,
                    "value": str(row.value),
                    "zh": row.message_zh,
                    "en": row.message_en,
                    "fix": row.fix,
                }
                for row in errors.rows
            ]
            _answer(options, ok=False, bad_rows=rows)
            return 2
        if records is not None:
            save_ledger(records, ledger, "cli", f"file {options.file.name}")
        _answer(
            options,
            ok=True,
            version=ledger.version,
            assets=len(ledger.assets),
            points=len(ledger.points),
        )
        return 0
    finally:
        if records is not None:
            records.close()


def _answer(options: argparse.Namespace, **facts: Any) -> None:
    if options.json:
        print(json.dumps(facts, ensure_ascii=False))
        return
    for row in facts.pop("bad_rows", []):
        place = f"{row['sheet']} {row['row']} {row['column']}"
        print(f"{place}: {row['zh']} {row['en']} ({row['value']}) -> {row['fix']}", file=sys.stderr)
    print("  ".join(f"{name}={value}" for name, value in facts.items()))
