"""Register memory against the gateway's own codec, which knows nothing of it."""

import numpy as np
import pytest

from heatloop.demo.ledger import demo_ledger
from heatloop.demo.registers import RegisterMemory
from heatloop.plant.build import build_ledger
from heatloop.protocols.registers import decode_raw, encode_raw


@pytest.fixture(scope="module")
def ledger():
    return build_ledger(*demo_ledger("small"), version=1, keys={})


def words_of(memory, binding, ledger):
    first = memory.address(binding)
    words = [int(word) for word in memory.words[first : first + binding.words]]
    order = ledger.devices[binding.device].word_order
    return decode_raw(words, binding.dtype, order)


def test_every_measured_value_reads_back_in_both_word_orders(ledger):
    memory = RegisterMemory(ledger)
    rng = np.random.default_rng(1)
    wide = np.array([b.dtype.endswith("32") for b in memory.measured])
    values = np.where(wide, rng.uniform(0, 9e6, len(wide)), rng.uniform(-30, 300, len(wide)))
    raw = memory.raw_of(values)
    memory.store(raw)
    read = [words_of(memory, b, ledger) for b in memory.measured]
    assert read == raw.tolist()
    assert {ledger.devices[b.device].word_order for b in memory.measured} == {"ABCD", "CDAB"}
    decoded = memory.decoded(raw)
    for binding, number, value in zip(memory.measured, read, decoded, strict=True):
        assert number * binding.factor + binding.offset == value


def test_what_does_not_fit_stays_at_the_end_of_the_range(ledger):
    memory = RegisterMemory(ledger)
    low = memory.raw_of(np.full(len(memory.measured), -1e12))
    high = memory.raw_of(np.full(len(memory.measured), 1e12))
    for binding, least, most in zip(memory.measured, low.tolist(), high.tolist(), strict=True):
        unsigned = binding.dtype.startswith("u")
        bits = 16 * binding.words
        assert least == (0 if unsigned else -(1 << bits - 1))
        assert most == (1 << bits) - 1 if unsigned else (1 << bits - 1) - 1


def test_settings_written_as_words_are_read_as_values(ledger):
    memory = RegisterMemory(ledger)
    outdoor = next(b for b in memory.settings if b.point == "UN0003.heating_curve_outdoor.2")
    first = memory.address(outdoor)
    memory.words[first : first + 1] = encode_raw(-12.5 / outdoor.factor, outdoor.dtype)
    values = memory.setting_values()
    assert values[memory.setting_number["UN0003.heating_curve_outdoor.2"]] == pytest.approx(-12.5)
    memory.write_settings({"UN0003.secondary_supply_temperature_setpoint": 47.3})
    binding = next(
        b for b in memory.settings if b.point == "UN0003.secondary_supply_temperature_setpoint"
    )
    assert words_of(memory, binding, ledger) == 473


def test_devices_lie_side_by_side_and_only_settings_may_be_written(ledger):
    memory = RegisterMemory(ledger)
    memory.memory(2)[:] = b"\x00\x07" * (len(memory.memory(2)) // 2)
    assert not any(memory.memory(1))
    assert not any(memory.memory(3))
    for index, device in enumerate(memory.devices):
        writable = {b.register for b in ledger.bindings_of_device(device.code) if b.access == "rw"}
        assert memory.writable(index) == writable
