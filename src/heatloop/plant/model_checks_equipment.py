"""Selection checks of equipment, radios and fleets: load, efficiency, interface, papers, label."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from heatloop.plant.model_checks import (
    FAIL,
    PASS,
    Check,
    Duty,
    Limits,
    verdict,
)
from heatloop.plant.model_checks_instruments import enclosure, instrument_checks
from heatloop.plant.models import (
    INSTRUMENT,
    RADIO,
    STANDARD_INTERFACES,
    DeviceModel,
    device_classes,
)
from heatloop.plant.resources import table

CHECKLIST = "gbt50893_checklist.csv"
_RATED = ("pump", "vfd", "boiler", "heat_exchanger")


@dataclass(frozen=True, kw_only=True, slots=True)
class ChecklistItem:
    """One row of the GB/T 50893 checklist."""

    item: str
    """Name, unique."""
    clause: str
    """Clause of GB/T 50893-2013."""
    classes: tuple[str, ...]
    """Device classes it is asked of."""
    zh: str
    """What to show, in Chinese."""
    en: str
    """What to show, in English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What was shown for one item."""

    item: str
    """Checklist item."""
    file: str
    """Evidence file, its SHA-256."""
    reviewer: str
    """Who looked at it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reliability:
    """How reliable a device has been."""

    run_h: float
    """Hours it ran."""
    down_h: float
    """Hours it was down by failures."""
    failures: int
    """Failures."""
    mtbf_h: float | None
    """Run hours between failures; None before the first."""
    availability_pct: float | None
    """Run hours over run and down hours; None when it never ran."""


def checklist() -> tuple[ChecklistItem, ...]:
    """Return the GB/T 50893 checklist."""
    return tuple(
        ChecklistItem(
            item=row["item"],
            clause=row["clause"],
            classes=tuple(row["classes"].split("|")),
            zh=row["zh"],
            en=row["en"],
        )
        for row in table(CHECKLIST)
    )


def missing_evidence(model: DeviceModel, shown: Iterable[Evidence]) -> list[ChecklistItem]:
    """Return the items of a model without evidence or reviewer (5.1 d 2 #1)."""
    have = {each.item for each in shown if each.file and each.reviewer}
    return [
        item for item in checklist() if model.device_class in item.classes and item.item not in have
    ]


def checklist_check(subject: str, model: DeviceModel, shown: Iterable[Evidence]) -> Check | None:
    """Return whether the GB/T 50893 checklist of a model is complete; None when it has none."""
    if not any(model.device_class in item.classes for item in checklist()):
        return None
    lacking = missing_evidence(model, shown)
    names = ("、".join(i.zh for i in lacking), ", ".join(i.en for i in lacking))
    return Check(
        rule="gbt50893",
        clause="5.1 d 2 #1",
        subject=subject,
        state=FAIL if lacking else PASS,
        zh=f"{subject} GB/T 50893 核查" + (f"缺少证据：{names[0]}" if lacking else "证据齐全"),
        en=f"{subject}: GB/T 50893 checklist "
        + (f"lacks evidence: {names[1]}" if lacking else "is complete"),
        value=float(len(lacking)),
        limit=0.0,
    )


def radio_checks(model: DeviceModel, limits: Limits | None = None) -> Iterator[Check]:
    """Yield whether a radio model is approved and keeps to its band (5.1 c 1 #1)."""
    if device_classes()[model.device_class].group != RADIO:
        return
    limits = limits or Limits()
    subject = model.code
    have = bool(model.srrc.strip())
    yield Check(
        rule="radio_approval",
        clause="5.1 c 1 #1",
        subject=subject,
        state=PASS if have else FAIL,
        zh=f"{subject} 无线电型号核准编号" + (f" {model.srrc}" if have else "未登记（5.1 c 1）"),
        en=f"{subject}: radio type approval " + (model.srrc if have else "is missing (5.1 c 1)"),
    )
    band = model.band_mhz
    allowed = band is not None and any(low <= band <= high for low, high in limits.bands_mhz)
    text = "-" if band is None else f"{band:g}"
    listed = ", ".join(f"{low:g}-{high:g}" for low, high in limits.bands_mhz)
    yield Check(
        rule="radio_band",
        clause="5.1 c 1 #1",
        subject=subject,
        state=PASS if allowed else FAIL,
        zh=f"{subject} 频段 {text} MHz {'在' if allowed else '不在'}允许频段 {listed} MHz 内",
        en=f"{subject}: band {text} MHz is {'' if allowed else 'not '}in {listed} MHz",
        value=band,
        unit="MHz",
    )
    yield verdict(
        "radio_power",
        "5.1 c 1 #1",
        subject,
        ("发射功率", "radio power"),
        model.power_mw,
        200.0,
        "mW",
        least=False,
    )


