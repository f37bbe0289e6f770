"""Plain MQTT with JSON through mosquitto: its own clients on the other side."""

import asyncio
import json

import pytest

from heatloop.demo.devices.mqtt import serve
from heatloop.demo.devices.mqtt_broker import Broker
from heatloop.edge.drivers.registry import driver_class
from heatloop.kernel.errors import ConfigError, InputError, LinkError
from tests.contract.control_field import (
    START,
    Bench,
    bindings,
    device,
    face,
    poller,
    read,
    read_until,
    swept,
)
from tests.contract.edge_peers import until
from tests.contract.link_peers import free_port

pytestmark = pytest.mark.needs("mosquitto", "mosquitto-clients")
TOPIC = "plant/weather"
ROWS = [
    ("outdoor_temperature", "air.temperature", "r"),
    ("wind_speed", "wind[0].speed", "r"),
    ("outdoor_humidity", "state|humidity", "r"),
]
ORDERED = [
    ("source_supply_temperature", "supply", "r"),
    ("source_supply_temperature_setpoint", "setpoint", "rw"),
]


@pytest.fixture
async def broker(tmp_path):
    made = Broker(tmp_path / "broker", "127.0.0.1", free_port())
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def bench():
    made = Bench(timeout_s=0.4)
    yield made
    await made.close()


async def publish(broker, message, topic=TOPIC, *more):
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    process = await asyncio.create_subprocess_exec(
        "mosquitto_pub", "-p", str(broker._port), "-t", topic, "-s", *more,
        stdin=asyncio.subprocess.PIPE,
    )  # fmt: skip
    await process.communicate(data)
    assert process.returncode == 0


def about(broker, **more):
    return device("mqtt", broker._port, **{"address": TOPIC, **more})


async def joined(driver, found):
    """Read until the connection stands and the topics are subscribed."""
    assert (await read(driver, found))[1] == "device_unreachable"
    await until(driver._link._standing.is_set, 5)


async def test_values_are_found_in_the_messages_of_another_client(broker, bench):
    found = bindings(ROWS)
    driver = bench.driver(about(broker))
    await joined(driver, found)
    await publish(broker, {"air": {"temperature": -7.5}, "wind": [{"speed": "3.5"}]})
    await publish(broker, {"humidity": 81}, f"{TOPIC}/state")
    values, cause, _ = await read_until(driver, found, lambda v, c, d: len(v) == 3)
    assert values == {"outdoor_temperature": -7.5, "wind_speed": 3.5, "outdoor_humidity": 81.0}
    assert cause is None
    bench.now_s += 91.0  # three periods without a word
    assert (await read(driver, found))[1] == "device_unreachable"
    assert bench.stats.report(START, final=True)["devices"]["DV0001"]["up"] > 0


async def test_messages_with_a_time_of_their_own_are_kept_where_they_belong(broker, bench):
    found = bindings(ROWS[:1])
    driver = bench.driver(about(broker, parameters="time=at qos=1"))
    await joined(driver, found)
    for age, value in ((600, -9.5), (0, -7.5)):
        message = {"at": (START - age) * 1000, "air": {"temperature": value}}
        await publish(broker, message, TOPIC, "-q", "1")
    values, *_ = await read_until(driver, found, lambda v, c, d: v)
    assert values == {"outdoor_temperature": -7.5}
    assert list(bench.late.rows()) == [(101, START - 600, -9.5, 0)]


async def test_retained_words_count_only_where_their_age_is_known_or_allowed(broker, bench):
    found = bindings(ROWS[:1])
    fresh = {"at": START, "air": {"temperature": 1.5}}
    await publish(broker, fresh, TOPIC, "-r")
    plain = bench.driver(about(broker))
    await joined(plain, found)
    assert (await read(plain, found))[0] == {}
    dated = Bench(timeout_s=0.4)
    driver = dated.driver(about(broker, parameters="time=at"))
    assert (await read(driver, found))[0] == {"outdoor_temperature": 1.5}
    dated.now_s += 3600.0
    assert (await read(driver, found))[1] == "device_unreachable"
    await dated.close()


async def test_a_last_will_is_believed(broker, bench):
    found = bindings(ROWS[:1])
    driver = bench.driver(about(broker, parameters="death=status"))
    await joined(driver, found)
    await publish(broker, {"air": {"temperature": 1.5}})
    await read_until(driver, found, lambda v, c, d: v)
    await publish(broker, b"offline", f"{TOPIC}/status", "-r")
    await read_until(driver, found, lambda v, c, d: c == "device_unreachable")
    await publish(broker, {"air": {"temperature": 2.5}})
    await read_until(driver, found, lambda v, c, d: v == {"outdoor_temperature": 2.5})


