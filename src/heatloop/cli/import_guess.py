"""`heatloop import guess`: what an unknown file holds, and a draft of its mapping."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from heatloop.app.import_guess import guess_file
from heatloop.app.import_times import check_zone
from heatloop.kernel.errors import InputError


def run(options: argparse.Namespace) -> int:
    """Look, print, write the draft.

    Raises:
        InputError: The file cannot be read, or the draft not written.
    """
    if options.tz:
        check_zone(options.tz)
    found = guess_file(options.source, zone=options.tz)
    if options.out is not None:
        try:
            options.out.write_text(found.mapping, "utf-8")
        except OSError as error:
            raise InputError("无法写入 cannot be written", thing=str(options.out)) from error
    if options.json:
        print(json.dumps(asdict(found), ensure_ascii=False))
        return 0
    print(f"{found.file}: {found.shape}, {found.rows} rows, {found.encoding} {found.separator!r}")
    print(f"time: {found.time_column or '-'} {found.time_format} {found.period_s or '-'} s")
    for column in found.columns:
        span = "" if column.low is None else f"{column.low:g} .. {column.high:g}"
        kinds = ", ".join(column.kinds)
        print(f"  {column.name:<24} {column.type:<10} {column.unit or '-':<8} {span:<20} {kinds}")
        if column.note_zh:
            print(f"    {column.note_zh} {column.note_en}")
    for zh, en in zip(found.questions_zh, found.questions_en, strict=True):
        print(f"? {zh} {en}", file=sys.stderr)
    if options.out is None:
        print(found.mapping)
    return 0
