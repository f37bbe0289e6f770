"""The MQTT client of the house: aiomqtt, whose waiting can be cancelled on every Python."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable
from typing import TypeVar

import aiomqtt

T = TypeVar("T")


class MqttClient(aiomqtt.Client):
    """Connects to a broker.

    The library waits by `asyncio.wait_for`, which before Python 3.12 loses a cancellation that
    comes together with what is waited for; whoever then waits for the task waits for ever.
    """

    async def _wait_for(self, fut: Awaitable[T], timeout: float | None) -> T:  # noqa: ASYNC109
        seconds = self.timeout if timeout is None else timeout
        try:
            async with asyncio.timeout(None if seconds == math.inf else seconds):
                return await fut
        except TimeoutError:
            raise aiomqtt.MqttError("Operation timed out") from None
