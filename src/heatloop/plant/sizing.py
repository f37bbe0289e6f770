"""Is the equipment of each station sized for its load (4.2.1 -2)?

The load is the heated area of the buildings times a heat index; exchanger, circulation flow and
head are compared with what it needs. What the ledger does not know is missing, never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from heatloop.kernel.errors import InputError
from heatloop.plant.areas import area_m2
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset

OK, UNDERSIZED, OVERSIZED, MISSING = "ok", "undersized", "oversized", "missing"
EXCHANGER, PUMP_FLOW, PUMP_HEAD = "exchanger", "pump_flow", "pump_head"
_CP_KWH_M3K = 4.187 * 975.0 / 3600.0
_EMITTER_C = {"radiator": (75.0, 50.0), "floor": (45.0, 35.0)}
_SAVING_YEAR = 2010

# Heat index by use: before energy-saving building codes, and under them, W/m2.
_INDEX: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "dwelling": (61.0, 42.5),
        "school": (70.0, 60.0),
        "kindergarten": (72.5, 62.5),
        "hospital": (72.5, 62.5),
        "office": (70.0, 60.0),
        "shop": (72.5, 62.5),
        "hotel": (65.0, 55.0),
        "sports": (140.0, 125.0),
        "industrial": (70.0, 60.0),
        "other": (63.5, 50.0),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SizingSettings:
    """What counts as well sized, and how the need is reckoned."""

    low: float = 1.0
    """Lowest good ratio of installed to needed."""
    high: float = 1.3
    """Highest good ratio."""
    primary_supply_c: float = 110.0
    """Design supply temperature where the heat source names none."""
    approach_k: float = 6.0
    """Primary return above secondary return at design."""
    plate_kw_m2k: float = 3.5
    """Heat transfer of plates in service, where the ledger gives only their area."""
    spare_pumps: int = 1
    """Pumps of a station with several that stand by."""
    station_head_m: float = 7.0
    """Head for exchanger, strainer and pipework in the station."""
    terminal_head_m: float = 3.0
    """Head kept for the last building."""
    friction_m_m: float = 0.008
    """Head a metre of secondary pipe takes (80 Pa/m)."""
    fittings: float = 0.3
    """Loss of bends and fittings over friction."""
    index_w_m2: Mapping[str, tuple[float, float]] = field(default_factory=lambda: _INDEX)
    """Heat index by use of building: before and since `saving_year`, W/m2."""
    saving_year: int = _SAVING_YEAR
    """First year (built or retrofitted) of the second column."""

    def __post_init__(self) -> None:
        if not 0.0 < self.low <= self.high:
            raise InputError(
                "the band of ratios is empty",
                thing="sizing",
                place=f"{self.low} .. {self.high}",
                fix="give 0 < low <= high",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class SizingItem:
    """One thing installed against what is needed."""

    asset: str
    """Unit or substation code."""
    what: str
    """exchanger | pump_flow | pump_head."""
    installed: float | None
    """What is installed; None: not known."""
    needed: float | None
    """What the design load needs; None: not known."""
    unit: str
    """kW, m3/h or m."""
    ratio: float | None
    """Installed over needed."""
    verdict: str
    """ok | undersized | oversized | missing."""
    missing: tuple[str, ...] = ()
    """Attributes the ledger lacks for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitSizing:
    """A unit with its load and its three comparisons."""

    unit: str
    """Unit code."""
    area_m2: float
    """Heated area it was reckoned with."""
    load_kw: float | None
    """Area times heat index; None without area."""
    declared_kw: float | None
    """Design load the ledger declares."""
    index_w_m2: float | None
    """Mean heat index."""
    items: tuple[SizingItem, ...]
    """Exchanger, pump flow and pump head."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StationSizing:
    """A substation: its units, and all of their exchangers together."""

    station: str
    """Substation code."""
    load_kw: float | None
    """Sum of its units' loads."""
    exchanger: SizingItem
    """All exchangers against all loads."""
    units: tuple[UnitSizing, ...]
    """Its units."""

    @property
    def worst(self) -> str:
        """The verdict that matters most: undersized, then missing, then oversized, then ok."""
        found = {item.verdict for unit in self.units for item in unit.items}
        found.add(self.exchanger.verdict)
        return next(v for v in (UNDERSIZED, MISSING, OVERSIZED, OK) if v in found)


def _number(asset: Asset | None, name: str) -> float | None:
    value = asset.attributes.get(name) if asset is not None else None
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if known and value is not None else None


