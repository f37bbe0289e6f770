"""The rules for an installation: height, distances, straight pipe, outdoors, ticks (clause 5.2)."""

from __future__ import annotations

from collections.abc import Iterator

from heatloop.plant.installation import Installation, tick_items
from heatloop.plant.model_checks import FAIL, PASS, WARN, Check, Limits, verdict, within
from heatloop.plant.models import DeviceModel, device_classes

HEIGHT_M = (1.2, 1.4)
"""Height of a room sensor above the floor (5.2 b #2)."""
DISTANCE_D = 5.0
"""A pipe sensor stands more than this many diameters from valve or bend (5.2 c)."""
STRAIGHT_D = (10.0, 5.0)
"""Straight pipe before and behind a meter whose manual is silent, diameters."""
HEATER_M, WINDOW_M = 1.0, 0.5
"""A room sensor's least distance from heater and window."""
SUCCESS_PCT = 99.0
_ROOMS = ("living_room", "bedroom", "study", "office", "classroom", "ward", "other")


def installation_checks(
    subject: str,
    model: DeviceModel,
    done: Installation,
    *,
    extreme_c: float = -25.0,
    limits: Limits | None = None,
) -> list[Check]:
    """Return every check of an installation.

    Args:
        subject: Device.
        model: Its model.
        done: What was recorded.
        extreme_c: Coldest outdoor temperature of the place.
        limits: Limits of the company.
    """
    about = device_classes()[model.device_class]
    found = [*_papers(subject, done)]
    if done.outdoor:
        found += _outdoor(subject, model, done, extreme_c, limits or Limits())
    for item in tick_items(model.device_class, done.outdoor):
        yes = done.ticks.get(item.item, False)
        found.append(_said(subject, item.item, item.clause, yes, (item.zh, item.en)))
    match about.quantity:
        case "room_temperature":
            found += _room(subject, done)
        case "pipe_temperature" | "pressure":
            found.append(_distance(subject, done))
        case "flow" | "heat":
            found += _straight(subject, model, done)
    if model.rssi_low_dbm is not None:
        found.append(
            verdict(
                "rssi",
                "5.2 e #1",
                subject,
                ("信号强度", "signal strength"),
                done.rssi_dbm,
                model.rssi_low_dbm,
                "dBm",
                least=True,
                strict=True,
            )
        )
        if done.success_pct is not None:
            found.append(
                verdict(
                    "radio_success",
                    "5.2 e #1",
                    subject,
                    ("传输成功率", "messages received"),
                    done.success_pct,
                    SUCCESS_PCT,
                    "%",
                    least=True,
                )
            )
    return found


def _said(
    subject: str, rule: str, clause: str, yes: bool, what: tuple[str, str], otherwise: str = FAIL
) -> Check:
    return Check(
        rule=rule,
        clause=clause,
        subject=subject,
        state=PASS if yes else otherwise,
        zh=f"{subject} {what[0]}：{'是' if yes else '否'}（{clause}）",
        en=f"{subject}: {what[1]}: {'yes' if yes else 'no'} ({clause})",
    )


def _papers(subject: str, done: Installation) -> Iterator[Check]:
    for rule, yes, what in (
        ("photo", bool(done.photos), ("安装照片已上传", "photo of the place is there")),
        ("location", bool(done.location.strip()), ("安装位置已填写", "place is described")),
        ("sign_off", bool(done.signed_by.strip()), ("安装已签字", "work is signed for")),
    ):
        yield _said(subject, rule, "5.2", yes, what)


def _outdoor(
    subject: str, model: DeviceModel, done: Installation, extreme_c: float, limits: Limits
) -> Iterator[Check]:
    clause = "5.2 a #1"
    yield verdict(
        "outdoor_ip",
        clause,
        subject,
        ("室外防护等级 IP", "outdoor enclosure IP"),
        model.ip,
        limits.outdoor_ip,
        "",
        least=True,
    )
    yield verdict(
        "outdoor_ambient",
        clause,
        subject,
        ("最低环境温度", "coldest surroundings borne"),
        model.ambient_low_c,
        extreme_c,
        "degC",
        least=False,
    )
    yield _said(
        subject,
        "outdoor_antifreeze",
        clause,
        bool(done.antifreeze.strip()),
        ("有防冻措施", "is kept from freezing"),
    )


def _room(subject: str, done: Installation) -> Iterator[Check]:
    clause = "5.2 b #1"
    yield within(
        "height",
        "5.2 b #2",
        subject,
        ("安装高度", "height"),
        done.height_m,
        HEIGHT_M,
        "m",
        otherwise=WARN,
    )
    yield _said(
        subject,
        "room",
        clause,
        done.room in _ROOMS,
        ("安装房间有代表性", "hangs in a representative room"),
    )
    yield verdict(
        "heater",
        clause,
        subject,
        ("距散热器", "distance to a heater"),
        done.heater_m,
        HEATER_M,
        "m",
        least=True,
    )
    yield verdict(
        "window",
        clause,
        subject,
        ("距窗户", "distance to a window"),
        done.window_m,
        WINDOW_M,
        "m",
        least=True,
    )
    yield _said(
        subject,
        "inner_wall",
        clause,
        done.outer_wall is False,
        ("装于内墙", "hangs on an inner wall"),
    )


def _distance(subject: str, done: Installation) -> Check:
    given = done.distance_mm is not None and done.dn_mm is not None and done.dn_mm > 0
    diameters = done.distance_mm / done.dn_mm if given else None  # type: ignore[operator]
    return verdict(
        "distance",
        "5.2 c",
        subject,
        ("距阀门或弯头", "distance to valve or bend"),
        diameters,
        DISTANCE_D,
        "D",
        least=True,
        strict=True,
    )


def _straight(subject: str, model: DeviceModel, done: Installation) -> Iterator[Check]:
    before = STRAIGHT_D[0] if model.upstream_d is None else model.upstream_d
    behind = STRAIGHT_D[1] if model.downstream_d is None else model.downstream_d
    yield verdict(
        "upstream",
        "5.2 a #3",
        subject,
        ("前直管段", "straight pipe before"),
        done.upstream_d,
        before,
        "D",
        least=True,
    )
    yield verdict(
        "downstream",
        "5.2 a #3",
        subject,
        ("后直管段", "straight pipe behind"),
        done.downstream_d,
        behind,
        "D",
        least=True,
    )
