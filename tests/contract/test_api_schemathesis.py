"""The whole API, fuzzed from its own document: no server error, answers as described, traces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.fuzz_api import PEAK_MB, Found, Fuzzer, serving


@pytest.fixture(scope="module")
def found() -> Iterator[Found]:
    """What one round over every operation found."""
    with serving() as server:
        fuzzer = Fuzzer(server, number=1)
        yield fuzzer.run(1, 0.0)
        fuzzer.close()


def test_no_operation_ends_in_a_server_error(found: Found) -> None:
    assert found.server_errors == {}
    assert found.requests > found.operations > 150
    assert found.statuses[200] > 100


def test_every_answer_fits_the_document(found: Found) -> None:
    assert found.misfits == {}


def test_every_write_that_went_through_left_a_trace(found: Found) -> None:
    """Clause 9.2.2: an entry of the audit trail each."""
    assert len(found.written) >= 10
    assert found.untraced == set()


def test_memory_stays_bounded(found: Found) -> None:
    assert 100.0 < found.peak_mb < PEAK_MB
