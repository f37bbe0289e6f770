"""`heatloop import history`: readings of foreign files into the historian, each told about."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from heatloop.app.import_map import ImportMap, read_map
from heatloop.app.import_rows import RowReader
from heatloop.app.import_run import Counts, RunOptions, name_run, run_id, run_import
from heatloop.app.import_targets import Targets
from heatloop.app.import_thread import source_of, told
from heatloop.app.import_times import check_zone
from heatloop.app.import_views import facts_of, reasons
from heatloop.app.ledger_admin import load_ledger
from heatloop.app.settings import Settings, load_settings
from heatloop.app.wiring import open_records
from heatloop.cli.import_historian import open_historian
from heatloop.cli.simulate_progress import LateProgress
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import HeatloopError, InputError
from heatloop.plant.ledger import Ledger
from heatloop.store.bulk_journal import Journal, refused_csv, save_run
from heatloop.store.bulk_sources import Source
from heatloop.store.bulk_sql import SqlSource
from heatloop.store.records import Records
from heatloop.store.tables import read_tables, write_tables

EXIT_OK, EXIT_REFUSED = 0, 1
_FUTURE_S = 86400
_MOST_EXCEL = 200_000
_BY = "cli"


def run(options: argparse.Namespace) -> int:
    """Import a file; 1 when readings were refused.

    Raises:
        InputError: File, mapping or an option is wrong.
        LinkError: The historian went away: run again with --resume.
    """
    if options.refused is not None and options.refused.suffix.lower() not in (".csv", ".xlsx"):
        raise InputError("不支持的文件类型 unknown kind of file", thing=str(options.refused),
                         fix="--refused .csv or .xlsx")  # fmt: skip
    settings = load_settings(options.data.resolve(), options.config, os.environ)
    text = _text(options.map)
    mapping = read_map(text, zone=options.tz)
    if mapping.zone:
        check_zone(mapping.zone)
    how = RunOptions(overwrite=options.overwrite, dry_run=options.dry_run, resume=options.resume)
    records, _ = open_records(settings)
    try:
        ledger = load_ledger(records)
        targets = Targets(mapping, ledger)
        targets.check()
        source, name, identity = _source(options, mapping, text, how)
        return _import(options, settings, records, ledger, how, source, name, identity, mapping)
    finally:
        records.close()


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("无法读取 cannot be read", thing=str(path), fix="check --map") from error


def _source(
    options: argparse.Namespace, mapping: ImportMap, text: str, how: RunOptions
) -> tuple[Source | SqlSource, str, str]:
    if "://" in options.source:
        if not mapping.query:
            raise InputError(
                "没有查询 no query", place="[sql]", fix="give sql.query in the mapping"
            )
        sql = SqlSource(options.source, mapping.query).open()
        content = hashlib.sha256(sql.name.encode()).hexdigest()
        return sql, sql.name, name_run(content, text, how, options.tz)
    path = Path(options.source)
    file = source_of(path, mapping)
    return file, path.name, run_id(path, text, how, options.tz)


def _import(
    options: argparse.Namespace, settings: Settings, records: Records, ledger: Ledger,
    how: RunOptions, source: Source | SqlSource, name: str, identity: str, mapping: ImportMap,
) -> int:  # fmt: skip
    with ExitStack() as stack:
        folder = settings.data / "imports" / identity
        if how.dry_run:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        journal = Journal(folder)
        stack.callback(journal.close)
        store = stack.enter_context(open_historian(settings))
        # Plant time may run ahead of this machine's.
        limit = int(max([machine_s(), *_greatest(store.latest().slots)]))
        reader = RowReader(mapping, Targets(mapping, ledger), source.headings, limit + _FUTURE_S)
        facts = facts_of(identity, name, _BY, how, options.tz, machine_s())
        bar = LateProgress(f"import {name}", 1.0)

        def show(done: float, counts: Counts) -> None:
            del counts
            bar.show(done)

        def keep(**more: Any) -> None:
            facts.update(more)
            if not how.dry_run:
                save_run(folder, facts)

        keep()
        _audit(records, "import.start", identity, file=name, dry_run=how.dry_run,
               overwrite=how.overwrite, resume=how.resume)  # fmt: skip
        try:
            counts, _ = run_import(source, reader, store, journal, how, show=show)
        except HeatloopError as error:
            keep(state="failed", error=str(error), ended_at=machine_s())
            raise
        finally:
            bar.end()
        keep(**told(counts), state="done", progress=1.0, ended_at=machine_s())
        took_s = facts["ended_at"] - facts["started_at"]
        _audit(records, "import.end", identity, rows_in=counts.rows_in, stored=counts.stored,
               refused=counts.refused, repeated=counts.repeated)  # fmt: skip
        if options.refused is not None:
            _write_refused(options.refused, folder)
        _report(options, ledger, identity, name, counts, took_s, how)
    return EXIT_REFUSED if counts.refused else EXIT_OK


def _greatest(slots: Any) -> list[int]:
    return [int(slots.max())] if len(slots) else []


def _audit(records: Records, action: str, subject: str, **detail: Any) -> None:
    records.audit.append(at=machine_s(), user=_BY, action=action, subject=subject, detail=detail)


def _write_refused(path: Path, folder: Path) -> None:
    try:
        if path.suffix.lower() == ".csv":
            with path.open("wb") as file:
                for part in refused_csv(folder):
                    file.write(part)
            return
        with tempfile.TemporaryDirectory() as scratch:
            plain = Path(scratch) / "refused.csv"
            with plain.open("wb") as file:
                for part in refused_csv(folder):
                    file.write(part)
            rows = read_tables(plain)["refused"]
        if len(rows) > _MOST_EXCEL:
            raise InputError(f"{len(rows)} 行太多 rows are too many for a workbook",
                             thing=str(path), fix="give --refused with .csv")  # fmt: skip
        path.write_bytes(write_tables({"refused": rows}))
    except OSError as error:
        raise InputError("无法写入 cannot be written", thing=str(path)) from error


def _report(
    options: argparse.Namespace, ledger: Ledger, identity: str, name: str, counts: Counts,
    took_s: float, how: RunOptions,
) -> None:  # fmt: skip
    why = reasons(counts.reasons)
    if options.json:
        points = {
            ledger.by_key[key].code: {"stored": n, "first_s": first, "last_s": last}
            for key, (n, first, last) in counts.points.items()
        }
        facts = asdict(counts) | {"reasons": [asdict(each) for each in why], "points": points}
        facts |= {"id": identity, "file": name, "dry_run": how.dry_run, "seconds": took_s}
        print(json.dumps(facts, ensure_ascii=False))
        return
    said = "检查 checked" if how.dry_run else "导入 imported"
    rate = counts.rows_in / took_s if took_s > 0 else 0.0
    print(f"{said} {name}: {counts.rows_in} 读数 readings in {took_s:.1f} s ({rate:,.0f}/s)")
    print(f"  {counts.stored} 入库 stored ({counts.flagged} 质量存疑 not of good quality)")
    print(f"  {counts.refused} 拒绝 refused, {counts.repeated} 重复 repeated, "
          f"{counts.empty} 空单元格 empty cells")  # fmt: skip
    for each in why:
        print(f"    {each.count} {each.zh} {each.en}: 行 line {each.first_line}: {each.example}",
              file=sys.stderr)  # fmt: skip
