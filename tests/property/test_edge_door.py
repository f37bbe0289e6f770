"""Whatever the centre sends, in whatever order: no register leaves the safe envelope."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from heatloop.edge.guard import Guard, Refusal
from heatloop.edge.index import LatestValues, ProfileIndex, asset_of, kind_name
from heatloop.edge.memory import CommandMemory
from heatloop.security.keys import KeyRing, SigningKey
from heatloop.station.envelope import SAFE
from tests.contract.edge_peers import START, Field, signed

KEY = SigningKey.generate()
FIELD = Field([1, 2], regulates={"DV0002": "edge"})
FIELD.settle(1)
FIELD.settle(2)
INDEX = ProfileIndex(FIELD.profile())
WRITABLE = sorted(b.point for b in FIELD.bindings if b.access == "rw")
VALUES = st.floats() | st.floats(-50, 1700) | st.sampled_from([0.0, 1.0, 2.0, 85.0, 95.0])
COMMANDS = st.lists(
    st.tuples(
        st.sampled_from(WRITABLE),
        VALUES,
        st.sampled_from(["automatic", "manual", "emergency", "nonsense"]),
        st.floats(0, 120),
    ),
    max_size=30,
)
ALWAYS = (
    ("secondary_supply_temperature_setpoint", "limit_supply_temperature_high"),
    ("limit_return_pressure_low", "secondary_return_pressure_setpoint"),
    ("secondary_return_pressure_setpoint", "limit_return_pressure_high"),
)


def fresh():
    latest = LatestValues()
    latest.values.update({b.key: FIELD.get(b.point) for b in FIELD.bindings})
    return latest


@settings(max_examples=120)
@given(COMMANDS)
def test_no_sequence_of_genuine_commands_leaves_the_safe_envelope(tmp_path_factory, commands):
    latest, now_s = fresh(), float(START)
    memory = CommandMemory(tmp_path_factory.mktemp("door") / "commands.json")
    guard = Guard(INDEX, KeyRing([KEY.public]), memory, latest)
    for n, (point, value, mode, wait_s) in enumerate(commands, 1):
        now_s += wait_s
        command = signed(KEY, point=point, value=value if math.isfinite(value) else 0.0,
                         counter=n, mode=mode, now=now_s)  # fmt: skip
        try:
            binding = guard.authentic(command, now_s)
            memory.counter = n
            guard.safe(command, binding, now_s)
        except Refusal:
            continue
        before = latest.values[binding.key]
        latest.values[binding.key] = command.value
        memory.order(binding.key, command.value, now_s)
        safe = SAFE[binding.kind]
        assert safe.low <= command.value <= safe.high
        if mode == "automatic" and safe.automatic_step is not None:
            assert abs(command.value - before) <= safe.automatic_step + 0.06
        names = INDEX.by_asset[asset_of(binding)]
        for low, high in ALWAYS:
            if kind_name(binding) in (low, high):
                assert latest.values[names[low].key] < latest.values[names[high].key]
