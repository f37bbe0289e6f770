"""The collectors' CoAP client against aiocoap's server, which is written by others."""

import asyncio
import socket

import aiocoap
import pytest
from aiocoap.resource import Resource, Site

from heatloop.demo.devices.coap_client import CoapClient, encode_post


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Report(Resource):
    def __init__(self, delay_s=0.0, code=aiocoap.CHANGED):
        super().__init__()
        self.got, self.delay_s, self.code = [], delay_s, code

    async def render_post(self, request):
        self.got.append((bytes(request.payload), request.opt.content_format))
        await asyncio.sleep(self.delay_s)
        return aiocoap.Message(code=self.code)


@pytest.fixture
async def server():
    """Start a server with a resource; returns (resource, address)."""
    contexts = []

    async def start(resource, port=None):
        site = Site()
        site.add_resource(["report"], resource)
        port = port or free_port()
        contexts.append(
            await aiocoap.Context.create_server_context(
                site, bind=("127.0.0.1", port), transports=["udp6"]
            )
        )
        return ("127.0.0.1", port)

    yield start
    for context in contexts:
        await context.shutdown()


async def post(client, address, payload, path="report"):
    answer = asyncio.get_running_loop().create_future()
    client.post(address, path, payload, answer.set_result)
    return await asyncio.wait_for(answer, 10)


async def test_a_report_arrives_as_sent_and_is_acknowledged(server):
    resource = Report()
    address = await server(resource)
    client = await CoapClient.open()
    assert await post(client, address, b"\x01\xff\x00payload") == 0x44
    assert resource.got == [(b"\x01\xff\x00payload", 42)]
    assert client.in_flight == 0
    client.close()


async def test_a_slow_answer_comes_separately_and_the_report_goes_once(server):
    # aiocoap acknowledges empty after 0.1 s and sends the response by itself.
    resource = Report(delay_s=0.4)
    address = await server(resource)
    client = await CoapClient.open(65535)
    assert await asyncio.gather(*(post(client, address, bytes([i])) for i in range(5))) == [68] * 5
    assert sorted(payload for payload, _ in resource.got) == [bytes([i]) for i in range(5)]
    client.close()


async def test_refusals_and_unknown_paths_are_told_apart(server):
    address = await server(Report(code=aiocoap.CONFLICT))
    client = await CoapClient.open()
    assert await post(client, address, b"x") == aiocoap.CONFLICT
    assert await post(client, address, b"x", path="nowhere") == aiocoap.NOT_FOUND
    client.close()


async def test_it_sends_again_to_a_gateway_that_comes_up_late(server):
    port = free_port()
    client = await CoapClient.open()
    waiting = asyncio.create_task(post(client, ("127.0.0.1", port), b"late"))
    await asyncio.sleep(0.3)
    resource = Report()
    await server(resource, port)
    assert await waiting == 0x44
    assert resource.got == [(b"late", 42)]
    client.close()


async def test_hundreds_in_flight_are_all_matched(server):
    resource = Report()
    address = await server(resource)
    client = await CoapClient.open()
    codes = await asyncio.gather(*(post(client, address, i.to_bytes(2, "big")) for i in range(300)))
    assert codes == [0x44] * 300
    assert len({payload for payload, _ in resource.got}) == 300
    client.close()


def test_bytes_of_a_post_are_those_of_the_standard():
    datagram = encode_post("report", b"\xaa", 0x1234, b"\x01\x02\x03\x04")
    assert datagram.hex() == "4402123401020304" + "b67265706f7274" + "112a" + "ffaa"
    parsed = aiocoap.Message.decode(datagram)
    assert (parsed.code, parsed.opt.uri_path, parsed.payload) == (
        aiocoap.POST,
        ("report",),
        b"\xaa",
    )
