"""Limit, word and silence monitors: one alarm a crossing, deterministic, restorable."""

import numpy as np
import pytest

from heatloop.alarms.lifecycle import Change, acknowledge
from heatloop.alarms.limits import AlarmLimits, LimitOverride
from heatloop.alarms.monitor import LimitMonitor
from heatloop.alarms.silence import SilenceMonitor
from heatloop.alarms.texts import alarm_texts, rule_texts
from heatloop.alarms.words import WordMonitor
from heatloop.kernel.ids import alarm_id
from heatloop.kernel.messages import Alarm
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Binding, Device, Gateway, Point

T0 = 1_700_000_010
SUPPLY = "secondary_supply_temperature"


def point(key, kind, **fields):
    return Point(code=f"UN{key:04d}.{kind}", key=key, asset=f"UN{key:04d}", kind=kind, **fields)


def batch(*rows):
    keys, slots, values, quality = zip(*rows, strict=True)
    return Columns(np.array(keys, "u4"), np.array(slots, "u4"), np.array(values, "f8"),
                   np.array(quality, "u1"))  # fmt: skip


def fed(monitor, values, key=1, start=T0, quality=0):
    """Changes as (sample number, change, rule), one sample after another."""
    found = []
    for i, value in enumerate(values):
        changes = monitor.check(batch((key, start + 30 * i, value, quality)))
        found.extend((i, change.change, change.alarm.rule) for change in changes)
    return found


def limits(*points, **overrides):
    return AlarmLimits.of_points(points, overrides or None)


@pytest.mark.parametrize(
    "values, expected",
    [
        # 80 degC for 60 s or more; back below 80 - 1.1 K.
        ([79, 81, 81, 81], [(3, "raise", "high")]),
        ([79, 81, 79, 81, 79], []),
        ([81, 81, 81, 79.5, 81, 79.2], [(2, "raise", "high")]),
        ([81, 81, 81, 78.8], [(2, "raise", "high"), (3, "clear", "high")]),
        ([81, 81, 81, 70, 81, 81, 81],
         [(2, "raise", "high"), (3, "clear", "high"), (6, "raise", "high")]),
        ([21, 21, 21, 22.5, 23.2], [(2, "raise", "low"), (4, "clear", "low")]),
        ([81, 81, 81, 21, 21, 21],
         [(2, "raise", "high"), (3, "clear", "high"), (5, "raise", "low")]),
        ([80, 80, 80, 22, 22, 22], []),
    ],
)  # fmt: skip
def test_delay_and_dead_band(values, expected):
    assert fed(LimitMonitor(limits(point(1, SUPPLY))), values) == expected


def test_the_alarm_says_when_it_began():
    monitor = LimitMonitor(limits(point(1, SUPPLY)))
    changes = [c for i in range(3) for c in monitor.check(batch((1, T0 + 30 * i, 81 + i, 0)))]
    (change,) = changes
    assert change.alarm == Alarm(
        id=alarm_id("UN0001." + SUPPLY, "high", T0), subject="UN0001." + SUPPLY, rule="high",
        priority=2, onset=T0, value=83.0, limit=80.0,
    )  # fmt: skip
    assert change.at == T0 + 60
    assert monitor.open_alarms() == [change.alarm]


@pytest.mark.parametrize("quality", [Quality.BAD, Quality.STALE, Quality.ESTIMATED])
def test_untrusted_samples_do_not_count(quality):
    monitor = LimitMonitor(limits(point(1, "station_flood")))
    assert fed(monitor, [1.0, 1.0], quality=quality) == []
    assert fed(monitor, [1.0], start=T0 + 60, quality=Quality.UNCERTAIN) == [(0, "raise", "high")]


def test_back_fill_tells_what_was_not_what_is():
    monitor = LimitMonitor(limits(point(1, "station_flood")))
    fed(monitor, [0.0], start=T0 + 3000)
    assert fed(monitor, [1.0, 1.0, 1.0]) == []


