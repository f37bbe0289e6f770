"""Throughput of sealing and of containers, for both suites; `bench.security` calls it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from time import perf_counter

from heatloop.security.container import Recipient, Sealing, new_receiver
from heatloop.security.providers import provider

_MB = 1_000_000


def throughput_mb_s(quick: bool) -> dict[str, float]:
    """Return megabytes a second: `<suite>.seal`, `.unseal`, `.digest`, `.container`.

    Also `<suite>.sign_per_s` and `.verify_per_s`, operations a second.

    Args:
        quick: Whether a second in all has to do.
    """
    spend_s = 0.05 if quick else 0.6
    found: dict[str, float] = {}
    for name in ("international", "sm"):
        found |= {f"{name}.{what}": rate for what, rate in _suite(name, spend_s).items()}
    return {name: round(value, 1) for name, value in found.items()}


def _suite(name: str, spend_s: float) -> dict[str, float]:
    suite = provider(name)
    key, block = suite.new_data_key(), secrets.token_bytes(1 << 20)
    keys, sealed = {"k": key}, suite.seal("k", key, block, b"bench")
    size = len(block) / _MB
    signer = suite.signing_key()
    public, signature = signer.public, signer.sign(b"command")
    recipient = Recipient(public_key=new_receiver("X25519")[1])

    def container() -> None:
        work = Sealing(suite, [recipient], about={}, made_at=0.0)
        for _ in range(8):
            work.add(block)
        work.end()

    return {
        "seal": size * _rate(lambda: suite.seal("k", key, block, b"bench"), spend_s),
        "unseal": size * _rate(lambda: suite.unseal(keys, sealed, b"bench"), spend_s),
        "digest": size * _rate(lambda: suite.digest(block), spend_s),
        "container": 8 * size * _rate(container, spend_s),
        "sign_per_s": _rate(lambda: signer.sign(b"command"), spend_s),
        "verify_per_s": _rate(
            lambda: suite.verify(signer.algorithm, public, b"command", signature), spend_s
        ),
    }


def _rate(work: Callable[[], object], spend_s: float) -> float:
    """Return how often a second something can be done."""
    work()
    count, begin = 0, perf_counter()
    while (spent := perf_counter() - begin) < spend_s:
        work()
        count += 1
    return count / spent
