"""Selection checks of instruments at their place (clauses 5.1 b, 5.1 e 3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median

from heatloop.plant.model_checks import PASS, WARN, Check, Duty, Limits, verdict, within
from heatloop.plant.models import INSTRUMENT, DeviceModel, device_classes


def instrument_checks(
    subject: str, model: DeviceModel, duty: Duty, limits: Limits | None = None
) -> Iterator[Check]:
    """Yield the checks of an instrument at its place; nothing for other devices."""
    about = device_classes()[model.device_class]
    if about.group != INSTRUMENT:
        return
    limits = limits or Limits()
    match about.quantity:
        case "room_temperature":
            yield verdict(
                "room_accuracy",
                "5.1 b 1 #1",
                subject,
                ("室温精度 ±", "room accuracy ±"),
                model.accuracy,
                limits.room_accuracy_c,
                "degC",
                least=False,
            )
        case "pipe_temperature":
            yield verdict(
                "pipe_accuracy",
                "5.1 b 1 #2",
                subject,
                ("介质测温精度 ±", "pipe accuracy ±"),
                model.accuracy,
                limits.pipe_accuracy_c,
                "degC",
                least=False,
            )
            yield within(
                "span",
                "5.1 e 3",
                subject,
                ("正常温度占量程", "normal temperature in span"),
                _share_pct(model, duty),
                limits.temperature_span_pct,
                "%",
            )
        case "pressure":
            yield from _pressure(subject, model, duty, limits)
    if about.quantity != "room_temperature":
        yield verdict(
            "medium_temperature",
            "5.1",
            subject,
            ("介质温度上限", "hottest medium borne"),
            model.medium_high_c,
            duty.medium_c,
            "degC",
            least=True,
        )
    yield enclosure(subject, model, duty.outdoor, limits)


def _pressure(subject: str, model: DeviceModel, duty: Duty, limits: Limits) -> Iterator[Check]:
    wanted = None if duty.design_kpa is None else limits.pressure_range_ratio * duty.design_kpa
    yield verdict(
        "pressure_range",
        "5.1 b 2 #1",
        subject,
        ("量程上限", "range"),
        model.range_high,
        wanted,
        "kPa",
        least=True,
    )
    yield verdict(
        "pressure_class",
        "5.1 b 2 #2",
        subject,
        ("精度等级", "accuracy class"),
        model.accuracy,
        limits.pressure_class,
        "",
        least=False,
    )
    yield within(
        "span",
        "5.1 e 3",
        subject,
        ("正常压力占量程", "normal pressure in span"),
        _share_pct(model, duty),
        limits.pressure_span_pct,
        "%",
    )


def enclosure(subject: str, model: DeviceModel, outdoor: bool, limits: Limits) -> Check:
    """Return whether the enclosure suits the place."""
    if device_classes()[model.device_class].quantity == "room_temperature" and not outdoor:
        # A dwelling is no plant room: dust and splashes are not to be feared.
        return verdict(
            "enclosure",
            "5.1 e 3",
            subject,
            ("防护等级 IP", "enclosure IP"),
            model.ip,
            20,
            "",
            least=True,
        )
    least = limits.outdoor_ip if outdoor else limits.indoor_ip
    return verdict(
        "enclosure",
        "5.1 e 3",
        subject,
        ("防护等级 IP", "enclosure IP"),
        model.ip,
        least,
        "",
        least=True,
    )


def _share_pct(model: DeviceModel, duty: Duty) -> float | None:
    low, high = model.range_low, model.range_high
    if low is None or high is None or duty.normal is None:
        return None
    return 100.0 * (duty.normal - low) / (high - low)


def drift_check(
    subject: str, model: DeviceModel, shown: float, reference: float, limits: Limits | None = None
) -> Check:
    """Return whether a spot check with a reference instrument found the sensor true."""
    limits = limits or Limits()
    room = device_classes()[model.device_class].quantity == "room_temperature"
    return verdict(
        "spot_check",
        "5.1 b 1 #1" if room else "5.1 b 1 #2",
        subject,
        ("与标准表偏差 ±", "off the reference by ±"),
        round(abs(shown - reference), 3),
        limits.room_accuracy_c if room else limits.pipe_accuracy_c,
        "degC",
        least=False,
    )


def deviating_rooms(
    rooms: Mapping[str, float], buildings: Mapping[str, str], most_k: float = 3.0
) -> list[Check]:
    """Return the room sensors that are far from the median of their building (5.2 b #1).

    Args:
        rooms: Room temperature by point code.
        buildings: Building by point code.
        most_k: How far a representative place may be from the median.
    """
    together: dict[str, list[float]] = {}
    for point, value in rooms.items():
        together.setdefault(buildings[point], []).append(value)
    found = []
    for point, value in rooms.items():
        others = together[buildings[point]]
        if len(others) < 3:
            continue
        apart = abs(value - median(others))
        check = verdict(
            "representative",
            "5.2 b #1",
            point,
            ("与本楼中位数偏差", "off the building's median by"),
            round(apart, 2),
            most_k,
            "K",
            least=False,
            otherwise=WARN,
        )
        if check.state != PASS:
            found.append(check)
    return found
