"""Messages, canonical bytes, ids, scope, clock and units: what the kernel promises everybody."""

import json
import math

import pytest

from heatloop.kernel import canonical
from heatloop.kernel.clock import ClockState, SharedClock, SimulatedClock, machine_s, utc
from heatloop.kernel.errors import (
    ConfigError,
    HeatloopError,
    InputError,
    LinkError,
    StaleError,
    UnsafeError,
)
from heatloop.kernel.ids import alarm_id, derived_id, new_id
from heatloop.kernel.messages import Alarm, AlarmState, Command, Forecast, Sample
from heatloop.kernel.scope import Scope
from heatloop.kernel.units import UNITS, convert, unit


def command(**changes):
    fields = {
        "id": "c1", "point": "UN0001.secondary_supply_temperature_setpoint", "value": 55.5,
        "mode": "manual", "gateway": "GW0001", "issued": 1.7e9, "expires": 1.7e9 + 60,
        "nonce": "n", "counter": 7, "key_id": "k",
    }  # fmt: skip
    return Command(**(fields | changes))


def test_messages_come_back_from_plain_values():
    for message in (
        Sample(key=1, slot=2, value=3.0),
        Alarm(id="a", subject="s", rule="high", priority=1, onset=5.0, state=AlarmState.RETURNED),
        Forecast(subject="s", known_at=1.0, start=2.0, step_s=600, low=[1.0], middle=[2.0],
                 high=[3.0]),
        command(),
    ):  # fmt: skip
        wire = json.loads(json.dumps(message.to_dict()))
        assert type(message).from_dict(wire) == message


@pytest.mark.parametrize("tamper", [lambda d: d.pop("slot"), lambda d: d.update(colour="red")])
def test_a_malformed_message_is_refused(tamper):
    wire = Sample(key=1, slot=2, value=3.0).to_dict()
    tamper(wire)
    with pytest.raises(InputError, match="fix:"):
        Sample.from_dict(wire)


@pytest.mark.parametrize(
    "changes",
    [{"value": 56.0}, {"point": "x"}, {"expires": 0.0}, {"counter": 8}, {"nonce": "m"},
     {"mode": "emergency"}, {"gateway": "GW0002"}, {"key_id": "other"}],
)  # fmt: skip
def test_a_signature_covers_every_field_but_itself(changes):
    assert command(**changes).signed_bytes() != command().signed_bytes()
    assert command(signature="ff").signed_bytes() == command().signed_bytes()
    assert command().signed_bytes().startswith(b"heatloop-command\x00")


@pytest.mark.parametrize("bad", ["\ud800", {"a": {1}}, math.nan, math.inf, b"x", {("a",): 1}])
def test_canonical_refuses_what_has_no_one_encoding(bad):
    with pytest.raises(InputError):
        canonical.canonical(bad)


@pytest.mark.parametrize(
    "bad", [b"", b"{", b"\xff", b"NaN", b"-Infinity", b"1e999", b"[" * 100_000]
)
def test_canonical_refuses_to_read_what_it_could_not_have_written(bad):
    with pytest.raises(InputError):
        canonical.decode(bad)


def test_canonical_is_one_line_sorted_and_utf8():
    assert canonical.canonical({"b": 1, "a": [0.1, "热"]}) == '{"a":[0.1,"热"],"b":1}'.encode()


def test_ids():
    assert (
        alarm_id("P", "high", 5) == alarm_id("P", "high", 5) == derived_id("alarm", "P", "high", 5)
    )
    assert len({alarm_id("P", "high", 5), alarm_id("P", "low", 5), alarm_id("P", "high", 6)}) == 3
    assert derived_id("ab", "c") != derived_id("a", "bc")
    early, late = new_id(1000.0), new_id(1000.002)
    assert len(early) == len(late) == 26
    assert early < late
    assert new_id(1000.0) != early


def test_scope_holds_subtrees_and_not_their_namesakes():
    scope = Scope.of(["CO01/BR01", "HS0001/SS0002"])
    assert scope.holds("CO01/BR01")
    assert scope.holds("CO01/BR01/TM01")
    assert scope.holds("CO01/BR02", "HS0001/SS0002/UN0001")
    assert not scope.holds("CO01/BR010")
    assert not scope.holds("CO01")
    assert not scope.holds("", "")
    assert Scope.everything().holds("anything")
    assert Scope.everything().holds("")
    assert not Scope.of([]).holds("CO01")


def test_clocks():
    clock = SimulatedClock(100.0)
    clock.advance(2.5)
    assert clock.now_s() == 102.5
    with pytest.raises(InputError):
        clock.advance(-1)
    state = ClockState(epoch=1, origin_machine_s=1000.0, origin_plant_s=5000.0, speed=60.0)
    assert state.plant_s(1001.0) == 5060.0
    assert state.machine_at(5060.0) == 1001.0
    assert ClockState(**state.to_dict()) == state
    tick = ClockState(epoch=2, origin_machine_s=0, origin_plant_s=77.0, speed=0.0, lockstep=True)
    assert tick.plant_s(1e9) == 77.0
    with pytest.raises(InputError):
        tick.machine_at(80.0)


def test_shared_clock_ignores_an_older_epoch():
    shared = SharedClock()
    assert abs(shared.now_s() - machine_s()) < 5
    for epoch, at in ((5, 100.0), (5, 300.0), (4, 200.0)):
        shared.set(ClockState(epoch=epoch, origin_machine_s=0, origin_plant_s=at, speed=0,
                              lockstep=True))  # fmt: skip
    assert shared.now_s() == 300.0
    assert utc(0).isoformat() == "1970-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "value, source, target, expected",
    [(1, "GJ", "kWh", 277.7777778), (1, "MPa", "kPa", 1000), (100, "degC", "degF", 212),
     (10, "mH2O", "kPa", 98.0665), (36, "t/h", "kg/s", 10), (0.5, "MW", "GJ/h", 1.8),
     (10, "permille", "%", 1)],
)  # fmt: skip
def test_units_known_values(value, source, target, expected):
    assert convert(value, source, target) == pytest.approx(expected)


def test_units_refuse_nonsense():
    with pytest.raises(InputError, match="pressure"):
        convert(1, "MPa", "degC")
    with pytest.raises(InputError, match="kPa"):
        unit("psi")
    assert all(u.factor > 0 for u in UNITS.values())


def test_errors_name_thing_place_and_fix():
    error = ConfigError("bad", thing="speed", place="line 3", fix="give a number")
    assert str(error) == "bad; thing: speed; place: line 3; fix: give a number"
    assert str(InputError("bad")) == "bad"
    for kind in (ConfigError, InputError, LinkError, StaleError, UnsafeError):
        assert issubclass(kind, HeatloopError)
