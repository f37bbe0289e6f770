"""A full spool: the oldest samples go, never before that is written down, and notes never."""

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heatloop.edge.files import load_json
from heatloop.edge.kept import REFUSE_NEW, Kept
from heatloop.edge.memory import CommandMemory
from heatloop.edge.spool import Spool
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.envelope import EnvelopeKind
from heatloop.kernel.errors import InputError, LinkError
from heatloop.kernel.messages import Command
from heatloop.plant.model import Binding

FEW = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
DEVICES = {f"DV000{n}": range(100 * n, 100 * n + 10) for n in (1, 2, 3)}


def bindings():
    return [
        Binding(
            key=key, point=f"{device}.{key}", kind="x", device=device, register=0, dtype="uint16"
        )
        for device, keys in DEVICES.items()
        for key in keys
    ]  # fmt: skip


def make(folder, size=6000, **options):
    spool = Spool(folder / "spool", size, segment_bytes=1500)
    kept = Kept("GW0001", folder, spool, lambda: None, **options)
    kept.know(bindings())
    return kept


def batch(slot, devices):
    keys = [key for device in devices for key in DEVICES[device]]
    return SampleBatch(keys, [slot] * len(keys), [slot / 7.0] * len(keys), [0] * len(keys))


def content(spool):
    """Return (samples, notes) that stand in the spool now."""
    samples, notes = set(), []
    for epoch in spool.epochs:
        for record in spool.pending(0, 1 << 60, epoch=epoch):
            if record.kind is EnvelopeKind.NOTES:
                notes += json.loads(record.body)
            else:
                got = SampleBatch.from_bytes(record.body)
                samples |= set(zip(got.keys, got.slots, strict=True))
    return samples, notes


def covered(notes, cause="spool_full"):
    found = set()
    for note in notes:
        if note["type"] == "gap" and note["cause"] == cause:
            last = note["slots_from"] if note["slots_to"] is None else note["slots_to"]
            for slot in range(note["slots_from"], last + 1, 30):
                found |= {(key, slot) for key in DEVICES[note["device"]]}
    return found


async def fill(kept, slots, devices=tuple(DEVICES), first=0):
    for n in range(first, first + slots):
        if n % 5 == 4:
            await kept.notes([{"type": "event", "n": n}], 30 * n)
        await kept.samples(batch(30 * n, devices), 30 * n, dict.fromkeys(devices, 30))


async def test_the_oldest_samples_go_with_an_alarm_and_a_gap_and_notes_stay(tmp_path):
    kept = make(tmp_path)
    await fill(kept, 60)
    samples, notes = content(kept.spool)
    slots = {slot for _, slot in samples}
    assert max(slots) == 30 * 59  # the newest is there
    assert min(slots) > 0  # the oldest is not
    gone = {(k, 30 * n) for n in range(60) for keys in DEVICES.values() for k in keys} - samples
    assert gone == covered(notes)  # all that is gone is covered, and nothing else
    # What was written again comes later than it did; no kind of note minds.
    assert sorted(n["n"] for n in notes if n["type"] == "event") == list(range(4, 60, 5))
    # They grow, they do not pile up.
    assert sum(n["type"] == "gap" for n in notes) <= 3 * (kept.spool.segments + 1)
    alarms = [note for note in notes if note["type"] == "alarm"]
    assert [(a["rule"], a["subject"]) for a in alarms] == [("spool_dropping", "GW0001")]
    assert kept.spool.size <= 6000 * 1.5
    for epoch in kept.spool.epochs:
        kept.spool.ack(1 << 60, epoch=epoch)
    await fill(kept, 1, first=60)
    assert [n["type"] for n in content(kept.spool)[1]] == ["alarm_clear"]
    kept.spool.close()


async def test_new_samples_are_refused_where_that_is_the_policy(tmp_path):
    kept = make(tmp_path, 20_000, when_full=REFUSE_NEW)
    await fill(kept, 60)
    samples, notes = content(kept.spool)
    assert min(slot for _, slot in samples) == 0
    assert [n["rule"] for n in notes if n["type"] == "alarm"] == ["spool_full"]
    opened = [n for n in notes if n["type"] == "gap"]
    assert {(n["device"], n["slots_to"], n["cause"]) for n in opened} == {
        (device, None, "spool_full") for device in DEVICES
    }
    kept.spool.close()


