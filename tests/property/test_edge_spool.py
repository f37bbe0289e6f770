"""The spool loses nothing that was fsynced: not to a torn tail, not to damage, not to kill -9."""

import os
import signal
import subprocess
import sys
from array import array
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heatloop.edge.segment import HEADER_BYTES, read_records
from heatloop.edge.spool import Spool, SpoolFullError
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.envelope import EnvelopeKind
from heatloop.kernel.errors import InputError

pytestmark = pytest.mark.filterwarnings("error")
FEW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def batch(n, slot=30, start=0):
    return SampleBatch(
        range(start, start + n), [slot] * n, [i / 8 for i in range(start, start + n)], [0] * n
    )


def bodies(spool, epoch=None):
    return [r.body for r in spool.pending(0, 1 << 60, epoch=epoch)]


def check_chain(records):
    for a, b in pairwise(records):
        assert b.first == a.last + 1


@pytest.fixture
def folder(tmp_path_factory):
    def make():
        return tmp_path_factory.mktemp("spool") / "s"

    return make


def test_rows_are_numbered_from_one_and_come_back_in_order(folder):
    spool = Spool(folder())
    assert spool.append(batch(3)) == 3
    assert spool.append_notes([{"type": "event"}, {"type": "gap"}], 31) == 5
    assert spool.append(batch(4, slot=60)) == 9
    records = spool.pending(0, 100)
    assert [(r.first, r.count, r.kind, r.slot_max) for r in records] == [
        (1, 3, EnvelopeKind.SAMPLES, 30),
        (4, 2, EnvelopeKind.NOTES, 31),
        (6, 4, EnvelopeKind.SAMPLES, 60),
    ]
    assert SampleBatch.from_bytes(records[2].body) == batch(4, slot=60)
    assert [r.first for r in spool.pending(5, 1)] == [6]
    assert spool.last_slot == 60
    spool.close()


def test_a_report_that_came_by_itself_does_not_say_a_slot_was_polled(folder):
    place = folder()
    spool = Spool(place)
    spool.append(batch(3, slot=90))
    spool.append(batch(1, slot=1800), late=True)
    assert spool.last_slot == 90
    spool.close()
    again = Spool(place)
    assert again.last_slot == 90
    assert again.rows == 4
    again.close()


def test_after_a_restart_the_epoch_goes_on_and_the_unacknowledged_rows_are_there(folder):
    place = folder()
    spool = Spool(place, segment_bytes=200)
    for n in range(10):
        spool.append(batch(5, slot=30 * n))
    spool.ack(20)
    epoch, before = spool.epoch, bodies(spool)
    again = Spool(place, segment_bytes=200)  # no close: as after kill -9
    assert again.epoch == epoch
    assert bodies(again)[-len(before) :] == before
    assert again.append(batch(1)) == 51
    spool.close()
    again.close()


def test_acknowledged_segments_are_deleted_but_the_sequence_is_remembered(folder):
    place = folder()
    spool = Spool(place, segment_bytes=300)
    for n in range(20):
        spool.append(batch(10, slot=30 * n))
    assert len(list(place.rglob("*.seg"))) > 5
    spool.ack(200)
    assert len(list(place.rglob("*.seg"))) == 1
    assert spool.rows == 0
    spool.close()
    again = Spool(place, segment_bytes=300)
    again.ack(200)
    assert again.last_slot == 30 * 19
    assert again.append(batch(1)) == 201
    again.close()


@FEW
@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.data())
def test_a_torn_tail_costs_only_the_record_that_was_being_written(folder, sizes, data):
    place = folder()
    spool = Spool(place)
    for n, size in enumerate(sizes):
        spool.append(batch(size, slot=30 * n))
    expected = bodies(spool)
    spool.close()
    (path,) = place.rglob("*.seg")
    content = path.read_bytes()
    cut = data.draw(st.integers(HEADER_BYTES, len(content)))
    path.write_bytes(content[:cut] + data.draw(st.binary(max_size=40)))
    whole = [end for _, end, _ in read_records(content) if end <= cut]
    again = Spool(place)
    assert bodies(again) == expected[: len(whole)]
    assert again.append(batch(2)) == sum(sizes[: len(whole)]) + 2
    again.close()
    third = Spool(place)
    check_chain(third.pending(0, 1 << 60))
    assert len(bodies(third)) == len(whole) + 1
    third.close()


