"""Doing again what must be done until it is done, with one line in the log at each end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from heatloop.kernel.errors import InputError

_log = structlog.get_logger("heatloop.app")
_WAITS_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


async def until_done(what: str, call: Callable[[], Awaitable[None]]) -> None:
    """Await `call()` until it succeeds; a service that is away comes back.

    Args:
        what: Names the service in the log.
        call: Makes the attempt; must be safe to make again.

    Raises:
        InputError: The input itself is refused: trying again would not help.
    """
    failures = 0
    while True:
        try:
            await call()
        except (InputError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever broke, the data must not be lost
            if not failures:
                _log.error("broken, trying again", what=what, error=repr(error))
            await asyncio.sleep(_WAITS_S[min(failures, len(_WAITS_S) - 1)])
            failures += 1
            continue
        if failures:
            _log.info("works again", what=what, attempts=failures + 1)
        return