def quick_folder(tmp_path_factory):
    """Return a folder in memory where there is one: what is tested is order, not the disk."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK):
        return Path(tempfile.mkdtemp(prefix="hl-spool-", dir=memory))
    return tmp_path_factory.mktemp("policy")


@pytest.mark.parametrize("segment_bytes", [1500, 1 << 20])
async def test_what_is_dropped_is_told_however_large_the_segments(tmp_path, segment_bytes):
    """The note about a segment must not stand in it, even where there is only one."""
    spool = Spool(tmp_path / "spool", 9000)
    spool._sizes["segment_bytes"] = segment_bytes
    spool._lanes[-1]._segment_bytes = segment_bytes
    kept = Kept("GW0001", tmp_path, spool, lambda: None)
    kept.know(bindings())
    await fill(kept, 60)
    samples, notes = content(spool)
    gone = {(k, 30 * n) for n in range(60) for keys in DEVICES.values() for k in keys} - samples
    assert gone
    assert gone <= covered(notes)
    spool.close()


async def test_an_acknowledgement_on_the_way_costs_no_other_segment(tmp_path):
    spool = Spool(tmp_path / "spool", 60_000, segment_bytes=1500)
    for n in range(20):
        spool.append(batch(30 * n, DEVICES))
    oldest = spool.oldest()
    spool.ack(oldest.records[-1].last)  # it arrives while the gap is written down
    before = content(spool)
    spool.drop(oldest)
    assert content(spool) == before
    spool.close()


async def test_devices_that_come_now_and_then_keep_their_whole_gap(tmp_path):
    """A note written again because its segment goes must not undo a newer one."""
    kept = make(tmp_path, 24_000)
    for n in range(400):
        devices = [d for i, d in enumerate(DEVICES) if n % (1, 7, 40)[i] == 0]
        await fill(kept, 1, tuple(devices), first=n)
    samples, notes = content(kept.spool)
    said = {
        (key, 30 * n)
        for n in range(400)
        for i, keys in enumerate(DEVICES.values())
        for key in keys
        if n % (1, 7, 40)[i] == 0
    }
    newest = {}  # as the platform keeps them: by device and first slot, the later note wins
    for note in notes:
        if note["type"] == "gap":
            newest[note["device"], note["slots_from"]] = note
    assert said - samples <= covered(newest.values())
    kept.spool.close()


class CrashError(Exception):
    pass


@FEW
@given(data=st.data())
def test_a_crash_at_any_step_forgets_neither_a_sample_nor_its_gap(tmp_path_factory, data):
    """Whatever was spooled is there, or covered by a gap note, or acknowledged; notes always.

    Where notes alone fill the spool, a gap stands in the gap book until its note finds room, and
    an event that nobody promised to keep waits in memory.
    """
    folder = quick_folder(tmp_path_factory)
    said, acked, told, promised = set(), set(), 0, set()

    async def run():
        nonlocal told
        kept = make(folder, data.draw(st.integers(5000, 7000)))
        steps = {"n": 0, "last": data.draw(st.integers(1, 40))}
        drop, append = kept.spool.drop, kept.spool.append_notes

        def step(call):
            def then(*args, **rest):
                steps["n"] += 1
                if steps["n"] == steps["last"]:
                    raise CrashError
                result = call(*args, **rest)
                if steps["n"] == steps["last"] + 1:
                    raise CrashError
                return result

            return then

        kept.spool.drop, kept.spool.append_notes = step(drop), step(append)
        first = (max((slot for _, slot in said), default=-30) + 30) // 30
        try:
            for n in range(first, first + 30):
                slot = 30 * n
                chosen = data.draw(st.lists(st.sampled_from(sorted(DEVICES)), min_size=1,
                                            unique=True))  # fmt: skip
                await kept.notes([{"type": "event", "n": told}], slot)
                told += 1
                if not kept._unspooled:
                    promised.update(range(told))
                await kept.samples(batch(slot, chosen), slot, dict.fromkeys(chosen, 30))
                said.update((k, slot) for d in chosen for k in DEVICES[d])
                if n % 7 == 6:
                    keep = {e: kept.spool.pending(0, 400, epoch=e) for e in kept.spool.epochs}
                    for epoch, records in keep.items():
                        if records and records[0].kind is EnvelopeKind.SAMPLES:
                            got = SampleBatch.from_bytes(records[0].body)
                            acked.update(zip(got.keys, got.slots, strict=True))
                            kept.spool.ack(records[0].last, epoch=epoch)
        except CrashError:
            pass
        kept.spool.close()

    for _ in range(2):
        asyncio.run(run())
    spool = Spool(folder / "spool", 6000, segment_bytes=1500)
    samples, notes = content(spool)
    booked = [
        {"type": "gap", "device": d, "slots_from": first, "slots_to": last, "cause": cause}
        for d, (first, last, cause) in (load_json(folder / "gaps.json") or {}).items()
    ]
    assert said <= samples | acked | covered(notes + booked)
    assert {n["n"] for n in notes if n["type"] == "event"} >= promised
    spool.close()
    shutil.rmtree(folder)


async def test_no_slot_overtakes_a_note_that_waits_for_the_disk(tmp_path):
    """A note too large for the last bytes of a disk waits; smaller samples must wait with it."""
    kept = make(tmp_path, size=1 << 20)
    await fill(kept, 2)
    append, append_notes = kept.spool.append, kept.spool.append_notes

    def full(*_, **__):
        raise LinkError("no space left")

    kept.spool.append = kept.spool.append_notes = full
    await fill(kept, 1, first=2)
    kept.spool.append = append  # the next slot's samples would fit, the note does not
    await fill(kept, 1, first=3)
    assert kept.spool.last_slot == 30
    again = Spool(tmp_path / "spool", 1 << 20, segment_bytes=1500)  # as after kill -9
    assert again.last_slot == 30  # so the restart's gap begins where samples are missing
    again.close()
    kept.spool.append_notes = append_notes
    await fill(kept, 1, first=4)
    samples, notes = content(kept.spool)
    said = {(k, 30 * n) for n in range(5) for keys in DEVICES.values() for k in keys}
    closed = [n for n in notes if n["type"] == "gap" and n["slots_to"] is not None]
    assert said - samples == covered(closed, "spool_unwritable")
    kept.spool.close()


def test_a_command_that_cannot_be_remembered_is_not_carried_out(tmp_path, monkeypatch):
    memory = CommandMemory(tmp_path / "commands.json")
    command = Command(
        id="c1", point="p", value=1.0, mode="manual", gateway="GW0001", issued=0.0, expires=9.0,
        nonce="00", counter=1, key_id="k", signature="00",
    )  # fmt: skip

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("heatloop.edge.memory.save_json", full)
    with pytest.raises(InputError):
        memory.begin(command)
    assert memory.begun == {}
    memory.finish(command, [{"type": "command_report"}], 0.0)  # only in memory, no crash
    assert command.id in memory.outcomes


@pytest.fixture
def small_disk(tmp_path):
    """Give a folder on a disk of 1 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root may mount a small disk")
    argv = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(argv, capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody mount a disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill_up(file):
    while True:
        file.write(bytes(4096))


async def test_a_truly_full_disk_loses_only_what_it_has_no_room_for(small_disk: Path):
    """No space left on the device: what is kept stays whole, what is not becomes a gap."""
    kept = make(small_disk, size=100 << 20)
    await fill(kept, 20)
    filler = small_disk / "filler"
    with filler.open("wb", 0) as file, pytest.raises(OSError, match="No space"):
        fill_up(file)
    await fill(kept, 40, first=20)
    with pytest.raises(LinkError):
        await kept.reports(batch(9000, DEVICES), 9000)
    filler.unlink()
    await fill(kept, 5, first=60)
    samples, notes = content(kept.spool)
    said = {(k, 30 * n) for n in range(65) for keys in DEVICES.values() for k in keys}
    closed = [n for n in notes if n["type"] == "gap" and n["slots_to"] is not None]
    assert {n["cause"] for n in closed} == {"spool_unwritable"}
    gone = said - samples
    assert gone
    assert gone == covered(closed, "spool_unwritable")
    assert [n["n"] for n in notes if n["type"] == "event"] == [n for n in range(65) if n % 5 == 4]
    kept.spool.close()
    again = Spool(small_disk / "spool", 100 << 20, segment_bytes=1500)
    assert content(again)[0] == samples
    again.close()