def test_many_points_and_slots_in_one_batch():
    points = [point(k, SUPPLY) for k in range(1, 51)]
    monitor = LimitMonitor(AlarmLimits.of_points(points))
    rows = [
        (k, T0 + 30 * i, 90.0 if k % 2 else 60.0, 0) for i in range(4) for k in range(50, 0, -1)
    ]
    changes = monitor.check(batch(*rows, (99, T0, 1e9, 0)))
    assert sorted(c.alarm.subject for c in changes) == [p.code for p in points if p.key % 2]


def test_own_limits_and_operators_limits_go_before_those_of_the_kind():
    own = point(1, SUPPLY, alarm_high=70.0)
    found = limits(own, point(2, SUPPLY), point(3, "valve_opening"), point(4, "interlock_word"))
    assert found.keys.tolist() == [1, 2]
    assert found.limit[1].tolist() == [70.0, 80.0]
    changed = AlarmLimits.of_points(
        [own], {own.code: LimitOverride(high=65.0, on_delay_s=0.0, deadband=0.5, priority=1)}
    )
    monitor = LimitMonitor(changed)
    assert fed(monitor, [65.1, 64.6, 64.4]) == [(0, "raise", "high"), (2, "clear", "high")]


def test_a_restart_neither_repeats_nor_forgets():
    points = [point(1, SUPPLY), point(2, "interlock_word")]
    before, words = LimitMonitor(limits(points[0])), WordMonitor(points)
    raised = [c.alarm for i in range(3) for c in before.check(batch((1, T0 + 30 * i, 85.0, 0)))]
    raised += [c.alarm for c in words.check(batch((2, T0, 1.0, 0)))]
    kept = [acknowledge(alarm) for alarm in raised]
    after, words = LimitMonitor(limits(points[0])), WordMonitor(points)
    after.restore(kept)
    words.restore(kept)
    assert fed(after, [85.0, 85.0, 70.0], start=T0 + 90) == [(2, "clear", "high")]
    assert fed(words, [1.0, 0.0], key=2, start=T0 + 90) == [
        (1, "clear", "interlock.over_temperature")
    ]


def test_words_raise_each_bit_by_its_name():
    monitor = WordMonitor([point(1, "interlock_word"), point(2, "circulation_pump_fault"),
                           point(3, SUPPLY)])  # fmt: skip
    assert fed(monitor, [0, 5, 5, 4, 0]) == [
        (1, "raise", "interlock.over_temperature"),
        (1, "raise", "interlock.return_pressure_low"),
        (3, "clear", "interlock.over_temperature"),
        (4, "clear", "interlock.return_pressure_low"),
    ]
    assert fed(monitor, [2, 0], key=2) == [
        (0, "raise", "pump_fault.phase_loss"),
        (1, "clear", "pump_fault.phase_loss"),
    ]
    assert fed(monitor, [90.0] * 5, key=3) == []


def test_words_of_one_unit_keep_apart_and_speak_of_the_unit():
    words = [
        Point(code=f"UN0001.{kind}", key=key, asset="UN0001", kind=kind)
        for key, kind in ((1, "interlock_word"), (2, "circulation_pump_fault"))
    ]
    monitor = WordMonitor(words)
    raised = [c.alarm for c in monitor.check(batch((1, T0, 128.0, 0), (2, T0, 1.0, 0)))]
    assert [(a.subject, a.rule) for a in raised] == [
        ("UN0001", "interlock.pump_fault"),
        ("UN0001", "pump_fault.over_current"),
    ]
    after = WordMonitor(words)
    after.restore(raised)
    assert fed(after, [128.0, 0.0], start=T0 + 30) == [(1, "clear", "interlock.pump_fault")]
    assert fed(after, [1.0, 0.0], key=2, start=T0 + 30) == [(1, "clear", "pump_fault.over_current")]


