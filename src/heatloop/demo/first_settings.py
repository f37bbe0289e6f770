"""What the city's controllers were delivered and set to."""

from __future__ import annotations

from heatloop.demo.plans import DESIGN_OUTDOOR_C, DESIGN_ROOM_C, Streets
from heatloop.demo.plant_registers import settings_of
from heatloop.demo.readings import rated_current_a
from heatloop.demo.truth import DUTY_HZ
from heatloop.demo.works import Works
from heatloop.station.curve import CurveDesign, supply_c, table_of
from heatloop.station.modes import StationMode


def curve_designs(streets: Streets) -> list[CurveDesign]:
    """Return the heating curve each unit's controller was delivered with."""
    return [
        CurveDesign(
            supply_c=unit.supply_c,
            return_c=unit.return_c,
            room_c=DESIGN_ROOM_C,
            outdoor_c=DESIGN_OUTDOOR_C,
            exponent_b=unit.exponent_b,
        )
        for unit in streets.units
    ]


def first_settings(streets: Streets, works: Works, outdoor_c: float) -> dict[str, float]:
    """Return what the writable registers hold when the city starts, by point code."""
    settings = settings_of(works.orders)
    top_kpa = works.truth.pump.shutoff_kpa
    rated, design_m3h = rated_current_a(works), 3.6 * works.truth.secondary_design_kgs
    for index, design in enumerate(curve_designs(streets)):
        hold = float(works.truth.hold_kpa[index])
        own = {
            "station_mode": float(StationMode.AUTOMATIC),
            "secondary_supply_temperature_setpoint": supply_c(design, outdoor_c),
            "valve_opening_setpoint": float(works.valve_pct[index]),
            "circulation_pump_frequency_setpoint": DUTY_HZ,
            "secondary_return_pressure_setpoint": hold,
            "makeup_pump_command": 0.0,
            "limit_supply_temperature_high": design.supply_c + 15.0,
            # The pump's full head over the held pressure, and a tenth as a relief valve has it.
            "limit_supply_pressure_high": 1.1 * (hold + float(top_kpa[index])),
            "limit_return_pressure_low": max(hold - 100.0, 50.0),
            "limit_return_pressure_high": hold + 150.0,
            "secondary_flow_setpoint": 0.0,
            "protection_reset": 0.0,
            "circulation_pump_selected": 1.0,
            "limit_circulation_pump_current": float(rated[index]),
            "limit_circulation_flow_low": 0.05 * float(design_m3h[index]),
        }
        for number, (outdoor, supply) in enumerate(table_of(design).points, 1):
            own[f"heating_curve_outdoor.{number}"] = outdoor
            own[f"heating_curve_supply.{number}"] = supply
        settings |= {f"UN{index + 1:04d}.{kind}": value for kind, value in own.items()}
    return settings
