"""The entrance of field data: what is stored, what is set aside, what is acknowledged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from heatloop.kernel.envelope import EnvelopeKind
from heatloop.security.keys import SigningKey
from tests.unit.app_town import START_S, Town, TownGateway, town

SUPPLY = "UN0001.secondary_supply_temperature"
SLOT = int(START_S)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        yield made


@pytest.fixture
async def gateway(here: Town) -> TownGateway:
    made = await here.enrol()
    await made.connect()
    return made


async def test_samples_are_stored_and_acknowledged(here: Town, gateway: TownGateway) -> None:
    await gateway.acknowledged(await gateway.samples((SUPPLY, SLOT, 51.5), (SUPPLY, SLOT + 30, 52)))
    stored = await here.platform.historian.raw([here.key(SUPPLY)], SLOT, SLOT + 60)
    assert stored.values.tolist() == [51.5, 52.0]
    assert here.platform.world.latest.value(here.key(SUPPLY)) == 52.0


async def test_overlap_and_repeat_store_nothing_twice(here: Town, gateway: TownGateway) -> None:
    await gateway.acknowledged(await gateway.samples((SUPPLY, SLOT, 50.0), (SUPPLY, SLOT + 30, 51)))
    gateway.next = 2
    last = await gateway.samples((SUPPLY, SLOT + 30, 51.0), (SUPPLY, SLOT + 60, 52.0))
    await gateway.acknowledged(last)
    gateway.next = 1
    await gateway.samples((SUPPLY, SLOT, 50.0))
    await gateway.until(lambda: here.platform.intake.figures.repeated == 1)
    assert here.platform.intake.figures.rows == 3
    stored = await here.platform.historian.raw([here.key(SUPPLY)], SLOT, SLOT + 90)
    assert stored.values.tolist() == [50.0, 51.0, 52.0]
    assert max(frame["through"] for frame in gateway.of("ack")) == 3


async def test_forged_envelope_is_set_aside_and_not_acknowledged(
    here: Town, gateway: TownGateway
) -> None:
    from heatloop.kernel.batch import SampleBatch
    from heatloop.kernel.envelope import seal_samples

    body = seal_samples(SampleBatch([here.key(SUPPLY)], [SLOT], [99.0], [0]))
    data = gateway.seal(EnvelopeKind.SAMPLES, body, 1, key=SigningKey.generate())
    await here.platform.intake.take(gateway.lines, data)
    await gateway.until(lambda: gateway.dropped)
    assert gateway.of("ack") == []
    assert gateway.of("quarantined")[0]["reason"] == "forged"
    total, rows = here.platform.records.quarantine.list()
    assert (total, rows[0].reason, rows[0].gateway) == (1, "forged", "GW0001")
    assert here.platform.world.latest.value(here.key(SUPPLY)) is None


async def test_changed_body_is_forged(here: Town, gateway: TownGateway) -> None:
    from heatloop.kernel.batch import SampleBatch
    from heatloop.kernel.envelope import seal_samples

    body = seal_samples(SampleBatch([here.key(SUPPLY)], [SLOT], [50.0], [0]))
    data = bytearray(gateway.seal(EnvelopeKind.SAMPLES, body, 1))
    data[40] ^= 1
    await here.platform.intake.take(gateway.lines, bytes(data))
    await gateway.until(lambda: gateway.dropped)
    assert here.platform.intake.figures.rows == 0


@pytest.mark.parametrize("data", [b"", b"HLE", b"HLE\x01", b"x" * 200, b"HLE\x09" + b"\0" * 90])
async def test_malformed_envelope_hangs_up(here: Town, gateway: TownGateway, data: bytes) -> None:
    await here.platform.intake.take(gateway.lines, data)
    assert gateway.dropped
    assert here.platform.records.quarantine.list()[1][0].reason == "malformed"


async def test_envelope_of_another_gateway_is_refused(here: Town, gateway: TownGateway) -> None:
    other = await here.enrol("GW0002")
    other.lines = gateway.lines
    await other.samples((SUPPLY, SLOT, 50.0))
    assert gateway.dropped
    assert here.platform.intake.figures.rows == 0


async def test_damaged_but_signed_body_is_set_aside_and_acknowledged(
    here: Town, gateway: TownGateway
) -> None:
    last = await gateway.send(EnvelopeKind.SAMPLES, b"not zlib", 5)
    await gateway.acknowledged(last)
    assert here.platform.records.quarantine.list()[1][0].reason == "damaged"
    await gateway.acknowledged(await gateway.samples((SUPPLY, SLOT, 50.0)))


async def test_rows_that_cannot_be_are_set_aside_and_the_rest_stored(
    here: Town, gateway: TownGateway
) -> None:
    last = await gateway.samples(
        (SUPPLY, SLOT, 50.0),
        (999_999, SLOT, 1.0),
        ("UN0001.secondary_return_temperature", SLOT, float("nan")),
        ("UN0001.secondary_supply_pressure", SLOT + 7 * 86400, 500.0),
        ("UN0002.secondary_supply_temperature", SLOT, 60.0),
    )
    await gateway.acknowledged(last)
    reasons = {row.reason: row.rows for row in here.platform.records.quarantine.list()[1]}
    assert reasons == {"unknown_key": 1, "not_finite": 1, "future_slot": 1, "foreign_point": 1}
    assert here.platform.intake.figures.rows == 1


async def test_out_of_range_is_kept_with_its_value_and_bad(
    here: Town, gateway: TownGateway
) -> None:
    await gateway.acknowledged(await gateway.samples((SUPPLY, SLOT, 500.0)))
    stored = await here.platform.historian.raw([here.key(SUPPLY)], SLOT, SLOT + 30)
    assert (stored.values[0], stored.quality[0]) == (500.0, 2)
    assert here.platform.world.latest.value(here.key(SUPPLY)) is None


async def test_hole_inside_a_link_is_refused_then_sent_again(
    here: Town, gateway: TownGateway
) -> None:
    await gateway.acknowledged(await gateway.samples((SUPPLY, SLOT, 50.0)))
    gateway.next = 3
    await gateway.samples((SUPPLY, SLOT + 60, 52.0))
    await gateway.until(lambda: gateway.dropped)
    assert here.platform.intake.figures.rows == 1
    gateway.frames.clear()
    await gateway.connect()
    assert gateway.of("welcome")[0]["through"] == 1
    gateway.next = 2
    await gateway.acknowledged(
        await gateway.samples((SUPPLY, SLOT + 30, 51), (SUPPLY, SLOT + 60, 52))
    )
    stored = await here.platform.historian.raw([here.key(SUPPLY)], SLOT, SLOT + 90)
    assert stored.values.tolist() == [50.0, 51.0, 52.0]


async def test_rows_gone_at_the_gateway_are_written_down(here: Town, gateway: TownGateway) -> None:
    gateway.next = 11
    await gateway.acknowledged(await gateway.samples((SUPPLY, SLOT, 50.0)))
    row = here.platform.records.quarantine.list()[1][0]
    assert (row.reason, row.rows) == ("rows_lost", 10)


async def test_backlog_beside_live_rows(here: Town, gateway: TownGateway) -> None:
    """Two spool epochs take turns on one link; each is acknowledged by itself."""
    await gateway.samples((SUPPLY, SLOT + 600, 55.0))
    gateway.epoch, gateway.next = 78, 1
    await gateway.samples((SUPPLY, SLOT, 50.0))
    await gateway.until(lambda: {f["epoch"] for f in gateway.of("ack")} == {77, 78})
    assert here.platform.world.latest.value(here.key(SUPPLY)) == 55.0
    assert {e.epoch: e.through for e in here.platform.records.gateways.epochs()} == {77: 1, 78: 1}


async def test_nothing_is_acknowledged_before_it_is_stored(
    here: Town, gateway: TownGateway
) -> None:
    """The historian is away: no acknowledgement; it comes back: acknowledged once, stored once."""
    engine = here.platform.historian.engine  # type: ignore[attr-defined]
    append, failures = engine.append, []

    def broken(columns: object) -> None:
        failures.append(columns)
        raise ConnectionError("historian is away")

    engine.append = broken
    last = await gateway.samples((SUPPLY, SLOT, 50.0))
    await gateway.until(lambda: len(failures) >= 2)
    assert gateway.of("ack") == []
    engine.append = append
    await gateway.acknowledged(last)
    assert (await here.platform.historian.raw([here.key(SUPPLY)], SLOT, SLOT + 30)).keys.size == 1


async def test_sequence_survives_a_restart(tmp_path: Path) -> None:
    async with town(tmp_path) as first:
        gateway = await first.enrol()
        await gateway.connect()
        await gateway.acknowledged(await gateway.samples((SUPPLY, SLOT, 50.0)))
    async with town(tmp_path, fresh=False) as second:
        gateway.town = second
        gateway.frames.clear()
        await gateway.connect()
        assert gateway.of("welcome") == [
            {
                "type": "welcome", "through": 1, "profile_version": 1, "now": START_S,
                "gateway": "GW0001",
            }
        ]  # fmt: skip


async def test_wrong_key_is_not_welcomed(here: Town, gateway: TownGateway) -> None:
    from heatloop.kernel.errors import UnsafeError

    gateway.key = SigningKey.generate()
    with pytest.raises(UnsafeError):
        await gateway.connect()


async def test_enrolment_token_works_once(here: Town) -> None:
    from heatloop.app.ledger_admin import create_gateway_token
    from heatloop.app.refusals import Forbidden

    token = create_gateway_token(here.platform.records, "GW0002")
    key = SigningKey.generate()
    done = await here.platform.gateways.enrol("GW0002", key.public, token)
    assert done.platform_public_key == here.platform.keys.signing.public.hex()
    for gateway in ("GW0002", "GW0001", "GW9999"):
        with pytest.raises(Forbidden):
            await here.platform.gateways.enrol(gateway, key.public, token)


async def test_notes_reach_their_keepers_and_bad_ones_do_not_stop_them(
    here: Town, gateway: TownGateway
) -> None:
    last = await gateway.notes(
        {"type": "gap", "device": "DV0001", "slots_from": SLOT, "slots_to": SLOT + 60,
         "cause": "device_unreachable"},
        {"type": "gap", "device": "DV0002", "slots_from": SLOT, "slots_to": None, "cause": "x"},
        {"type": "gap"},
        {"type": "something"},
        {"type": "event", "point": SUPPLY, "at_ms": SLOT * 1000, "text": "sensor replaced"},
    )  # fmt: skip
    await gateway.acknowledged(last)
    total, gaps = here.platform.records.gaps.list()
    assert (total, gaps[0].device, gaps[0].cause) == (1, "DV0001", "device_unreachable")
    bad = here.platform.records.quarantine.list()[1]
    assert [row.reason for row in bad] == ["bad_note"] * 3
    engine = here.platform.historian.engine  # type: ignore[attr-defined]
    assert [e.text for e in engine.events(SLOT * 1000, SLOT * 1000 + 1)] == ["sensor replaced"]


async def test_many_small_envelopes_are_grouped(here: Town, gateway: TownGateway) -> None:
    for n in range(60):
        last = await gateway.samples((SUPPLY, SLOT + 30 * n, 50.0 + n % 5))
    await gateway.acknowledged(last)
    stored = await here.platform.historian.raw([here.key(SUPPLY)], SLOT, SLOT + 3600)
    assert np.array_equal(stored.slots, SLOT + 30 * np.arange(60))
    assert len(gateway.of("ack")) < 60