class TownLedger:
    """Only what the silence monitor asks of a ledger: two devices behind two gateways."""

    def __init__(self):
        self.devices = {
            code: Device(code=code, asset=asset, gateway=gateway, profile="substation_controller",
                         protocol="modbus_tcp")
            for code, asset, gateway in (("DV0001", "SS0001", "GW0001"),
                                         ("DV0002", "SS0002", "GW0002"))
        }  # fmt: skip
        self.gateways = {g: Gateway(code=g, zh=g, en=g) for g in ("GW0001", "GW0002")}
        self.by_key = {k: point(k, SUPPLY) for k in range(1, 7)}
        self.bindings = tuple(
            Binding(key=k, point=p.code, kind=p.kind, register=k, dtype="int16",
                    device="DV0001" if k <= 3 else "DV0002")
            for k, p in self.by_key.items()
        )  # fmt: skip


def stale(*keys):
    return np.array(keys, "u4")


def names(changes):
    return [(c.change, c.alarm.subject, c.alarm.rule) for c in changes]


def test_a_silent_device_is_one_alarm():
    monitor = SilenceMonitor(TownLedger())
    assert names(monitor.check(stale(1, 2, 3, 5), T0)) == [
        ("raise", "SS0001", "link.DV0001"),
        ("raise", "UN0005." + SUPPLY, "stale"),
    ]
    assert monitor.check(stale(1, 2, 3, 5), T0 + 30) == []
    assert names(monitor.check(stale(2), T0 + 60)) == [
        ("clear", "SS0001", "link.DV0001"),
        ("clear", "UN0005." + SUPPLY, "stale"),
        ("raise", "UN0002." + SUPPLY, "stale"),
    ]


def test_nothing_is_said_of_devices_behind_a_gateway_that_is_away():
    monitor = SilenceMonitor(TownLedger())
    first = monitor.check(stale(5), T0)
    assert monitor.check(stale(4, 5, 6), T0 + 30, away=("GW0002",)) == []
    back = monitor.check(stale(), T0 + 60)
    assert [c.alarm for c in back] == [c.alarm for c in first]
    other = SilenceMonitor(TownLedger())
    other.restore([c.alarm for c in first])
    assert other.check(stale(5), T0 + 90) == []


@pytest.mark.parametrize(
    "alarm, kind, zh, en",
    [
        ({"rule": "high", "value": 82.31, "limit": 80.0}, SUPPLY,
         "一区 二次供水温度高于上限 80.0 degC，当前 82.3 degC",
         "Zone 1: secondary supply temperature above its high limit of 80.0 degC: 82.3 degC"),
        ({"rule": "high", "value": 1.0, "limit": 0.5}, "station_flood",
         "一区 站内地面积水高于上限", "Zone 1: station floor flooding above its high limit"),
        ({"rule": "link.DV0007"}, None, "一区 通讯中断（DV0007）",
         "Zone 1: communication lost (DV0007)"),
        ({"rule": "interlock.frost"}, "interlock_word", "一区 联锁：防冻保护，开阀并循环",
         "Zone 1: interlock: frost protection, valve open, circulation on"),
        ({"rule": "foreign_write"}, SUPPLY, "一区 二次供水温度设定值被外部修改，已恢复",
         "Zone 1: secondary supply temperature set-point changed from outside, restored"),
        ({"rule": "brand_new"}, None, "一区 brand_new", "Zone 1: brand_new"),
    ],
)  # fmt: skip
def test_texts(alarm, kind, zh, en):
    made = Alarm(id="a", subject="s", priority=1, onset=0.0, **alarm)
    found = alarm_texts(made, "一区", "Zone 1", None if kind is None else point_kinds()[kind])
    assert found == (zh, en)


def test_every_bit_has_a_text():
    assert rule_texts("pump_fault.no_flow") == (
        "循环泵故障：运行无流量",
        "circulation pump fault: running without flow",
    )
    assert rule_texts("pump_fault.bit_14")[0] == "循环泵故障：bit_14"
    assert Change.RAISE == "raise"
