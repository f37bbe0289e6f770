"""Slow and greedy clients against a real server on a socket: they go, the others are served."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from heatloop.app.process import uvicorn_config
from heatloop.app.settings import load_settings
from heatloop.web.body_guard import BodyGuard

HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"


async def _app(scope: Any, receive: Any, send: Any) -> None:
    """Read the whole body, and say how much it was."""
    taken, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        taken, more = taken + len(message.get("body", b"")), message.get("more_body", False)
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": str(taken).encode()})


async def _answered(scope: Any, receive: Any, send: Any) -> None:
    """Do what the platform's own error handling does with what the guard raises."""
    try:
        await BodyGuard(_app, wait_s=0.5)(scope, receive, send)
    except HTTPException as error:
        await send({"type": "http.response.start", "status": error.status_code, "headers": []})
        await send({"type": "http.response.body", "body": b""})
    except ClientDisconnect:
        pass


@contextlib.asynccontextmanager
async def serving(folder: Path, **server: Any) -> AsyncIterator[int]:
    given = {"port": 0, "head_wait_s": 0.5, "body_wait_s": 0.5, **server}
    settings = load_settings(folder, overrides={"server": given})
    own = uvicorn.Server(uvicorn_config(settings, _answered))
    task = asyncio.create_task(own.serve())
    while not own.started:
        await asyncio.sleep(0.01)
    try:
        yield own.servers[0].sockets[0].getsockname()[1]
    finally:
        own.should_exit = True
        await task


async def _get(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        return await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _until_closed(reader: asyncio.StreamReader) -> tuple[bytes, float]:
    """Return what came before the server closed, and how long that took, seconds."""
    begun = time.perf_counter()
    data = b""
    with contextlib.suppress(OSError):
        async with asyncio.timeout(15):
            data = await reader.read()
    return data, time.perf_counter() - begun


async def test_heads_that_come_drop_by_drop_are_cut_off_and_others_are_served(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as port:
        lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(40)]

        async def drip(writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                writer.write(b"GET / HTTP/1.1\r\n")
                for n in range(100):
                    writer.write(f"X-{n}: 1\r\n".encode())
                    await writer.drain()
                    await asyncio.sleep(0.05)

        drips = [asyncio.create_task(drip(writer)) for _, writer in lines]
        begun = time.perf_counter()
        assert (await _get(port)).startswith(b"HTTP/1.1 200")
        assert time.perf_counter() - begun < 3.0
        ends = await asyncio.gather(*(_until_closed(reader) for reader, _ in lines))
        assert all(data == b"" and took < 5.0 for data, took in ends)
        for task in drips:
            task.cancel()
        await asyncio.gather(*drips, return_exceptions=True)
        for _, writer in lines:
            writer.close()


async def test_a_second_head_on_the_same_connection_is_timed_too(tmp_path: Path) -> None:
    async with serving(tmp_path) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.write(b"GET / HTTP/1.1\r\nHo")
        _, took = await _until_closed(reader)
        assert took < 4.0
        writer.close()


async def test_bodies_that_do_not_come_end_with_408(tmp_path: Path) -> None:
    async with serving(tmp_path) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"x")
        data = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert data.startswith(b"HTTP/1.1 408")
        writer.close()

        # A byte now and then keeps nobody waiting for ever either.
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD)

        async def drip() -> None:
            with contextlib.suppress(OSError):
                for _ in range(200):
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(0.05)

        task = asyncio.create_task(drip())
        data = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert data.startswith(b"HTTP/1.1 408")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        writer.close()

        # One who sends at his pace is served.
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD)
        for _ in range(10):
            writer.write(b"y" * 100_000)
            await writer.drain()
            await asyncio.sleep(0.05)
        data = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert data.startswith(b"HTTP/1.1 200")
        writer.close()


async def test_one_address_holds_no_more_than_its_share(tmp_path: Path) -> None:
    async with serving(tmp_path, max_connections_an_address=5, head_wait_s=2.0) as port:
        lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
        await asyncio.sleep(0.1)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        data, took = await _until_closed(reader)
        assert (data, took < 1.0) == (b"", True)
        writer.close()
        # Those who were first go on, and their going makes room.
        first, line = lines[0]
        line.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await first.read()).startswith(b"HTTP/1.1 200")
        for _, line in lines:
            line.close()
        await asyncio.sleep(0.2)
        assert (await _get(port)).startswith(b"HTTP/1.1 200")
