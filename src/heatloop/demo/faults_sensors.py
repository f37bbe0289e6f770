"""What a faulty sensor or meter shows instead of what it should."""

from __future__ import annotations

import math
from dataclasses import dataclass

from heatloop.demo.faults_kinds import Fault
from heatloop.kernel.errors import InputError
from heatloop.plant.kinds import PointKind, point_kinds

SENSOR_KINDS = frozenset(
    (
        "sensor_drift",
        "sensor_frozen",
        "sensor_spike",
        "sensor_open",
        "sensor_short",
        "sensor_high",
        "sensor_low",
        "meter_wrong",
        "meter_stopped",
    )
)
_DRIFT_PER_H = 0.5
_DRIFT_MOST = 6.0
_SPIKE_EVERY_S = 420.0
_SPIKE_LASTS_S = 30.0
_SPIKE = 35.0
METER_FACTOR = 1.12
# A resistance thermometer without its wire measures without end, shorted it measures nothing;
# input modules answer with the ends of their range.
_RTD_OPEN_C, _RTD_SHORT_C = 850.0, -200.0
# A 4-20 mA loop: 0 mA when broken, 21 mA into a shorted transmitter.
_LOOP_OPEN_SHARE, _LOOP_SHORT_SHARE = -0.25, 1.0625


@dataclass(kw_only=True, slots=True)
class SpoiledSensor:
    """A sensor fault at work."""

    fault: Fault
    """Which."""
    number: int
    """Of the measured point."""
    since_s: float
    """Plant time it began."""
    held: float
    """What the sensor showed then."""

    def shown(self, value: float, now_s: float) -> float:
        """Return what the sensor shows.

        Args:
            value: What it would show were it sound, in the point's unit.
            now_s: Plant time.
        """
        age_s = now_s - self.since_s
        match self.fault.kind:
            case "sensor_frozen":
                return self.held
            case "sensor_drift":
                return value + min(_DRIFT_PER_H * age_s / 3600.0, _DRIFT_MOST)
            case "sensor_spike":
                away = math.fmod(age_s, _SPIKE_EVERY_S) < _SPIKE_LASTS_S
                return value + _SPIKE if away else value
            case "meter_wrong":
                # A counter goes on from where it stood, only too fast.
                counts = "_total" in self.fault.subject
                return (
                    self.held + (value - self.held) * METER_FACTOR
                    if counts
                    else (value * METER_FACTOR)
                )
            case "meter_stopped":
                return self.held
            case _:
                return injected(self.fault)


def kind_of(fault: Fault) -> PointKind:
    """Return the kind of a fault's point."""
    return point_kinds()[fault.subject.split(".")[1]]


def injected(fault: Fault) -> float:
    """Return the value a broken, shorted or over-limit signal arrives with.

    Raises:
        InputError: The point has no such limit to go beyond.

    Reference: NAMUR NE 43 (signal ranges of 4-20 mA transmitters), IEC 60751.
    """
    kind = kind_of(fault)
    span = kind.high - kind.low
    thermometer = kind.unit == "degC"
    if fault.kind == "sensor_open":
        return _RTD_OPEN_C if thermometer else kind.low + _LOOP_OPEN_SHARE * span
    if fault.kind == "sensor_short":
        return _RTD_SHORT_C if thermometer else kind.low + _LOOP_SHORT_SHARE * span
    high = fault.kind == "sensor_high"
    limit = kind.alarm_high if high else kind.alarm_low
    if limit is None:
        raise InputError(
            "the point has no such limit",
            thing=fault.subject,
            fix="give a point with an alarm limit on that side",
        )
    # Half-way between the limit and the end of what is plausible.
    return 0.5 * (limit + (kind.high if high else kind.low))
