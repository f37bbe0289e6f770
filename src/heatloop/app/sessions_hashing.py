"""Checking passwords away from everything else: few threads, at low priority, a short queue.

Argon2 takes 64 MiB and a core for a moment by design. Whoever sends a flood of wrong passwords
must pay for it with his own waiting, and nobody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from heatloop.app.refusals import Refused
from heatloop.security.passwords import hash_password, verify_password

# Behind the event loop, and yet not starved on a machine that is busy with other things.
_NICE, _PATIENCE_S = 5, 30.0
T = TypeVar("T")


def _step_back() -> None:
    """Let the threads of this pool, and those argon2 starts from them, come after all others."""
    with contextlib.suppress(OSError, AttributeError):
        # On Linux a priority belongs to a thread and is inherited; elsewhere nothing changes.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


class Hashing:
    """A pool for password hashes, with room for so many who wait."""

    def __init__(self, threads: int, queue: int) -> None:
        self._pool = ThreadPoolExecutor(threads, "passwords", initializer=_step_back)
        self._room, self._waiting = queue + threads, 0
        # Nobody unknown may fill the queue alone.
        self._share = max(1, queue // 2)
        self._from: Counter[str] = Counter()

    async def verify(self, hashed: str | None, password: str, source: str = "") -> bool:
        """Return whether a password belongs to a hash.

        Args:
            hashed: Its hash; None takes as long and is never right.
            password: What was typed.
            source: Who asks; of one source only a part of the queue may wait. Empty: trusted.

        Raises:
            Refused: Too many wait already.
        """
        return await self._in_line(lambda: verify_password(hashed, password), source)

    async def make(self, password: str) -> str:
        """Return the hash of a password.

        Raises:
            Refused: Too many wait already.
        """
        return await self._in_line(lambda: hash_password(password), "")

    async def among(self, hashes: tuple[str, ...], password: str) -> bool:
        """Return whether a password belongs to any of these hashes."""

        def look() -> bool:
            return any(verify_password(each, password) for each in hashes)

        return await self._in_line(look, "") if hashes else False

    async def _in_line(self, work: Callable[[], T], source: str) -> T:
        async with self._place(source):
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    return await asyncio.get_running_loop().run_in_executor(self._pool, work)
            except TimeoutError as error:
                raise Refused("sign_in_busy") from error

    @contextlib.asynccontextmanager
    async def _place(self, source: str) -> AsyncIterator[None]:
        if self._waiting >= self._room or (source and self._from[source] >= self._share):
            raise Refused("sign_in_busy")
        self._waiting += 1
        if source:
            self._from[source] += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if source:
                self._from[source] -= 1
                if not self._from[source]:
                    del self._from[source]

    def close(self) -> None:
        """Let the threads go; who waits is refused."""
        self._pool.shutdown(wait=False, cancel_futures=True)