@FEW
@given(st.lists(st.integers(1, 30), min_size=3, max_size=12), st.data())
def test_damage_in_the_middle_costs_one_record_and_leaves_no_hole(folder, sizes, data):
    place = folder()
    spool = Spool(place, segment_bytes=600)
    for n, size in enumerate(sizes):
        spool.append(batch(size, slot=30 * n, start=1000 * n))
    expected = bodies(spool)
    spool.close()
    paths = sorted(place.rglob("*.seg"))
    path = data.draw(st.sampled_from(paths))
    content = bytearray(path.read_bytes())
    spots = [(a, b) for a, b, _ in read_records(bytes(content))]
    start, end = data.draw(st.sampled_from(spots))
    content[data.draw(st.integers(start + 29, end - 1))] ^= 0x40  # inside the body
    path.write_bytes(bytes(content))
    again = Spool(place, segment_bytes=600)
    kept = []
    for epoch in again.epochs:
        records = again.pending(0, 1 << 60, epoch=epoch)
        check_chain(records)
        assert not records or records[0].first == 1
        kept += [r.body for r in records]
    lost = [body for body in expected if body not in kept]
    assert len(lost) == 1
    assert len(kept) == len(expected) - 1
    again.close()
    third = Spool(place, segment_bytes=600)
    assert third.rescued_rows == 0
    assert sum(len(bodies(third, e)) for e in third.epochs) == len(expected) - 1
    third.close()


def test_a_full_spool_says_so_and_still_takes_notes(folder):
    spool = Spool(folder(), max_bytes=4000)
    while spool.size < 3400:
        spool.append(batch(20, slot=1))
    with pytest.raises(SpoolFullError):
        spool.append(batch(40, slot=2))
    rows = spool.rows
    spool.append_notes([{"type": "gap"}])
    assert spool.rows == rows + 1
    spool.ack(spool.last_seq)
    with pytest.raises(InputError):
        spool.append(SampleBatch())
    spool.close()


def test_a_full_disk_keeps_nothing_of_the_record_and_the_next_one_works(folder, monkeypatch):
    place = folder()
    spool = Spool(place)
    spool.append(batch(3))
    real = os.write

    def half(fd, data):
        monkeypatch.setattr(os, "write", full)
        return real(fd, bytes(data)[:20])

    def full(fd, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(Exception, match="No space"):
        spool.append(batch(5))
    monkeypatch.setattr(os, "write", real)
    assert spool.append(batch(2)) == 5
    assert [r.count for r in spool.pending(0, 99)] == [3, 2]
    spool.close()
    again = Spool(place)
    assert bodies(again) == [batch(3).to_bytes(), batch(2).to_bytes()]
    again.close()


def test_a_new_epoch_starts_at_one_and_the_old_one_drains_beside_it(folder):
    place = folder()
    spool = Spool(place)
    spool.append(batch(7, slot=90))
    old = spool.epoch
    spool.roll()
    assert spool.append(batch(2, slot=120)) == 2
    assert spool.epochs == (old, spool.epoch)
    spool.close()
    again = Spool(place)
    assert again.epochs == spool.epochs
    again.ack(7, epoch=old)
    assert again.epochs == (spool.epoch,)
    assert again.last_slot == 120
    assert again.rows == 2
    again.close()


WRITER = """
import sys
from pathlib import Path
from heatloop.edge.spool import Spool
from heatloop.kernel.batch import SampleBatch
spool = Spool(Path(sys.argv[1]), segment_bytes=3000)
n = spool.last_slot
while True:
    n += 1
    last = spool.append(SampleBatch([n] * 9, [n] * 9, [n / 4] * 9, [0] * 9))
    print(spool.epoch, last, n, flush=True)
    if n % 7 == 0:
        spool.ack(last - 40)
"""


def test_kill_9_loses_nothing_that_was_promised(folder):
    place = folder()
    place.parent.mkdir(exist_ok=True)
    epochs, last, slot = set(), 0, 0
    for lines in (3, 11, 29, 50):
        run = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(place)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for _ in range(lines):
            epoch, last, slot = map(int, run.stdout.readline().split())
            epochs.add(epoch)
        run.send_signal(signal.SIGKILL)
        for line in run.stdout.read().splitlines():
            if len(line.split()) == 3:
                epoch, last, slot = map(int, line.split())
        run.wait()
        run.stdout.close()
        spool = Spool(place, segment_bytes=3000)
        records = spool.pending(0, 1 << 60)
        check_chain(records)
        assert records[-1].last >= last
        assert spool.last_slot >= slot
        assert all(
            SampleBatch.from_bytes(r.body).keys == array("I", [r.slot_max] * 9) for r in records
        )
        spool.close()
    assert len(epochs) == 1