@pytest.mark.parametrize(
    "message", [b"{", b"[" * 50_000, {"at": START + 4000, "air": {"temperature": 1.5}}, {"at": {}}]
)
async def test_damaged_messages_are_counted_and_leave_no_value(broker, bench, message):
    found = bindings(ROWS[:1])
    driver = bench.driver(about(broker, parameters="time=at"))
    await joined(driver, found)
    await publish(broker, message)
    await until(lambda: bench.stats._devices["DV0001"].failed["malformed"] == 1, 5)
    assert (await read(driver, found))[0] == {}


async def test_a_value_that_is_no_number_is_left_out(broker, bench):
    found = bindings(ROWS[:2])
    driver = bench.driver(about(broker))
    await joined(driver, found)
    await publish(broker, {"air": {"temperature": "warm"}, "wind": [{"speed": 3}]})
    values, cause, _ = await read_until(driver, found, lambda v, c, d: v)
    assert (values, cause) == ({"wind_speed": 3.0}, "device_error")


async def test_orders_reach_the_device_and_are_read_back(broker, bench):
    found = bindings(ORDERED)
    row = about(broker, address="plant/boiler", parameters="write=set")
    values = {"source_supply_temperature": 98.7, "source_supply_temperature_setpoint": 95.0}
    shown = face(row, found, values)
    served = await serve([shown], "127.0.0.1", broker._port, period_s=0.02)
    driver = bench.driver(row)
    got, cause, _ = await read_until(driver, found, lambda v, c, d: v)
    assert (got, cause) == (values, None)
    assert ("HS0001.source_supply_temperature", 98.7) in shown.told
    assert await driver.write(found[1], 101.5, read_back=False) == 101.5
    await until(lambda: shown.values[found[1].point] == 101.5, 5)
    await read_until(driver, found, lambda v, c, d: v[found[1].kind] == 101.5)
    shown.silent = True
    await asyncio.sleep(0.1)
    with pytest.raises(LinkError):
        await driver.write(found[1], 60.0)
    mute = bench.driver(about(broker, code="DV0002"))
    with pytest.raises(InputError, match="takes no orders"):
        await mute.write(found[1], 60.0)
    await served.close()


async def test_another_client_sees_what_the_city_says(broker):
    found = bindings(ORDERED)
    row = about(broker, address="plant/boiler", parameters="time=meta.at")
    shown = face(row, found, {"source_supply_temperature": 98.7})
    served = await serve(
        [shown], "127.0.0.1", broker._port, now_s=lambda: float(START), period_s=0.02
    )
    process = await asyncio.create_subprocess_exec(
        "mosquitto_sub", "-p", str(broker._port), "-t", "plant/boiler", "-C", "1", "-W", "5",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    text = (await process.communicate())[0]
    assert json.loads(text) == {"supply": 98.7, "meta": {"at": START}}
    await served.close()


async def test_through_the_poller_a_dead_broker_and_its_return(broker):
    row = about(broker, parameters="stale=60")
    plain = bindings([ROWS[0], ("wind_speed", "wind.speed", "r")])
    shown = face(row, plain, {"outdoor_temperature": -7.5, "wind_speed": 3.5})
    served = await serve([shown], "127.0.0.1", broker._port, period_s=0.02)
    polling = poller([row], plain, lockstep=True, now_s=lambda: float(START))

    async def settle(missed):
        async with asyncio.timeout(15):
            while (await polling.sweep(START, 2e9)).missed != missed:
                await asyncio.sleep(0.05)

    await settle({})
    sweep = await polling.sweep(START, 2e9)
    assert swept(sweep, plain) == {"outdoor_temperature": -7.5, "wind_speed": 3.5}
    await broker.close()
    await settle({"DV0001": "device_unreachable"})
    await broker.start()
    await settle({})
    polling.close()
    await served.close()


@pytest.mark.parametrize("more", [{"address": ""}, {"address": "a/#"}, {"parameters": "x=1"}])
async def test_a_wrong_row_of_the_ledger_is_refused_by_name(more):
    bench = Bench()
    with pytest.raises(ConfigError) as caught:
        driver_class("mqtt")(device("mqtt", 1883, **{"address": "a", **more}), bench.tools)
    assert caught.value.thing == "DV0001"
