"""Design values of a ledger's assets, with documented defaults where it has none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from heatloop.kernel.errors import InputError
from heatloop.network.topology.steel import bore_m, loss_w_mk, wall_kj_mk
from heatloop.network.water import CP_KJ_KGK
from heatloop.plant.areas import area_m2
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset

GRAVITY_KPA_M = 9.81 * 0.97
"""Pressure of a metre of hot water."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerDefaults:
    """What is assumed where the ledger says nothing."""

    supply_c: float = 110.0
    """Design supply temperature of a heat source."""
    isolation_drop_k: float = 10.0
    """How much colder an isolation station's own network is than what feeds it."""
    approach_k: float = 6.0
    """Primary return above the secondary return of a unit."""
    radiator_return_c: float = 50.0
    """Secondary design return temperature with radiators."""
    radiator_supply_c: float = 75.0
    """Secondary design supply temperature with radiators."""
    floor_return_c: float = 35.0
    """Secondary design return temperature with floor heating."""
    floor_supply_c: float = 45.0
    """Secondary design supply temperature with floor heating."""
    heat_index_w_m2: float = 45.0
    """Design load an m2."""
    ground_c: float = 5.0
    """Surroundings of the pipes."""
    roughness_mm: float = 0.5
    """Wall roughness of steel in service."""
    minor_share: float = 0.3
    """Loss of bends and fittings over the friction loss; sizes pumps, and zeta of each pipe."""
    valve_kpa: float = 60.0
    """Pressure the fully open control valve of a station takes at design flow."""
    exchanger_kpa: float = 40.0
    """Pressure an exchanger side takes at design flow."""
    friction_pa_m: float = 60.0
    """Friction of mains at design flow; sizes pumps."""
    hold_kpa: float = 300.0
    """Pressure held at the return of the highest node of a zone."""
    booster_kpa: float = 150.0
    """Head of a booster station."""
    valve_zeta: float = 0.3
    """Loss coefficient of an open shut-off valve."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerFinding:
    """Something the ledger lacks or that cannot be."""

    kind: str
    """default | missing | impossible | unconnected."""
    asset: str
    """Asset code."""
    attribute: str
    """Attribute it is about, or empty."""
    zh: str
    """What was found and done, in Chinese."""
    en: str
    """What was found and done, in English."""


@dataclass(slots=True)
class Design:
    """Reads attributes; what had to be assumed goes to `findings`."""

    ledger: Ledger
    defaults: LedgerDefaults
    findings: list[LedgerFinding] = field(default_factory=list)

    def find(self, kind: str, asset: str, attribute: str, zh: str, en: str) -> None:
        """Note a finding."""
        self.findings.append(
            LedgerFinding(kind=kind, asset=asset, attribute=attribute, zh=zh, en=en)
        )

    def number(self, asset: Asset, attribute: str, default: float, unit: str = "") -> float:
        """Return a numeric attribute above 0; else the default, which is noted."""
        value = asset.attributes.get(attribute)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0.0:
            return float(value)
        shown = f"{default:.4g} {unit}".strip()
        if value is not None:
            zh, en = f"数值不可能：{value}，按 {shown} 计", f"cannot be {value}, taken as {shown}"
            self.find("impossible", asset.code, attribute, zh, en)
        else:
            zh, en = f"缺失，按 {shown} 计", f"missing, taken as {shown}"
            self.find("default", asset.code, attribute, zh, en)
        return default

    def bore_m(self, pipe: Asset) -> float:
        """Return a pipe's inner diameter; from its nominal one if that fails."""
        nominal = float(pipe.attributes.get("dn_mm", 0.0))
        inner = pipe.attributes.get("inner_diameter_mm")
        usual = _steel(bore_m, nominal)
        if inner is None:
            return usual
        # Nominal diameters are near the inner ones; far off, one of the two is a mistake.
        if nominal and not 0.6 * nominal <= float(inner) <= 1.4 * nominal:
            zh = f"内径 {inner} mm 与公称直径 {nominal:g} mm 不符，按公称直径计"
            en = f"{inner} mm does not fit DN {nominal:g}; the nominal diameter is used"
            self.find("impossible", pipe.code, "inner_diameter_mm", zh, en)
            return usual
        return float(inner) / 1000.0

    def insulation(self, pipe: Asset) -> tuple[float, float]:
        """Return heat loss, W/(m K), and heat capacity of the wall, kJ/(m K)."""
        nominal = float(pipe.attributes.get("dn_mm", 0.0))
        thick = float(pipe.attributes.get("insulation_mm", math.nan) or math.nan)
        buried = pipe.attributes.get("laying", "buried") in ("buried", "channel")
        loss = _steel(lambda size: loss_w_mk(size, thick, buried), nominal)
        return loss, _steel(lambda size: wall_kj_mk(size, thick), nominal)

    def load_kw(self, unit: Asset) -> float:
        """Return a unit's design load: declared, or its area times a heat index."""
        usual = area_m2(unit) * self.defaults.heat_index_w_m2 / 1000.0
        return self.number(unit, "design_load_kw", max(usual, 1.0), "kW")

    def secondary_c(self, unit: Asset) -> tuple[float, float]:
        """Return a unit's secondary design supply and return temperature."""
        defaults = self.defaults
        usual = (defaults.radiator_supply_c, defaults.radiator_return_c)
        if unit.attributes.get("emitter") == "floor":
            usual = (defaults.floor_supply_c, defaults.floor_return_c)
        supply = self.number(unit, "design_supply_c", usual[0], "degC")
        back = self.number(unit, "design_return_c", min(usual[1], supply - 5.0), "degC")
        if back >= supply - 1.0:
            zh, en = (
                "设计供回水温差不足 1 K，按 10 K 计",
                "less than 1 K below supply: taken as 10 K",
            )
            self.find("impossible", unit.code, "design_return_c", zh, en)
            back = supply - 10.0
        return supply, back

    def flow_kgs(self, load_kw: float, supply_c: float, return_c: float) -> float:
        """Return the flow that carries a load."""
        return load_kw / (CP_KJ_KGK * max(supply_c - return_c, 5.0))

    def elevations(self, codes: list[str]) -> Mapping[str, float]:
        """Return the ground level of each asset; the mean of the known ones where it has none."""
        known = {
            code: float(value)
            for code in codes
            if isinstance(
                value := self.ledger.asset(code).attributes.get("elevation_m"), int | float
            )
        }
        mean = sum(known.values()) / len(known) if known else 0.0
        if known:
            for code in codes:
                if code not in known:
                    zh, en = f"缺失，按 {mean:.1f} m 计", f"missing, taken as {mean:.1f} m"
                    self.find("default", code, "elevation_m", zh, en)
        return {code: known.get(code, mean) for code in codes}


def _steel(property_of: Callable[[float], float], nominal_mm: float) -> float:
    """Return a property of the nearest steel pipe there is."""
    try:
        return property_of(nominal_mm)
    except InputError:
        return property_of(min(max(nominal_mm, 15.0), 1600.0))
