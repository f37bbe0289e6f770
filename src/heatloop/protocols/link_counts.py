"""Words both ends of a link count in: kinds of failure, and round trips as a sparse histogram.

Histograms add up, so an hour, a month or a company has a true median and p95 without keeping
every round trip.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, log

FAILURES = ("timeout", "checksum", "length", "malformed", "refused", "unreachable")
"""Why an expected message did not arrive, or arrived and was thrown away."""
REPORT_S = 600
"""Plant seconds between two reports of a gateway."""
HOUR_S = 3600
_FIRST_S = 1e-4
_STEP = 1.1
_MOST = 160


def rtt_bucket(rtt_s: float) -> int:
    """Return the bucket a round trip falls in: bucket k begins at 0.1 ms * 1.1^k."""
    if rtt_s <= _FIRST_S:
        return 0
    return min(floor(log(rtt_s / _FIRST_S) / log(_STEP)), _MOST)


def rtt_quantile_s(buckets: Mapping[int, int], share: float) -> float | None:
    """Return the round trip that `share` of all stay below, within 5 %; None without any."""
    total = sum(buckets.values())
    if not total:
        return None
    wanted, seen = share * total, 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen >= wanted:
            break
    return _FIRST_S * _STEP ** (bucket + 0.5)