def equipment_checks(
    subject: str, model: DeviceModel, duty: Duty, limits: Limits | None = None
) -> Iterator[Check]:
    """Yield the checks of operating and regulating equipment; nothing for instruments."""
    about = device_classes()[model.device_class]
    if about.group == INSTRUMENT and not about.interface:
        return
    limits = limits or Limits()
    if (
        about.group != INSTRUMENT
        and model.device_class in _RATED
        and (duty.design_load_kw is not None)
    ):
        yield verdict(
            "capacity",
            "5.1 d 1 #1",
            subject,
            ("铭牌容量", "nameplate capacity"),
            model.capacity_kw,
            duty.design_load_kw,
            "kW",
            least=True,
        )
    if model.device_class in limits.efficiency_pct:
        yield verdict(
            "efficiency",
            "5.1 d 1 #1",
            subject,
            ("额定效率", "rated efficiency"),
            model.efficiency_pct,
            limits.efficiency_pct[model.device_class],
            "%",
            least=True,
        )
    if about.interface:
        yield interface_check(subject, model)
    for protection in about.protections:
        have = protection in model.protections
        yield Check(
            rule=f"protection_{protection}",
            clause={"overload": "5.1 d 4 #1", "leakage": "5.1 d 4 #2"}.get(
                protection, "5.1 d 4 #3"
            ),
            subject=subject,
            state=PASS if have else FAIL,
            zh=f"{subject} {'具备' if have else '缺少'}{_PROTECTION_ZH[protection]}",
            en=f"{subject}: {'has' if have else 'lacks'} {protection} protection",
        )
    if about.group == "equipment" and duty.outdoor:
        yield enclosure(subject, model, True, limits)


_PROTECTION_ZH = {"overload": "过载保护", "leakage": "漏电保护", "antifreeze": "防冻保护"}


def interface_check(subject: str, model: DeviceModel) -> Check:
    """Return whether a model offers an interface of the allowed list (5.1 d 3)."""
    good = [name for name in model.interfaces if name in STANDARD_INTERFACES]
    offered = ", ".join(model.interfaces) or "-"
    return Check(
        rule="interface",
        clause="5.1 d 3",
        subject=subject,
        state=PASS if good else FAIL,
        zh=f"{subject} 通信接口 {offered}"
        + ("" if good else "，不在标准接口清单内，需豁免（5.1 d 3）"),
        en=f"{subject}: interface {offered}"
        + ("" if good else " is not on the list of standard interfaces: needs a waiver (5.1 d 3)"),
    )


def selection_checks(
    subject: str,
    model: DeviceModel,
    duty: Duty,
    shown: Iterable[Evidence] = (),
    limits: Limits | None = None,
) -> list[Check]:
    """Return every selection check of one device at its place."""
    found = [*instrument_checks(subject, model, duty, limits)]
    found += equipment_checks(subject, model, duty, limits)
    found += radio_checks(model, limits)
    papers = checklist_check(subject, model, shown)
    return found if papers is None else [*found, papers]


def label_share(models: Mapping[str, DeviceModel], counts: Mapping[str, int]) -> dict[str, float]:
    """Return counts of energy labels in the fleet and the share at grade 1 or 2 (5.1 d 2 #2).

    Args:
        models: Models by code.
        counts: Devices by model code; models without an energy label do not count.
    """
    labelled = {
        code: number
        for code, number in counts.items()
        if code in models and device_classes()[models[code].device_class].labelled
    }
    grades = {code: models[code].energy_grade for code in labelled}
    total = sum(labelled.values())
    best = sum(n for code, n in labelled.items() if grades[code] in (1, 2))
    unknown = sum(n for code, n in labelled.items() if grades[code] is None)
    share = 100.0 * best / total if total else 0.0
    return {"devices": total, "best": best, "unknown": unknown, "share_pct": share}


def reliability(run_h: float, repairs_h: Iterable[float]) -> Reliability:
    """Return mean time between failures and availability of a device (5.1 d 1 #1).

    Args:
        run_h: Hours it ran.
        repairs_h: Hours it was down, one a failure.
    """
    down = [max(hours, 0.0) for hours in repairs_h]
    whole = run_h + sum(down)
    return Reliability(
        run_h=run_h,
        down_h=sum(down),
        failures=len(down),
        mtbf_h=run_h / len(down) if down else None,
        availability_pct=100.0 * run_h / whole if whole > 0 else None,
    )
