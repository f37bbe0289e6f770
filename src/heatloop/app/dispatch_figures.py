"""Figures dispatch works with that no ledger holds: prices, costs and how units may be run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from heatloop.app.refusals import Refused
from heatloop.plant.ledger import Ledger

ELECTRICITY, COMPANY = "electricity", "company"
FUELS = ("gas", "coal", "oil", "biomass", "waste", "electricity_fuel")
HOURS = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureKind:
    """A figure that can be entered."""

    of: str
    """Kind of asset, or `fuel`, `electricity`, `company`."""
    name: str
    """Its name; `{hour}` stands for 00 to 23."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    unit: str
    """Unit."""
    default: float
    """When nobody entered one."""
    low: float
    """Least that is believed."""
    high: float
    """Most that is believed."""


def _kind(
    of: str, name: str, zh: str, en: str, unit: str, default: float, low: float, high: float
) -> FigureKind:
    return FigureKind(
        of=of, name=name, zh=zh, en=en, unit=unit, default=default, low=low, high=high
    )


KINDS = (
    _kind("boiler", "least_pct", "最低负荷", "least load", "%", 30.0, 0.0, 95.0),
    _kind("boiler", "ramp_pct_h", "负荷变化率", "ramp", "%/h", 120.0, 1.0, 6000.0),
    _kind("boiler", "efficiency_pct", "热效率", "efficiency", "%", 92.0, 30.0, 110.0),
    _kind("boiler", "start_yuan", "启动费用", "cost of a start", "yuan", 800.0, 0.0, 1e7),
    _kind("boiler", "least_up_h", "最短运行", "least run", "h", 2.0, 0.0, 168.0),
    _kind("boiler", "least_down_h", "最短停运", "least stand", "h", 1.0, 0.0, 168.0),
    _kind("boiler", "other_yuan_kwh", "其他变动费用", "other cost", "yuan/kWh", 0.005, 0.0, 10.0),
    _kind("chp", "least_pct", "最低负荷", "least load", "%", 40.0, 0.0, 95.0),
    _kind("chp", "ramp_pct_h", "负荷变化率", "ramp", "%/h", 60.0, 1.0, 6000.0),
    _kind("chp", "efficiency_pct", "总热效率", "total efficiency", "%", 86.0, 30.0, 100.0),
    _kind("chp", "electric_pct", "纯凝发电效率", "electric efficiency", "%", 38.0, 10.0, 65.0),
    _kind("chp", "power_loss", "抽汽减发系数", "power loss coefficient", "-", 0.0, 0.0, 0.5),
    _kind("chp", "start_yuan", "启动费用", "cost of a start", "yuan", 12000.0, 0.0, 1e8),
    _kind("chp", "least_up_h", "最短运行", "least run", "h", 8.0, 0.0, 336.0),
    _kind("chp", "least_down_h", "最短停运", "least stand", "h", 4.0, 0.0, 336.0),
    _kind("chp", "other_yuan_kwh", "其他变动费用", "other cost", "yuan/kWh", 0.012, 0.0, 10.0),
    _kind("storage_tank", "spread_k", "蓄热温差", "temperature spread", "K", 45.0, 5.0, 120.0),
    _kind("storage_tank", "hours", "满功率充放时间", "hours at full power", "h", 4.0, 0.5, 100.0),
    _kind("storage_tank", "loss_pct_h", "热损失", "heat loss", "%/h", 0.1, 0.0, 20.0),
    _kind("storage_tank", "end_pct", "期末蓄热率", "level at the end", "%", 50.0, 0.0, 100.0),
    _kind("heat_source", "limit_kw", "管网可接受功率", "network takes", "kW", 0.0, 0.0, 5e6),
    _kind("heat_source", "heat_pump_kw", "热泵供热功率", "heat of heat pumps", "kW", 0.0, 0.0, 5e6),
    _kind("heat_source", "heat_pump_cop", "热泵性能系数", "heat pump COP", "-", 3.0, 1.0, 8.0),
    _kind("heat_source", "heat_yuan_kwh", "外购热价", "heat bought", "yuan/kWh", 0.0, 0.0, 10.0),
    _kind("fuel", "yuan_kwh", "燃料价格", "price of fuel", "yuan/kWh", 0.30, 0.0, 10.0),
    _kind("fuel", "co2_kg_kwh", "燃料碳排放", "CO2 of fuel", "kg/kWh", 0.202, 0.0, 1.0),
    _kind(ELECTRICITY, "sell_{hour}", "上网电价", "price sold", "yuan/kWh", 0.40, -2.0, 10.0),
    _kind(ELECTRICITY, "buy_{hour}", "购电电价", "price bought", "yuan/kWh", 0.65, -2.0, 10.0),
    _kind(COMPANY, "co2_yuan_t", "碳价", "price of CO2", "yuan/t", 80.0, 0.0, 5000.0),
    _kind(COMPANY, "water_yuan_m3", "补水价格", "make-up water", "yuan/m3", 6.0, 0.0, 100.0),
    _kind(COMPANY, "reserve_pct", "旋转备用", "running reserve", "%", 5.0, 0.0, 100.0),
    _kind(COMPANY, "houses_kwh_m2_k", "建筑蓄热", "heat in houses", "kWh/(m2 K)", 0.05, 0.005, 1.0),
    _kind(COMPANY, "least_room_c", "最低室温", "least room temperature", "degC", 16.0, 5.0, 22.0),
)  # fmt: skip
"""Every figure that can be entered."""

