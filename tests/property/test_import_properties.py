"""Imports of tables nobody thought of: readings in are stored, refused or repeated, never lost."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from heatloop.app.import_map import read_map
from heatloop.app.import_rows import RowReader
from heatloop.app.import_run import RunOptions, run_import
from heatloop.app.import_targets import Targets
from heatloop.app.import_thread import source_of
from heatloop.ingest.feed_shape import infer
from heatloop.kernel.errors import InputError
from heatloop.kernel.series import Columns
from heatloop.plant.build import build_ledger
from heatloop.plant.semantic_words import hear
from heatloop.store.bulk_journal import Journal
from heatloop.store.historian.memory import MemoryHistorian
from tests.unit.app_town import assets, devices, gateways

LEDGER = build_ledger(assets(), devices(), gateways(), version=1, keys={})
CODES = ["UN0001.secondary_flow", "UN0002.secondary_flow", "UN0003.secondary_flow"]
START = 1_704_412_800
MAP = read_map(
    '[time]\ncolumn = "time"\nformat = "epoch_s"\n[long]\ntag = "tag"\nvalue = "value"\n'
    '[[pattern]]\nmatch = "{u}.{k}"\ncode = "{u}.{k}"\n[quality]\nbad_values = [9]\n'
    '[file]\ndecimal = "."\n'
)
ROW = st.tuples(
    st.integers(0, 40), st.sampled_from(CODES), st.sampled_from(["1", "2", "2.5", "9", "", "x"])
)


@settings(max_examples=40)
@given(st.lists(ROW, max_size=60), st.lists(ROW, max_size=10), st.booleans())
def test_the_store_holds_the_first_value_of_each_second_and_the_rest_is_told(
    rows: list[tuple[int, str, str]], live: list[tuple[int, str, str]], overwrite: bool
) -> None:
    store = MemoryHistorian(zone=ZoneInfo("Asia/Shanghai"))
    want: dict[tuple[str, int], float] = {}
    for at, code, text in live:
        if code in LEDGER.points:
            key = LEDGER.points[code].key
            value = 70.0 + len(text)
            store.append(Columns(np.array([key], "u4"), np.array([START + at], "u4"),
                                 np.array([value]), np.zeros(1, "u1")))  # fmt: skip
            want[code, START + at] = value
    for at, code, text in rows:
        if text in ("1", "2", "2.5") and code in LEDGER.points:
            if overwrite:
                want[code, START + at] = float(text)
            else:
                want.setdefault((code, START + at), float(text))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        body = "".join(f"{START + at},{code},{text}\n" for at, code, text in rows)
        path.write_text("time,tag,value\n" + body)
        source = source_of(path, MAP)
        reader = RowReader(MAP, Targets(MAP, LEDGER), source.headings, START + 10**6)
        journal = Journal(Path(folder) / "j")
        counts, _ = run_import(source, reader, store, journal, RunOptions(overwrite=overwrite))
        journal.close()
    assert counts.rows_in == len(rows) == counts.stored + counts.refused + counts.repeated
    assert counts.refused == sum(count for count, _, _ in counts.reasons.values())
    for code in CODES[:2]:
        found = store.raw([LEDGER.points[code].key], 0, 2**32 - 1)
        have = dict(zip(found.slots.tolist(), found.values.tolist(), strict=True))
        assert have == {slot: value for (c, slot), value in want.items() if c == code}
    store.close()


@settings(max_examples=60)
@given(st.text(max_size=80))
def test_any_question_is_heard_whole(text: str) -> None:
    heard = hear(text)
    assert all(each.words for each in heard)
    assert sum(len(each.words) for each in heard) <= 6 * len(text) + 6


CELL = st.one_of(st.none(), st.text(max_size=12), st.floats(allow_nan=True), st.integers(),
                 st.booleans(), st.dates())  # fmt: skip


@settings(max_examples=60)
@given(st.dictionaries(st.text(max_size=10), st.lists(CELL, min_size=5, max_size=5), max_size=5))
def test_any_feed_can_be_looked_at(columns: dict[str, list[object]]) -> None:
    found = infer(columns)
    assert [each.name for each in found.columns] == list(columns)


@settings(max_examples=60)
@given(st.text(max_size=200))
def test_any_mapping_is_read_or_refused_with_a_reason(text: str) -> None:
    with contextlib.suppress(InputError):
        assert read_map(text).time_columns
