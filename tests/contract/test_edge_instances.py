"""A gateway that knows several instances of the platform: it finds the one that works."""

import asyncio
import contextlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from websockets.asyncio.server import serve

from heatloop.edge.config import EdgeConfig, load_config
from heatloop.edge.enrol import enrol
from heatloop.edge.uplink import Uplink
from heatloop.kernel.errors import ConfigError, LinkError
from tests.contract.edge_peers import until
from tests.contract.test_edge_uplink import batch, world

__all__ = ["world"]


class Standby:
    """Stands by: refuses every gateway at once."""

    asked = 0

    async def __call__(self, socket):
        self.asked += 1
        refusal = {"type": "refused", "gateway": "", "reason": "this instance stands by"}
        await socket.send(json.dumps(refusal))
        await socket.close(1013, "stands by")


async def test_the_gateway_goes_on_to_the_instance_that_works_and_follows_it(world):
    platform, sessions, start, _ = world
    session, standby = sessions["GW0001"], Standby()
    async with contextlib.AsyncExitStack() as stack:
        second = await stack.enter_async_context(serve(standby, "127.0.0.1", 0))
        ports = [second.sockets[0].getsockname()[1]]
        server, port = await start()
        urls = [f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{port}"]
        uplink = Uplink(urls[0], [session], others=urls[1:])
        task = asyncio.create_task(uplink.run())
        try:
            session.spool.append(batch(30))
            await until(lambda: session.spool.rows == 0, 3.0)
            assert standby.asked == 1
            assert await uplink.well()
            # The active one dies; the one that stood by works now: nothing is lost on the way.
            server.close()
            second.close()
            await second.wait_closed()
            session.spool.append(batch(60))
            await until(lambda: not uplink.online)
            assert not await uplink.well()
            await start(ports[0])
            await until(lambda: session.spool.rows == 0, 6.0)
            assert platform.rows["GW0001"] == [*batch(30).rows(), *batch(60).rows()]
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _settings(tmp_path, **lines):
    path = tmp_path / "edge.toml"
    text = {"gateway": "GW0001", "platform_url": "https://a:1", "data": "."} | lines
    path.write_text("".join(f'{key} = "{value}"\n' for key, value in text.items()))
    return path


def test_further_instances_stand_in_the_settings(tmp_path):
    assert load_config(_settings(tmp_path)).platform_urls == ("https://a:1",)
    given = load_config(_settings(tmp_path, standby_urls="https://b:2, https://c:3,"))
    assert given.platform_urls == ("https://a:1", "https://b:2", "https://c:3")
    with pytest.raises(ConfigError, match="leaves this machine"):
        load_config(_settings(tmp_path, standby_urls="http://b:2"))
    with pytest.raises(ConfigError, match="by http and by https"):
        load_config(_settings(tmp_path, standby_urls="http://127.0.0.1:2"))


class _Refuses(BaseHTTPRequestHandler):
    asked: list[str]

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append(self.path)
        self.send_response(503)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_enrolment_asks_every_instance(tmp_path):
    (tmp_path / "token").write_text("t")
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), _Refuses) for _ in range(2)]
    for server in servers:
        server.asked = []
        Thread(target=server.serve_forever, daemon=True).start()
    urls = [f"http://127.0.0.1:{server.server_port}" for server in servers]
    config = EdgeConfig(
        gateway="GW0001", platform_url=urls[0], standby_urls=urls[1], data=tmp_path,
        token_file=tmp_path / "token",
    )  # fmt: skip
    try:
        with pytest.raises(LinkError, match="HTTP 503"):
            enrol(config)
        assert [len(server.asked) for server in servers] == [1, 1]
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
