"""What security costs: deciding, writing it down, encrypting, and being attacked.

The audit trail is measured through the service everything writes with, on a disk that is really
synchronised; authorisation through the check every route makes; sign-in against the real server.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.lines import Lines, main
from bench.security_audit import WRITERS, append, verify_rates
from bench.security_authorise import authorise_us
from bench.security_crypto import throughput_mb_s
from bench.security_signin import attack_ratio

AUTHORISE_US, AUDIT_PER_S, ATTACK_RATIO = 5.0, 5000.0, 2.0


def run(lines: Lines, quick: bool) -> None:
    """Measure and print."""
    lines.add("security.authorise_us", authorise_us(), "us", at_most=AUTHORISE_US)
    _audit(lines, quick)
    for name, value in throughput_mb_s(quick).items():
        each = name.endswith("_per_s")
        lines.add(
            f"security.{name}" if each else f"security.{name}_mb_s",
            value,
            "operations/s" if each else "MB/s",
        )
    ratio, told = attack_ratio(quick)
    lines.add("security.attack_latency_ratio", ratio, "ratio", at_most=ATTACK_RATIO, note=told)


def _audit(lines: Lines, quick: bool) -> None:
    seconds = 1.5 if quick else 10.0
    with tempfile.TemporaryDirectory(prefix="heatloop-audit-") as name:
        folder = Path(name)
        many = append(folder, "sha256", seconds)
        told = f"{WRITERS} writers, p50 {many.p50_ms:.1f} ms, SQLite synchronous FULL"
        lines.add("security.audit_per_s", many.per_s, "entries/s", at_least=AUDIT_PER_S, note=told)
        lines.add("security.audit_append_p99_ms", many.p99_ms, "ms")
        lines.add("security.audit_loop_lag_ms", many.lag_ms, "ms", note="event loop held at most")
        sm3 = append(folder, "sm3", seconds)
        lines.add("security.audit_sm3_per_s", sm3.per_s, "entries/s")
        alone = append(folder, "sha256", seconds / 2, writers=1)
        lines.add("security.audit_alone_p99_ms", alone.p99_ms, "ms", note="one writer at a time")
        sizes = (10_000, 20_000, 40_000) if quick else (50_000, 100_000, 200_000, 400_000)
        rates = verify_rates(folder, sizes)
        lines.add("security.audit_verify_per_s", rates[-1][1], "entries/s")
        lines.add(
            "security.audit_verify_growth",
            rates[0][1] / rates[-1][1],
            "ratio",
            at_most=1.5,
            note=f"time an entry at {rates[-1][0]:,} over {rates[0][0]:,}",
        )


if __name__ == "__main__":
    sys.exit(main(run, "security", sys.argv[1:]))
