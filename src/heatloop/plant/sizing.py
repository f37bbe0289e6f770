"""Is the equipment of each station sized for its load (4.2.1 -2)?

The load is the heated area of the buildings times a heat index; exchanger, circulation flow and
head are compared with what it needs. What the ledger does not know is missing, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from heatloop.kernel.errors import InputError
from heatloop.plant.areas import area_m2
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset
from heatloop.plant.sizing_needs import (
    HEAT_INDEX_W_M2,
    SecondaryWays,
    log_mean_k,
    number_of,
    secondary_c,
    source_of,
)

OK, UNDERSIZED, OVERSIZED, MISSING = "ok", "undersized", "oversized", "missing"
EXCHANGER, PUMP_FLOW, PUMP_HEAD = "exchanger", "pump_flow", "pump_head"
_CP_KWH_M3K = 4.187 * 975.0 / 3600.0
_SAVING_YEAR = 2010


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
    index_w_m2: Mapping[str, tuple[float, float]] = field(default_factory=lambda: HEAT_INDEX_W_M2)
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


def heat_index_w_m2(building: Asset, settings: SizingSettings) -> float:
    """Return a building's heat index: its own, or by its use and year."""
    own = number_of(building, "heat_index_w_m2")
    if own is not None:
        return own
    year = number_of(building, "retrofit_year") or number_of(building, "year") or 0.0
    pair = settings.index_w_m2.get(str(building.attributes.get("use", "other")))
    old, saving = pair if pair is not None else settings.index_w_m2["other"]
    return saving if year >= settings.saving_year else old


def _unit(ledger: Ledger, ways: SecondaryWays, unit: Asset, settings: SizingSettings) -> UnitSizing:
    buildings = [asset for asset in ledger.below(unit.code) if asset.kind == "building"]
    area = sum(area_m2(building) for building in buildings)
    watts = sum(area_m2(b) * heat_index_w_m2(b, settings) for b in buildings)
    load = watts / 1000.0 if area > 0.0 else None
    items = (
        _exchanger(ledger, unit, load, settings),
        _pump_flow(unit, load, settings),
        _pump_head(ways, unit, settings),
    )
    return UnitSizing(
        unit=unit.code,
        area_m2=area,
        load_kw=load,
        declared_kw=number_of(unit, "design_load_kw"),
        index_w_m2=watts / area if area > 0.0 else None,
        items=items,
    )


def sizing_of_station(
    ledger: Ledger,
    station: Asset,
    settings: SizingSettings | None = None,
    ways: SecondaryWays | None = None,
) -> StationSizing:
    """Return one substation's sizing.

    Args:
        ledger: The ledger.
        station: The substation.
        settings: Band and design values.
        ways: Secondary ways of the ledger, when many stations are asked for.
    """
    chosen = settings or SizingSettings()
    known = ways or SecondaryWays(ledger)
    units = tuple(
        _unit(ledger, known, child, chosen)
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
    ways = SecondaryWays(ledger)
    return tuple(
        sizing_of_station(ledger, station, settings, ways)
        for station in ledger.of_kind("substation")
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


def _exchanger(
    ledger: Ledger, unit: Asset, load_kw: float | None, settings: SizingSettings
) -> SizingItem:
    """Compare the heat the exchangers give at design temperatures with the load."""
    supply, _ = secondary_c(unit)
    hot = number_of(source_of(ledger, unit), "design_supply_c") or settings.primary_supply_c
    mean = log_mean_k(hot - supply, settings.approach_k)
    conductance = number_of(unit, "hx_ua_kw_k")
    area = number_of(unit, "hx_area_m2")
    if conductance is None and area is not None:
        conductance = area * settings.plate_kw_m2k
    installed = conductance * mean if conductance is not None else None
    missing = [] if conductance is not None else ["hx_ua_kw_k", "hx_area_m2"]
    if load_kw is None:
        missing.append("building.area_m2")
    return _judged(unit.code, EXCHANGER, (installed, load_kw, "kW"), missing, settings)


def _pump_flow(unit: Asset, load_kw: float | None, settings: SizingSettings) -> SizingItem:
    """Compare the flow of the pumps in duty with that of the load at design temperatures."""
    supply, back = secondary_c(unit)
    rated = number_of(unit, "pump_rated_flow_m3h")
    count = int(number_of(unit, "pump_count") or 1)
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


def _pump_head(ways: SecondaryWays, unit: Asset, settings: SizingSettings) -> SizingItem:
    """Compare the pumps' head with station, way to the farthest building and back, terminal."""
    rated = number_of(unit, "pump_rated_head_m")
    way = ways.longest_m(unit)
    needed = None
    missing = [] if rated is not None else ["pump_rated_head_m"]
    if way is None:
        missing.append("pipe_segment")
    else:
        friction = 2.0 * way * settings.friction_m_m * (1.0 + settings.fittings)
        needed = settings.station_head_m + friction + settings.terminal_head_m
    return _judged(unit.code, PUMP_HEAD, (rated, needed, "m"), missing, settings)
