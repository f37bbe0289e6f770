"""The MQTT client ends when it is told to."""

from __future__ import annotations

import asyncio

import aiomqtt
import pytest

from heatloop.edge.mqtt_client import MqttClient


async def test_a_cancellation_that_meets_the_answer_is_not_lost() -> None:
    client = MqttClient("127.0.0.1", 1)
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def asking() -> None:
        await client._wait_for(answer, 5.0)
        await asyncio.sleep(3600)

    task = asyncio.create_task(asking())
    await asyncio.sleep(0.01)
    answer.set_result(None)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=2.0)
    assert done
    assert task.cancelled()


async def test_no_answer_in_time_is_an_error_of_the_library() -> None:
    client = MqttClient("127.0.0.1", 1)
    with pytest.raises(aiomqtt.MqttError, match="timed out"):
        await client._wait_for(asyncio.Event().wait(), 0.01)
