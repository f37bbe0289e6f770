"""Moves an instance on: it stands by, takes over, works, and ends when it lost the lease.

An instance never goes back to standing by: it ends, and the supervisor starts it anew, so that
nothing of what it believed while it worked can stay behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from heatloop import __version__
from heatloop.app.history import in_thread
from heatloop.app.standby import Shared
from heatloop.kernel.errors import HeatloopError, LinkError, UnsafeError

_log = structlog.get_logger("heatloop.standby")
_LOOKS_A_LEASE = 8
_BEATS_A_LEASE = 4

Step = Callable[[], Awaitable[None]]


class Duty:
    """The life of one of several instances.

    Args:
        standing: What it is now.
        url: Address it is reached at.
        key_id: Signing key it speaks to gateways with.
        refresh: Reads again what an instance that stands by shows.
        take_over: Takes up what the records hold; run once, before the work.
        work: Everything only the active instance does; ends by an error or by cancellation.
        stop: Hangs up whatever is connected, at the end.
    """

    def __init__(
        self,
        standing: Shared,
        *,
        url: str,
        key_id: str,
        refresh: Step,
        take_over: Step,
        work: Step,
        stop: Step,
    ) -> None:
        self._standing, self._url, self._key_id = standing, url, key_id
        self._refresh, self._take_over, self._work, self._stop = refresh, take_over, work, stop
        self._lease_s = standing.settings.lease_s

    async def run(self) -> None:
        """Stand by, take over, work; ends only by cancellation or an error.

        Raises:
            ConfigError: The instances do not fit together.
            UnsafeError: Another instance took over.
        """
        standing = self._standing
        await in_thread(standing.records.instances.guard_sessions, self._lease_s)
        await in_thread(
            standing.records.instances.announce,
            standing.name,
            url=self._url,
            key_id=self._key_id,
            version=__version__,
        )
        try:
            await self._stand_by()
            await self._serve()
        finally:
            standing.ready = False
            await asyncio.shield(self._leave())

    async def _stand_by(self) -> None:
        """Return as soon as the lease is held."""
        viewing = asyncio.create_task(self._keep_view(), name="standby-view")
        told = False
        try:
            while not await self._held():
                if not told:
                    _log.info("standing by", instance=self._standing.name)
                    told = True
                await asyncio.sleep(self._lease_s / _LOOKS_A_LEASE)
        finally:
            viewing.cancel()
            await asyncio.gather(viewing, return_exceptions=True)

    async def _held(self) -> bool:
        try:
            return await self._standing.ask()
        except LinkError as error:
            _log.warning("records are away", error=str(error))
            return False

    async def _keep_view(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            try:
                await self._standing.beat()
                if loop.time() >= due_s:
                    await self._refresh()
                    self._standing.refreshed()
                    due_s = loop.time() + self._standing.settings.refresh_s
            except HeatloopError as error:
                _log.warning("view is not refreshed", error=str(error))
            await asyncio.sleep(self._lease_s / _BEATS_A_LEASE)

    async def _serve(self) -> None:
        """Work while the lease is held."""
        tasks = [
            asyncio.create_task(self._renew(), name="lease"),
            asyncio.create_task(self._begin_work(), name="work"),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            self._standing.ready = False
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin_work(self) -> None:
        standing = self._standing
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        await self._take_over()
        standing.ready = True
        standing.active_url = self._url
        took_s = round(loop.time() - begun_s, 2)
        _log.warning("active", instance=standing.name, token=standing.token, took_s=took_s)
        await self._work()

    async def _renew(self) -> None:
        """Renew the lease for ever.

        Raises:
            UnsafeError: It is lost.
        """
        standing = self._standing
        while True:
            await asyncio.sleep(self._lease_s / _BEATS_A_LEASE)
            try:
                # After a pause the question comes too late: whoever asked first has taken over.
                async with asyncio.timeout(self._lease_s):
                    held = standing.holds and await standing.ask()
                    if held:
                        await standing.beat()
            except (LinkError, TimeoutError) as error:
                _log.warning("records are away", error=repr(error))
                held = standing.holds
            if not held:
                raise UnsafeError(
                    "the lease is lost, another instance may work",
                    thing=standing.name,
                    fix="this one ends and comes back as standby",
                )

    async def _leave(self) -> None:
        standing = self._standing
        await self._stop()
        try:
            async with asyncio.timeout(self._lease_s):
                await in_thread(standing.records.instances.leave, standing.name, standing.token)
        except (HeatloopError, TimeoutError) as error:
            _log.warning("could not say good-bye", error=str(error))
