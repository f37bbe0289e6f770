"""The lease of platform instances, its fencing token and the counters under it, on both engines."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from heatloop.kernel.errors import ConfigError, UnsafeError
from heatloop.store.records import Records
from heatloop.store.records.instances import Lease
from tests.contract.test_store_records import postgres, records, url

__all__ = ["postgres", "records", "url"]

Told = dict[str, str]
A: Told = {"url": "https://a", "key_id": "k", "version": "1"}


@pytest.fixture
def other(url: str, records: Records) -> Iterator[Records]:
    """The records as another instance sees them."""
    made = Records(url)
    yield made
    made.close()


def take(records: Records, name: str, token: int | None = None, lease_s: float = 5.0) -> Lease:
    lease = records.instances.take(name, token=token, lease_s=lease_s)
    assert lease is not None
    return lease


def test_one_of_many_gets_the_lease_and_keeps_it(records: Records, other: Records) -> None:
    start = threading.Barrier(6)

    def ask(n: int) -> Lease | None:
        start.wait()
        return (records, other)[n % 2].instances.take(f"i{n}", token=None, lease_s=5.0)

    with ThreadPoolExecutor(6) as pool:
        got = [lease for lease in pool.map(ask, range(6)) if lease is not None]
    assert len(got) == 1
    (first,) = got
    renewed = take(other, first.holder, first.token)
    assert (renewed.token, renewed.since) == (first.token, first.since)
    assert renewed.expires_at > first.expires_at
    assert other.instances.take("late", token=None, lease_s=5.0) is None
    assert records.instances.lease() == renewed


def test_6_3_e_3_a_lease_that_ran_out_goes_on_with_a_higher_token(
    records: Records, other: Records
) -> None:
    first = take(records, "a", lease_s=0.2)
    time.sleep(0.3)
    second = take(other, "b")
    assert second.token == first.token + 1
    # Whoever comes back with the old token is told, also under his own name.
    assert records.instances.take("a", token=first.token, lease_s=5.0) is None
    assert records.instances.take("b", token=first.token, lease_s=5.0) is None
    # Given back, it is free at once; with the wrong token it is not given back.
    records.instances.leave("b", first.token)
    assert records.instances.take("a", token=None, lease_s=5.0) is None
    other.instances.leave("b", second.token)
    assert take(records, "a").token == second.token + 1


def test_a_fenced_instance_writes_nothing_once_another_took_over(
    records: Records, other: Records
) -> None:
    mine = take(records, "a", lease_s=0.2)
    records.instances.fence(mine.token)
    records.settings.set("limit", 1, source="operator", by="w", at=1.0)
    assert records.instances.next_counter("GW1", token=mine.token, floor=100) == 100
    time.sleep(0.3)
    theirs = take(other, "b")
    with pytest.raises(UnsafeError, match="took over"):
        records.settings.set("limit", 2, source="operator", by="w", at=2.0)
    with pytest.raises(UnsafeError, match="took over"):
        records.instances.next_counter("GW1", token=mine.token, floor=0)
    records.instances.beat("a", active=False, lag_s=None)
    held = other.settings.get("limit")
    assert held is not None
    assert held.value == 1
    # The counter goes on above what the other gave, also where this machine's clock is behind.
    assert other.instances.next_counter("GW1", token=theirs.token, floor=50) == 101
    records.instances.fence(None)
    records.settings.set("limit", 3, source="operator", by="w", at=3.0)


def test_instances_tell_of_themselves(records: Records, other: Records) -> None:
    records.instances.announce("a", **A)
    other.instances.announce("b", **A | {"url": "https://b"})
    with pytest.raises(ConfigError, match="different keys"):
        other.instances.announce("c", **A | {"key_id": "another"})
    before = records.instances.now()
    records.instances.beat("a", active=True, lag_s=0.0)
    now, (a, b) = other.instances.list()
    assert (a.name, a.url, a.active, a.lag_s) == ("a", "https://a", True, 0.0)
    assert (b.name, b.active, b.lag_s) == ("b", False, None)
    assert before - 0.01 <= a.seen_at <= now
    assert a.started_at <= a.seen_at


@pytest.mark.parametrize(
    "url",
    [pytest.param("postgresql", marks=pytest.mark.needs("postgres"))],
    indirect=True,
)
def test_a_process_paused_in_a_transaction_does_not_hold_up_the_next(
    records: Records, other: Records
) -> None:
    records.instances.guard_sessions(0.3)
    first = take(records, "a", lease_s=0.1)
    records.instances.fence(first.token)

    def pause() -> None:
        with records.database.write() as connection:
            connection.execute(text("SELECT 1"))
            time.sleep(1.0)  # as a stopped process would, its locks held
            connection.execute(text("SELECT 1"))

    with ThreadPoolExecutor(1) as pool:
        paused = pool.submit(pause)
        time.sleep(0.2)
        begun_s = time.monotonic()
        assert take(other, "b").token == first.token + 1
        assert time.monotonic() - begun_s < 0.8
        with pytest.raises(DBAPIError):
            paused.result()