def heat_index_w_m2(building: Asset, settings: SizingSettings) -> float:
    """Return a building's heat index: its own, or by its use and year."""
    own = _number(building, "heat_index_w_m2")
    if own is not None:
        return own
    year = _number(building, "retrofit_year") or _number(building, "year") or 0.0
    pair = settings.index_w_m2.get(str(building.attributes.get("use", "other")))
    old, saving = pair if pair is not None else settings.index_w_m2["other"]
    return saving if year >= settings.saving_year else old


def sizing_of_unit(ledger: Ledger, unit: Asset, settings: SizingSettings) -> UnitSizing:
    """Return one unit's sizing.

    Args:
        ledger: The ledger.
        unit: The unit.
        settings: Band and design values.
    """
    buildings = [asset for asset in ledger.below(unit.code) if asset.kind == "building"]
    area = sum(area_m2(building) for building in buildings)
    watts = sum(area_m2(b) * heat_index_w_m2(b, settings) for b in buildings)
    load = watts / 1000.0 if area > 0.0 else None
    items = (
        _exchanger(ledger, unit, load, settings),
        _pump_flow(unit, load, settings),
        _pump_head(ledger, unit, settings),
    )
    return UnitSizing(
        unit=unit.code,
        area_m2=area,
        load_kw=load,
        declared_kw=_number(unit, "design_load_kw"),
        index_w_m2=watts / area if area > 0.0 else None,
        items=items,
    )


def sizing_of_station(
    ledger: Ledger, station: Asset, settings: SizingSettings | None = None
) -> StationSizing:
    """Return one substation's sizing.

    Args:
        ledger: The ledger.
        station: The substation.
        settings: Band and design values.
    """
    chosen = settings or SizingSettings()
    units = tuple(
        sizing_of_unit(ledger, child, chosen)
        for child in ledger.children(station.code)
        if child.kind == "unit"
    )
    loads = [unit.load_kw for unit in units]
    load = sum(x for x in loads if x is not None) if units and None not in loads else None
    installed = [unit.items[0].installed for unit in units]
    total = sum(x for x in installed if x is not None) if None not in installed else None
    lacking = [f"{unit.unit}.{name}" for unit in units for name in unit.items[0].missing]
    exchanger = _judged(
        station.code,
        EXCHANGER,
        (total if units else None, load, "kW"),
        lacking if units else ["unit"],
        chosen,
    )
    return StationSizing(station=station.code, load_kw=load, exchanger=exchanger, units=units)


def sizing_report(
    ledger: Ledger, settings: SizingSettings | None = None
) -> tuple[StationSizing, ...]:
    """Return the sizing of every substation, in code order."""
    return tuple(
        sizing_of_station(ledger, station, settings) for station in ledger.of_kind("substation")
    )


def _judged(
    asset: str,
    what: str,
    figures: tuple[float | None, float | None, str],
    missing: list[str],
    settings: SizingSettings,
) -> SizingItem:
    installed, needed, unit = figures
    ratio: float | None = None
    if installed is None or needed is None or needed <= 0.0:
        verdict = MISSING
    else:
        ratio = installed / needed
        # The band's ends are good; figures come rounded to a tenth or so.
        low, high = settings.low * (1.0 - 1e-9), settings.high * (1.0 + 1e-9)
        verdict = UNDERSIZED if ratio < low else OVERSIZED if ratio > high else OK
    return SizingItem(
        asset=asset,
        what=what,
        installed=installed,
        needed=needed,
        unit=unit,
        ratio=ratio,
        verdict=verdict,
        missing=tuple(missing) if verdict == MISSING else (),
    )


def _secondary_c(unit: Asset) -> tuple[float, float]:
    usual = _EMITTER_C.get(str(unit.attributes.get("emitter")), _EMITTER_C["radiator"])
    supply = _number(unit, "design_supply_c")
    back = _number(unit, "design_return_c")
    return (supply, back) if supply is not None and back is not None else usual


def _source_of(ledger: Ledger, unit: Asset) -> Asset | None:
    """Return the heat source at the root of a unit's heat path."""
    codes = ledger.heat_path(unit.code).split("/")
    found = (ledger.assets.get(code) for code in codes)
    return next((a for a in found if a is not None and a.kind == "heat_source"), None)


def log_mean_k(first_k: float, second_k: float) -> float:
    """Return the logarithmic mean of two temperature differences; 0 if one is not positive."""
    if first_k <= 0.0 or second_k <= 0.0:
        return 0.0
    if abs(first_k - second_k) < 1e-9:
        return first_k
    return (first_k - second_k) / math.log(first_k / second_k)


