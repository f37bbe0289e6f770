"""The sizing report as people read it: on the screen and as a workbook (4.2.1 -2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from heatloop.app.refusals import Refused
from heatloop.app.world import World
from heatloop.kernel.scope import Scope
from heatloop.plant.sizing import (
    EXCHANGER,
    MISSING,
    OK,
    OVERSIZED,
    PUMP_FLOW,
    PUMP_HEAD,
    UNDERSIZED,
    SizingItem,
    SizingSettings,
    StationSizing,
    sizing_of_station,
    sizing_report,
)
from heatloop.store.tables import XLSX, write_tables

_ZH = {
    EXCHANGER: "换热器换热量",
    PUMP_FLOW: "循环泵流量",
    PUMP_HEAD: "循环泵扬程",
    OK: "合理",
    UNDERSIZED: "偏小",
    OVERSIZED: "偏大",
    MISSING: "缺数据",
}
_EN = {EXCHANGER: "exchanger capacity", PUMP_FLOW: "circulation pump flow",
       PUMP_HEAD: "circulation pump head"}  # fmt: skip
_HEADINGS = {
    "zh": ("热力站", "热力站名称", "资产", "项目", "配置值", "需求值", "单位", "比值", "结论",
           "缺少的数据"),
    "en": ("station", "station name", "asset", "item", "installed", "needed", "unit", "ratio",
           "verdict", "missing data"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class SizingCard:
    """A substation in the report."""

    code: str
    """Substation code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    load_kw: float | None
    """Design load: area times heat index."""
    worst: str
    """ok | undersized | oversized | missing."""
    items: list[SizingItem]
    """The station's exchangers together, then each unit's three comparisons."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SizingReport:
    """The report inside a scope."""

    low: float
    """Lowest good ratio."""
    high: float
    """Highest good ratio."""
    stations: int
    """Substations looked at."""
    counts: dict[str, int]
    """Substations by their worst verdict."""
    cards: list[SizingCard]
    """Substations, all or only those out of the band, in code order."""


def _card(world: World, station: StationSizing) -> SizingCard:
    asset = world.ledger.assets[station.station]
    items = [station.exchanger, *(item for unit in station.units for item in unit.items)]
    return SizingCard(
        code=asset.code,
        zh=asset.zh,
        en=asset.en,
        load_kw=station.load_kw,
        worst=station.worst,
        items=items,
    )


def report(
    world: World,
    scope: Scope,
    settings: SizingSettings | None = None,
    *,
    only_listed: bool = False,
) -> SizingReport:
    """Return the sizing of the substations inside a scope.

    Args:
        world: The present.
        scope: What the reader may see.
        settings: Band and design values.
        only_listed: Leave out substations with nothing out of the band and nothing missing.
    """
    chosen = settings or SizingSettings()
    seen = [s for s in sizing_report(world.ledger, chosen) if world.sees(scope, s.station)]
    cards = [_card(world, station) for station in seen]
    counts = {word: sum(card.worst == word for card in cards) for word in (
        OK, UNDERSIZED, OVERSIZED, MISSING)}  # fmt: skip
    listed = [card for card in cards if card.worst != OK] if only_listed else cards
    return SizingReport(
        low=chosen.low, high=chosen.high, stations=len(cards), counts=counts, cards=listed
    )


def station(
    world: World, scope: Scope, code: str, settings: SizingSettings | None = None
) -> SizingCard:
    """Return the sizing of one substation.

    Raises:
        Refused: There is no such substation inside the scope.
    """
    asset = world.asset(scope, code)
    if asset.kind != "substation":
        raise Refused("not_found", thing=code)
    return _card(world, sizing_of_station(world.ledger, asset, settings))


def workbook(found: SizingReport, language: str = "zh", kind: str = XLSX) -> bytes:
    """Return a report as a workbook or a zip of CSV files.

    Args:
        found: The report.
        language: `zh` or `en`.
        kind: `xlsx` or `csv`.

    Raises:
        Refused: No such language.
        InputError: No such kind.
    """
    if language not in _HEADINGS:
        raise Refused("invalid", thing=language, detail="zh | en")
    zh = language == "zh"
    rows = [_row(card, item, zh) for card in found.cards for item in card.items]
    words = _HEADINGS[language]
    head = {"合理范围" if zh else "band": f"{found.low:g} .. {found.high:g}"}
    head |= {"热力站数" if zh else "substations": str(found.stations)}
    head |= {_ZH[word] if zh else word: str(count) for word, count in found.counts.items()}
    sheets = {
        "汇总" if zh else "summary": [head],
        "选型校核" if zh else "sizing": [dict(zip(words, row, strict=True)) for row in rows],
    }
    return write_tables(sheets, kind)


def _row(card: SizingCard, item: SizingItem, zh: bool) -> Sequence[Any]:
    def rounded(value: float | None, places: int) -> float | None:
        return None if value is None else round(value, places)

    return (
        card.code,
        card.zh if zh else card.en,
        item.asset,
        _ZH[item.what] if zh else _EN[item.what],
        rounded(item.installed, 1),
        rounded(item.needed, 1),
        item.unit,
        rounded(item.ratio, 2),
        _ZH[item.verdict] if zh else item.verdict,
        ", ".join(item.missing),
    )
