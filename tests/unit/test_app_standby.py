"""Standing alone, and what an instance believes of a lease while time passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from heatloop.app.refusals import Refused
from heatloop.app.standby import Alone, Shared
from heatloop.app.standby_settings import RedundancySettings, check_redundancy
from heatloop.kernel.errors import ConfigError
from heatloop.security.access import Role
from heatloop.store.records import Records
from tests.unit.app_town import town

URL = "postgresql://heatloop@/heatloop"


async def test_an_instance_alone_tells_of_itself(tmp_path: Path) -> None:
    async with town(tmp_path) as here, here.client("wang", Role.DISPATCHER) as client:
        seen = (await client.get("/api/v1/instances")).json()
    assert (seen["redundant"], seen["historian"], seen["token"]) == (False, "main", 0)
    (own,) = seen["items"]
    assert (own["role"], own["this"], own["name"]) == ("active", True, seen["active"])


async def test_counters_rise_however_fast_they_are_asked_for() -> None:
    alone = Alone(RedundancySettings(name="a"), historian=None)  # type: ignore[arg-type]
    counters = [await alone.next_counter("GW1") for _ in range(100)]
    assert counters == sorted(set(counters))


async def test_a_lease_is_believed_no_longer_than_it_lasts(tmp_path: Path) -> None:
    records = Records.open(f"sqlite:///{tmp_path}/records.sqlite")
    now = [100.0]
    settings = RedundancySettings(enabled=True, name="a", lease_s=5.0)
    one = Shared(settings, records, None, clock=lambda: now[0])  # type: ignore[arg-type]
    assert not one.active
    with pytest.raises(Refused, match="stands by"):
        await one.next_counter("GW1")
    assert await one.ask()
    assert one.holds
    assert not one.active  # it holds the lease and has not taken up its work yet
    one.ready = True
    one.require_active()
    first = await one.next_counter("GW1")
    assert await one.next_counter("GW1") > first
    now[0] += 5.1  # asleep, while the records' own time went on too
    with pytest.raises(Refused, match="stands by"):
        one.require_active()
    with pytest.raises(Refused):
        await one.next_counter("GW1")
    records.close()


@pytest.mark.parametrize(
    ("changes", "url", "words"),
    [
        ({}, "sqlite:///x", "SQLite cannot be shared"),
        ({"name": "no spaces"}, URL, "not a name"),
        ({"url": "ftp://x"}, URL, "not an address"),
        ({"lease_s": 30.0}, URL, "cannot stand by so"),
        ({"refresh_s": 0.0}, URL, "cannot stand by so"),
    ],
)
def test_settings_that_cannot_work_are_named(changes: dict[str, Any], url: str, words: str) -> None:
    given: dict[str, Any] = {"enabled": True, "name": "a"} | changes
    with pytest.raises(ConfigError, match=words):
        check_redundancy(RedundancySettings(**given), url)
    check_redundancy(RedundancySettings(enabled=True, name="a"), URL)
