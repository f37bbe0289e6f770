"""`heatloop import gis`: pipes and nodes of a network file as rows of the ledger."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from heatloop.app.import_network import draw_up
from heatloop.app.ledger_admin import load_ledger
from heatloop.app.settings import load_settings
from heatloop.app.wiring import open_records
from heatloop.kernel.errors import InputError
from heatloop.network.topology.steel import bore_m
from heatloop.plant.bad_rows import LedgerErrors
from heatloop.plant.build import build_ledger
from heatloop.plant.rows import to_rows
from heatloop.store.networks.files import read_network
from heatloop.store.tables import CSV, XLSX, write_tables

_KINDS = {".xlsx": XLSX, ".zip": CSV}


def run(options: argparse.Namespace) -> int:
    """Read, draw up, check against the ledger in force and write a workbook.

    Raises:
        InputError: The file is wrong, or the ledger would be.
    """
    if options.out.suffix.lower() not in _KINDS:
        raise InputError("不支持的文件类型 unknown kind of file", thing=str(options.out),
                         fix="--out .xlsx or .zip")  # fmt: skip
    defaults = {"diameter_m": bore_m(options.dn_mm)} if options.dn_mm else None
    file = read_network(options.source, defaults=defaults)
    records, _ = open_records(load_settings(options.data.resolve(), options.config, os.environ))
    try:
        ledger = load_ledger(records)
    finally:
        records.close()
    drawn = draw_up(file, ledger, options.parent, options.network)
    try:
        made = build_ledger(
            [*ledger.assets.values(), *drawn.assets],
            list(ledger.devices.values()),
            list(ledger.gateways.values()),
            version=ledger.version + 1,
            keys=ledger.keys,
            profiles=ledger.profiles.own.values(),
        )
    except LedgerErrors as errors:
        rows = "; ".join(f"{row.row} {row.message_zh} {row.message_en}" for row in errors.rows[:5])
        raise InputError(f"台账有误 the ledger would be wrong: {rows}", thing=file.name) from errors
    try:
        options.out.write_bytes(write_tables(to_rows(made), _KINDS[options.out.suffix.lower()]))
    except OSError as error:
        raise InputError("无法写入 cannot be written", thing=str(options.out)) from error
    _answer(options, file, drawn)
    return 0


def _answer(options: argparse.Namespace, file: Any, drawn: Any) -> None:
    pipes = sum(asset.kind == "pipe_segment" for asset in drawn.assets)
    facts = {
        "pipes": pipes,
        "nodes": len(drawn.assets) - pipes,
        "placed": {name: code for name, code in drawn.placed.items() if code[:2] != "PN"},
        "unknown": drawn.unknown,
        "findings": [
            {"kind": each.kind, "thing": each.thing, "place": each.place, "zh": each.zh,
             "en": each.en}
            for each in file.findings
        ],
    }  # fmt: skip
    if options.json:
        print(json.dumps(facts, ensure_ascii=False))
        return
    for each in file.findings:
        print(f"{each.place}: {each.thing}: {each.zh} {each.en}", file=sys.stderr)
    for name in drawn.unknown:
        print(f"{name}: 台账中没有同名资产 no asset of the ledger has this name", file=sys.stderr)
    print(f"{pipes} 管段 pipes, {facts['nodes']} 节点 nodes -> {options.out}")
