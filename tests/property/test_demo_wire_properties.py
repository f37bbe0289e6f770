"""Nothing sent to the city's devices makes them raise."""

from hypothesis import given
from hypothesis import strategies as st

from heatloop.demo.devices.coap_client import CoapClient
from heatloop.demo.devices.modbus import ModbusDevice


@given(st.binary(min_size=2, max_size=260), st.booleans())
def test_any_modbus_request_is_answered_and_only_writable_registers_change(request, ours):
    memory = bytearray(range(200))
    writable = frozenset(range(40, 45))
    device = ModbusDevice(index=0, memory=memoryview(memory), writable=writable)
    answer = device.answer((b"\x01" if ours else b"") + request)
    assert 2 <= len(answer) <= 253
    changed = {i // 2 for i in range(200) if memory[i] != i}
    assert changed <= writable
    if answer[0] & 0x80:
        assert not changed


async def test_any_datagram_is_taken_calmly():
    client = await CoapClient.open()
    answers = []
    client.post(("127.0.0.1", 9), "report", b"x", answers.append)

    @given(st.binary(max_size=40), st.integers(0, 7))
    def hear(data, port):
        reply = client.heard(port, data)
        assert reply == b"" or len(reply) == 4

    hear()
    client.close()
    assert len(answers) <= 1