def _exchanger(
    ledger: Ledger, unit: Asset, load_kw: float | None, settings: SizingSettings
) -> SizingItem:
    """Compare the heat the exchangers give at design temperatures with the load."""
    supply, back = _secondary_c(unit)
    hot = _number(_source_of(ledger, unit), "design_supply_c") or settings.primary_supply_c
    mean = log_mean_k(hot - supply, settings.approach_k)
    conductance = _number(unit, "hx_ua_kw_k")
    area = _number(unit, "hx_area_m2")
    if conductance is None and area is not None:
        conductance = area * settings.plate_kw_m2k
    installed = conductance * mean if conductance is not None else None
    missing = [] if conductance is not None else ["hx_ua_kw_k", "hx_area_m2"]
    if load_kw is None:
        missing.append("building.area_m2")
    return _judged(unit.code, EXCHANGER, (installed, load_kw, "kW"), missing, settings)


def _pump_flow(unit: Asset, load_kw: float | None, settings: SizingSettings) -> SizingItem:
    """Compare the flow of the pumps in duty with that of the load at design temperatures."""
    supply, back = _secondary_c(unit)
    rated = _number(unit, "pump_rated_flow_m3h")
    count = int(_number(unit, "pump_count") or 1)
    duty = max(count - settings.spare_pumps, 1)
    drop = supply - back
    needed = load_kw / (_CP_KWH_M3K * drop) if load_kw is not None and drop > 0.0 else None
    missing = [] if rated is not None else ["pump_rated_flow_m3h"]
    if load_kw is None:
        missing.append("building.area_m2")
    if drop <= 0.0:
        missing.append("design_return_c")
    installed = rated * duty if rated is not None else None
    return _judged(unit.code, PUMP_FLOW, (installed, needed, "m3/h"), missing, settings)


def _pump_head(ledger: Ledger, unit: Asset, settings: SizingSettings) -> SizingItem:
    """Compare the pumps' head with station, way to the farthest building and back, terminal."""
    rated = _number(unit, "pump_rated_head_m")
    way = _secondary_way_m(ledger, unit)
    needed = None
    missing = [] if rated is not None else ["pump_rated_head_m"]
    if way is None:
        missing.append("pipe_segment")
    else:
        friction = 2.0 * way * settings.friction_m_m * (1.0 + settings.fittings)
        needed = settings.station_head_m + friction + settings.terminal_head_m
    return _judged(unit.code, PUMP_HEAD, (rated, needed, "m"), missing, settings)


def _secondary_way_m(ledger: Ledger, unit: Asset) -> float | None:
    """Return the longest way along secondary pipes to a building, or over the map; None: unknown.

    Over the map a pipe is a third longer than the straight line.
    """
    laid = _laid_way_m(ledger, unit)
    if laid is not None:
        return laid
    station = ledger.assets.get(unit.parent)
    start = (_number(station, "lat"), _number(station, "lon"))
    ways = []
    for building in ledger.below(unit.code):
        end = (_number(building, "lat"), _number(building, "lon"))
        if building.kind == "building" and None not in start and None not in end:
            north = (float(end[0] or 0.0) - float(start[0] or 0.0)) * 111_195.0
            scale = 111_195.0 * math.cos(math.radians(float(start[0] or 0.0)))
            east = (float(end[1] or 0.0) - float(start[1] or 0.0)) * scale
            ways.append(math.hypot(north, east) * 4.0 / 3.0)
    return max(ways) if ways else None


def _laid_way_m(ledger: Ledger, unit: Asset) -> float | None:
    near: dict[str, list[tuple[str, float]]] = {}
    for pipe in ledger.of_kind("pipe_segment"):
        if pipe.attributes.get("network") != "secondary":
            continue
        ends = str(pipe.attributes.get("from_node")), str(pipe.attributes.get("to_node"))
        length = _number(pipe, "length_m") or 0.0
        near.setdefault(ends[0], []).append((ends[1], length))
        near.setdefault(ends[1], []).append((ends[0], length))
    if unit.code not in near:
        return None
    far = {unit.code: 0.0}
    waiting = [unit.code]
    while waiting:
        at = waiting.pop()
        for place, length in near[at]:
            if far[at] + length < far.get(place, math.inf):
                far[place] = far[at] + length
                waiting.append(place)
    ways = [far[b.code] for b in ledger.below(unit.code) if b.kind == "building" and b.code in far]
    return max(ways) if ways else None