_OWN = {
    ("coal", "yuan_kwh"): 0.12,
    ("coal", "co2_kg_kwh"): 0.341,
    ("oil", "co2_kg_kwh"): 0.267,
    ("biomass", "co2_kg_kwh"): 0.0,
    ("biomass", "yuan_kwh"): 0.16,
    ("waste", "yuan_kwh"): 0.0,
    ("waste", "co2_kg_kwh"): 0.0,
}
_PEAK, _VALLEY = frozenset((8, 9, 10, 11, 17, 18, 19, 20, 21)), frozenset(range(7)) | {23}


class Figures:
    """The figures of a moment: what was entered, else the ledger's, else the default.

    Args:
        ledger: The ledger; an attribute of the same name comes before the default.
        entered: By subject and name.
    """

    def __init__(self, ledger: Ledger, entered: Mapping[tuple[str, str], float]) -> None:
        self._ledger, self._entered = ledger, entered

    def of(self, subject: str, name: str) -> float:
        """Return a figure.

        Raises:
            Refused: There is no such figure.
        """
        found = self._entered.get((subject, name))
        if found is not None:
            return found
        kind = kind_of(self._ledger, subject, name)
        asset = self._ledger.assets.get(subject)
        if asset is not None and name in asset.attributes:
            return float(asset.attributes[name])
        return _default(kind, subject, name)

    def entered(self, subject: str, name: str) -> bool:
        """Return whether somebody entered it."""
        return (subject, name) in self._entered


def _default(kind: FigureKind, subject: str, name: str) -> float:
    own = _OWN.get((subject, name))
    if own is not None:
        return own
    if kind.of == ELECTRICITY:
        # Peak, flat and valley as most provinces of northern China set them.
        hour = int(name[-2:])
        return kind.default * (1.5 if hour in _PEAK else 0.5 if hour in _VALLEY else 1.0)
    return kind.default


def kind_of(ledger: Ledger, subject: str, name: str) -> FigureKind:
    """Return what a figure is.

    Raises:
        Refused: There is no such subject or figure.
    """
    asset = ledger.assets.get(subject)
    of = asset.kind if asset is not None else "fuel" if subject in FUELS else subject
    for kind in KINDS:
        if kind.of == of and (kind.name == name or _hourly(kind.name, name)):
            return kind
    raise Refused("not_found", thing=f"{subject}.{name}")


def _hourly(pattern: str, name: str) -> bool:
    head, mark, _ = pattern.partition("{hour}")
    hour = name.removeprefix(head)
    return bool(mark) and name.startswith(head) and hour in {f"{h:02d}" for h in range(HOURS)}


def names_of(kind: FigureKind) -> list[str]:
    """Return the names a kind of figure stands for."""
    if "{hour}" not in kind.name:
        return [kind.name]
    return [kind.name.replace("{hour}", f"{hour:02d}") for hour in range(HOURS)]
