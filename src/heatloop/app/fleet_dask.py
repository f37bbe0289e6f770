"""The fleet's work on a Dask cluster; needs the extra `cluster`, and heatloop on its workers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar, cast

from heatloop.app.fleet_settings import FleetSettings
from heatloop.kernel.errors import ConfigError, LinkError, StaleError

R = TypeVar("R")
_LEAST_WIDTH = 2


class DaskExecutor:
    """Gives work to a scheduler; a piece whose worker ends is given to another by the scheduler."""

    def __init__(self, client: Any, settings: FleetSettings) -> None:
        self._client, self._settings = client, settings

    @classmethod
    async def connect(cls, settings: FleetSettings) -> DaskExecutor:
        """Return the executor when the scheduler answers.

        Raises:
            ConfigError: The extra is not installed, or a certificate cannot be read.
            LinkError: The scheduler does not answer.
        """
        try:
            from distributed import Client, Security
        except ImportError as error:
            raise ConfigError(
                "a Dask cluster needs more packages",
                thing="fleet.url",
                fix='pip install "heatloop[cluster]"',
            ) from error
        security = None
        if settings.tls_ca:
            security = Security(  # type: ignore[no-untyped-call]
                tls_ca_file=settings.tls_ca,
                tls_client_cert=settings.tls_certificate,
                tls_client_key=settings.tls_key,
                require_encryption=True,
            )
        try:
            client = await Client(  # type: ignore[no-untyped-call]
                settings.url,
                asynchronous=True,
                security=security,
                timeout=settings.connect_s,
                set_as_default=False,
            )
        except (OSError, TimeoutError) as error:
            raise LinkError(
                "the cluster's scheduler does not answer",
                thing=settings.url,
                fix="start it, or leave fleet.url empty",
            ) from error
        return cls(client, settings)

    @property
    def width(self) -> int:
        """Return how many threads the cluster has."""
        workers = self._client.scheduler_info(n_workers=-1).get("workers", {})
        return max(sum(int(each.get("nthreads", 1)) for each in workers.values()), _LEAST_WIDTH)

    async def call(self, function: Callable[..., R], timeout_s: float, *args: object) -> R:
        """Return what a function of a module gives.

        Raises:
            StaleError: No answer in time; the work is given up.
            LinkError: Workers ended under it again and again, or the cluster is gone.
        """
        from distributed import CancelledError, KilledWorker

        # Not pure: the same item a second time is work of its own, not a look into a cache.
        future = self._client.submit(function, *args, pure=False)
        try:
            async with asyncio.timeout(timeout_s):
                return cast(R, await future)
        except TimeoutError as error:
            await future.cancel()
            raise StaleError(
                "the cluster did not answer in time", thing=function.__name__
            ) from error
        except KilledWorker as error:
            raise LinkError("workers ended under it", thing=function.__name__) from error
        except CancelledError as error:
            raise LinkError("the cluster is gone", thing=function.__name__) from error

    async def close(self) -> None:
        """Leave the cluster; it goes on without us."""
        await self._client.close()
