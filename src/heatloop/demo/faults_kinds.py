"""The kinds of faults the demo city knows, and how a fault is named: `<kind>@<subject>`."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.kernel.errors import InputError

POINT, DEVICE = ".", "DV"
DAY_S = 86400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultKind:
    """One kind of fault."""

    kind: str
    """Name, the part of a fault's id before the `@`."""
    at: tuple[str, ...]
    """What it can befall: code prefixes of assets, `DV` for devices, `.` for points."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    grows_s: float = 0.0
    """Plant time from switching it on until it is there in full."""


_UNIT = ("UN",)
_ROWS = (
    FaultKind(kind="sensor_drift", at=(POINT,), zh="传感器漂移", en="sensor drifts"),
    FaultKind(kind="sensor_frozen", at=(POINT,), zh="传感器数值冻结", en="sensor is frozen"),
    FaultKind(kind="sensor_spike", at=(POINT,), zh="传感器跳变", en="sensor spikes"),
    FaultKind(kind="sensor_open", at=(POINT,), zh="传感器断线", en="sensor wire is broken"),
    FaultKind(kind="sensor_short", at=(POINT,), zh="传感器短路", en="sensor is short-circuited"),
    FaultKind(kind="sensor_high", at=(POINT,), zh="信号越上限", en="signal above its high limit"),
    FaultKind(kind="sensor_low", at=(POINT,), zh="信号越下限", en="signal below its low limit"),
    FaultKind(kind="meter_wrong", at=(POINT,), zh="热量表示值偏大", en="meter reads too much"),
    FaultKind(kind="meter_stopped", at=(POINT,), zh="热量表停走", en="meter counter stands still"),
    FaultKind(kind="pump_trip", at=("UN", "HS", "BS"), zh="水泵跳停", en="pump trips"),
    FaultKind(
        kind="duty_pump_fault", at=_UNIT, zh="工作泵变频器故障", en="duty pump's drive trips"
    ),
    FaultKind(kind="duty_pump_overload", at=_UNIT, zh="工作泵过载", en="duty pump is overloaded"),
    FaultKind(kind="earth_leakage", at=("SS",), zh="热力站漏电", en="earth leakage in substation"),
    FaultKind(kind="source_trip", at=("HS",), zh="热源停炉", en="heat source trips"),
    FaultKind(kind="power_loss", at=("SS",), zh="热力站停电", en="substation loses power"),
    FaultKind(kind="valve_stuck", at=_UNIT, zh="调节阀卡死", en="control valve is stuck"),
    FaultKind(kind="valve_leaking", at=_UNIT, zh="调节阀内漏", en="control valve leaks through"),
    FaultKind(
        kind="strainer_blocked",
        at=_UNIT,
        zh="一次侧除污器堵塞",
        en="primary strainer is blocked",
        grows_s=1800.0,
    ),
    FaultKind(
        kind="loop_strainer_blocked",
        at=_UNIT,
        zh="二次侧除污器堵塞",
        en="secondary strainer is blocked",
        grows_s=1800.0,
    ),
    FaultKind(kind="exchanger_fouled", at=_UNIT, zh="板换结垢", en="exchanger is fouled"),
    FaultKind(
        kind="exchanger_fouling",
        at=_UNIT,
        zh="板换逐日结垢",
        en="exchanger fouls day by day",
        grows_s=10.0 * DAY_S,
    ),
    FaultKind(
        kind="air_lock", at=("BD",), zh="楼栋管路气堵", en="building is air-locked", grows_s=600.0
    ),
    FaultKind(kind="slow_leak", at=("UN", "PN"), zh="管网缓慢失水", en="network leaks slowly"),
    FaultKind(kind="pipe_burst", at=("UN", "PN"), zh="管道爆管", en="pipe bursts", grows_s=60.0),
    FaultKind(kind="device_silent", at=(DEVICE,), zh="控制器不应答", en="device does not answer"),
    FaultKind(
        kind="foreign_write",
        at=(POINT,),
        zh="第三方直接改写寄存器",
        en="somebody else writes a register",
    ),
    FaultKind(kind="collector_dead", at=("RC",), zh="采集器电池耗尽", en="collector battery empty"),
    FaultKind(kind="collector_sun", at=("RC",), zh="采集器被日晒", en="collector hangs in the sun"),
    FaultKind(
        kind="collector_lying",
        at=("RC",),
        zh="采集器示值偏高",
        en="collector hangs over a radiator",
    ),
)
KINDS: dict[str, FaultKind] = {row.kind: row for row in _ROWS}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One fault of one thing."""

    id: str
    """`<kind>@<subject>`."""
    kind: str
    """What goes wrong."""
    subject: str
    """Asset, point or device code."""

    @property
    def at(self) -> str:
        """Return what it befalls: a code prefix, or `.` for a point."""
        return POINT if "." in self.subject else self.subject[:2]

    @property
    def index(self) -> int:
        """Return the subject's number in its kind of asset, from 0; -1 if it has none."""
        digits = self.subject[2:]
        return int(digits) - 1 if digits.isascii() and digits.isdigit() else -1

    def extent(self, age_s: float) -> float:
        """Return how much of the fault is there so long after it began, 0 to 1."""
        grows_s = KINDS[self.kind].grows_s
        return 1.0 if grows_s <= 0.0 else min(max(age_s / grows_s, 0.0), 1.0)

    def to_dict(self, active: bool) -> dict[str, str | bool]:
        """Return the fault with its texts as plain values."""
        row = KINDS[self.kind]
        return {
            "id": self.id,
            "zh": row.zh,
            "en": row.en,
            "subject": self.subject,
            "active": active,
        }


def parse_fault(fault_id: str) -> Fault:
    """Return the fault of this id.

    Raises:
        InputError: The kind of fault is unknown, or it cannot befall such a subject.
    """
    kind, _, subject = fault_id.partition("@")
    if kind not in KINDS or not subject:
        raise InputError("unknown fault", thing=fault_id, fix=f"use <{'|'.join(KINDS)}>@<code>")
    fault = Fault(id=fault_id, kind=kind, subject=subject)
    if fault.at not in KINDS[kind].at:
        wanted = ", ".join("a point" if p == POINT else f"{p}..." for p in KINDS[kind].at)
        raise InputError("this fault cannot befall that", thing=fault_id, fix=f"give {wanted}")
    return fault
