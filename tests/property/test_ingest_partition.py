"""Whatever arrives: every row is accepted or refused, once, with its raw value."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heatloop.ingest.checker import QualityChecker
from heatloop.ingest.rules import rules_for
from heatloop.kernel.clock import SimulatedClock
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.plant.model import Point

T0 = 1_700_000_010
KINDS = ("secondary_supply_temperature", "secondary_heat_total", "station_mode", "secondary_flow")
RULES = rules_for(
    (Point(code=f"A.{kind}", key=key, asset="A", kind=kind), 1.0)
    for key, kind in enumerate(KINDS, start=1)
)
ROW = st.tuples(
    st.integers(0, 5), st.integers(0, 30).map(lambda i: T0 + 30 * i),
    st.floats() | st.floats(0, 110), st.integers(0, 6),
)  # fmt: skip
CALLS = st.lists(st.lists(ROW, min_size=1, max_size=30), max_size=4)


@given(CALLS)
def test_rows_are_neither_lost_nor_made_nor_changed(calls):
    checker = QualityChecker(RULES, SimulatedClock(T0 + 600))
    for rows in calls:
        keys, slots, values, quality = (np.array(c) for c in zip(*rows, strict=True))
        sent = Columns(keys.astype("u4"), slots.astype("u4"), values.astype("f8"),
                       quality.astype("u1"))  # fmt: skip
        (accepted, rejected, reasons), flags = checker.check_flags(sent)
        fine = (np.isfinite(sent.values) & (sent.keys >= 1) & (sent.keys <= 4)
                & (sent.quality <= Quality.ESTIMATED) & (sent.slots <= T0 + 660))  # fmt: skip
        for got, want in zip(accepted[:3], sent.take(fine)[:3], strict=True):
            assert got.tobytes() == want.tobytes()
        for got, want in zip(rejected, sent.take(~fine), strict=True):
            assert got.tobytes() == want.tobytes()
        assert len(reasons) == rejected.keys.size
        assert flags.size == accepted.quality.size
        # Doubt is only ever added.
        assert (accepted.quality >= sent.quality[fine]).all()
        assert (accepted.quality <= Quality.ESTIMATED).all()
