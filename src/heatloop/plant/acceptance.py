"""The life of a device: planned, arrived, accepted, installed, tested, in service (clause 5.3).

Each state is entered only when nothing that belongs to it is open: failed and not waived.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from heatloop.plant.acceptance_arrival import Arrival
from heatloop.plant.model_checks import FAIL, Check

DOCUMENTS: dict[str, tuple[str, str]] = {
    "certificate": ("合格证", "certificate of conformity"),
    "test_report": ("检测报告", "test report"),
    "manual": ("操作手册", "operating manual"),
}
"""Documents a device must come with (5.3 b)."""


class LifeState(StrEnum):
    """Where a device is in its life."""

    PLANNED = "planned"
    ARRIVED = "arrived"
    ACCEPTED = "accepted"
    INSTALLED = "installed"
    TESTED = "tested"
    IN_SERVICE = "in_service"
    RETIRED = "retired"


ORDER = tuple(LifeState)[:-1]
"""States in the order of a life; a device may be retired from any of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiver:
    """A recorded decision to let a failed item pass."""

    item: str
    """Item, as `OpenItem.item`."""
    reason: str
    """Why."""
    by: str
    """Who."""
    at: float
    """Plant time."""

    def to_dict(self) -> dict[str, Any]:
        """Return the waiver as plain values."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenItem:
    """Something that holds a device back."""

    item: str
    """`<stage>.<rule>`."""
    stage: str
    """State it holds the device back from."""
    zh: str
    """What is open, in Chinese."""
    en: str
    """What is open, in English."""
    waived: bool = False
    """Whether somebody has let it pass."""

    def to_dict(self) -> dict[str, Any]:
        """Return the item as plain values."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class StepFact:
    """What the last functional test says of one step."""

    step: str
    """Name of the step."""
    passed: bool
    """Whether it passed."""
    zh: str
    """What was seen, in Chinese."""
    en: str
    """What was seen, in English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LifeFacts:
    """All that is known of a device; what decides on its next state."""

    arrival: Arrival | None
    """None before it came."""
    documents: frozenset[str]
    """Kinds of documents attached."""
    selection: tuple[Check, ...]
    """Selection checks."""
    installation: tuple[Check, ...] | None
    """Installation checks; None before it was installed."""
    needs_test: bool
    """Whether its class has a functional test."""
    test: tuple[StepFact, ...] | None
    """Steps of the last test that ran to its end; None when there was none."""
    waivers: tuple[Waiver, ...] = ()
    """What was let pass."""


def open_items(facts: LifeFacts) -> list[OpenItem]:
    """Return everything that holds a device back, waived or not, in the order of its life."""
    found = [*_arrival_items(facts.arrival)]
    for kind, (zh, en) in DOCUMENTS.items():
        if kind not in facts.documents:
            found.append(
                _item(LifeState.ACCEPTED, f"documents.{kind}", f"缺少{zh}", f"{en} is missing")
            )
    found += [
        _item(LifeState.ACCEPTED, f"selection.{c.rule}", c.zh, c.en)
        for c in facts.selection
        if c.state == FAIL
    ]
    if facts.installation is None:
        found.append(
            _item(
                LifeState.INSTALLED, "installation.record", "尚无安装记录", "no installation record"
            )
        )
    found += [
        _item(LifeState.INSTALLED, f"installation.{c.rule}", c.zh, c.en)
        for c in facts.installation or ()
        if c.state == FAIL
    ]
    if facts.needs_test and facts.test is None:
        found.append(
            _item(LifeState.TESTED, "test.run", "尚未完成功能测试", "no functional test has ended")
        )
    found += [
        _item(LifeState.TESTED, f"test.{f.step}", f.zh, f.en)
        for f in facts.test or ()
        if not f.passed
    ]
    let_pass = {waiver.item for waiver in facts.waivers}
    # What did not happen at all cannot be waived: there is nothing anybody could have judged.
    never = {"arrival.receipt", "installation.record", "test.run"}
    return [
        OpenItem(
            item=i.item,
            stage=i.stage,
            zh=i.zh,
            en=i.en,
            waived=i.item in let_pass and i.item not in never,
        )
        for i in found
    ]


def _item(stage: LifeState, item: str, zh: str, en: str) -> OpenItem:
    return OpenItem(item=item, stage=stage.value, zh=zh, en=en)


def _arrival_items(arrival: Arrival | None) -> Iterable[OpenItem]:
    stage = LifeState.ACCEPTED
    if arrival is None:
        yield _item(LifeState.ARRIVED, "arrival.receipt", "尚未到货登记", "arrival is not recorded")
        return
    if arrival.mismatches:
        yield _item(
            stage,
            "arrival.mismatch",
            "；".join(m.zh for m in arrival.mismatches),
            "; ".join(m.en for m in arrival.mismatches),
        )
    if not arrival.photo:
        yield _item(stage, "arrival.photo", "缺少到货照片", "no photo of the arrival")
    if not arrival.undamaged:
        yield _item(stage, "arrival.damage", "外观有损或未检查", "damaged, or nobody has looked")
    lacking = [name for name, there in arrival.accessories.items() if not there]
    if lacking:
        yield _item(
            stage,
            "arrival.accessories",
            f"缺少附件：{'、'.join(lacking)}",
            f"accessories missing: {', '.join(lacking)}",
        )


def holding_back(facts: LifeFacts, to: LifeState) -> list[OpenItem]:
    """Return what holds a device back from a state: open items of it and of all states before."""
    if to is LifeState.RETIRED:
        return []
    before = {state.value for state in ORDER[: ORDER.index(to) + 1]}
    return [item for item in open_items(facts) if item.stage in before and not item.waived]


def next_state(state: LifeState) -> LifeState | None:
    """Return the state that follows, None at the end of a life."""
    if state in (LifeState.IN_SERVICE, LifeState.RETIRED):
        return None
    return ORDER[ORDER.index(state) + 1]
