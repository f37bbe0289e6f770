"""The model of one ledger's network inside a worker: an estimate a minute, questions in between."""

from __future__ import annotations

import math

import numpy as np

from heatloop.app.twin_ledger import pump_sides
from heatloop.app.twin_meters import MeterSheet, Moment
from heatloop.app.twin_readings import TwinPlant
from heatloop.app.twin_state import Failed, Misfit, Names, TwinRun, TwinState
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.fluid import water
from heatloop.network.model.kinds import LinkKind
from heatloop.network.twin.estimate import Estimator
from heatloop.network.twin.estimated import Estimate, Trust
from heatloop.network.twin.meters import MeterKind, Meters
from heatloop.network.twin.warmth import Warmth, WarmthEstimator

TRUST = Trust(
    # The ledger's pipes are as laid, not as they are; what drives and throttles is measured.
    law_share={
        LinkKind.PIPE: 0.25,
        LinkKind.VALVE: 3.0,
        LinkKind.CHECK_VALVE: 3.0,
        LinkKind.PUMP: 1.0,
        LinkKind.LIFT: 0.2,
        LinkKind.RESISTANCE: 1.0,
    },
    held_kpa=50.0,
    flow_share=0.4,
)
_LOSS_SHARE = 0.003
_FIRST_C = (90.0, 50.0)
_MOST_BAD = 10
_SUSPECT = 4.0
# What left a source before the model began to remember may arrive for so long.
_REMEMBERING_S = 3 * 3600.0


class TwinModel:
    """Estimates the state of one network; keeps temperatures of the past.

    Args:
        plant: The ledger's part and its readings.
        pumps: Booster stations taken to pump in the return pipe.

    Raises:
        InputError: The ledger has no network.
    """

    def __init__(self, plant: TwinPlant, pumps: frozenset[str] = frozenset()) -> None:
        self.plant = plant
        self.ledger = plant.ledger()
        self._build(pumps)

    def _build(self, pumps: frozenset[str]) -> None:
        self.pumps = pumps
        """Booster stations that pump in the return pipe."""
        self.sheet = MeterSheet(self.ledger, self.plant.readings, pumps)
        network = self.network = self.sheet.made.network
        self.names = Names(
            nodes=network.node_names,
            links=network.link_names,
            from_node=network.from_node,
            to_node=network.to_node,
            height_m=network.height_m,
        )
        self._estimator = Estimator(network, water(), trust=TRUST)
        self._warmth = WarmthEstimator(network)
        self._last_s = self._since_s = -math.inf
        supply = np.array([name.endswith(".s") for name in network.link_names])
        self._mean_c = np.where(supply, *_FIRST_C)

    def run(self, t_s: float, values: Floats) -> TwinRun | Failed:
        """Return the most likely state of the network.

        Args:
            t_s: Plant time of the readings.
            values: Readings, nan: missing, shape (n_reading,).
        """
        sides = pump_sides(self.sheet.boosters, self.sheet.number, values)
        pumps = frozenset(
            c for c, back in sides.items() if (c in self.pumps if back is None else back)
        )
        if pumps != self.pumps:
            self._build(pumps)
        found = self._estimate(t_s, values)
        untold = frozenset(code for code, back in sides.items() if back is None)
        if untold and isinstance(found, TwinRun) and found.misfits:
            # Where its pressures do not tell, a pump stands where everything fits better.
            other = TwinModel(self.plant, self.pumps ^ untold)
            tried = other._estimate(t_s, values)
            if isinstance(tried, TwinRun) and len(tried.misfits) < len(found.misfits):
                self.__dict__.update(other.__dict__)
                return tried
        return found

    def _estimate(self, t_s: float, values: Floats) -> TwinRun | Failed:
        began = machine_s()
        moment = self.sheet.read(values)
        if not (moment.count(MeterKind.FLOW) and moment.count(MeterKind.PRESSURE)):
            return Failed(code="no_data", message="no flow or no pressure is measured now")
        meters = self.sheet.meters(moment)
        first = self._last_s == -math.inf
        if t_s <= self._last_s:
            self._warmth, first = WarmthEstimator(self.network), True
        if first:
            self._since_s = t_s
        try:
            found, warmth = self._fit(t_s, moment, meters)
            if first:
                # The first flows were found with temperatures nobody had looked at.
                self._warmth = WarmthEstimator(self.network)
                found, warmth = self._fit(t_s, moment, meters)
        except (InputError, np.linalg.LinAlgError) as error:
            return Failed(code="not_settled", message=str(error))
        self._last_s = t_s
        misfits = self._misfits(moment, meters, found, warmth)
        state = TwinState.SUSPICIOUS if misfits else TwinState.OK
        if not (found.settled and np.isfinite(found.flow_kgs).all()):
            state = TwinState.FAILED
        return TwinRun(
            t_s=t_s,
            names=self.names,
            state=state,
            pressure_kpa=found.pressure_kpa,
            pressure_sigma_kpa=found.pressure_sigma_kpa,
            node_c=warmth.node_c,
            node_sigma_k=warmth.sigma_k,
            flow_kgs=found.flow_kgs,
            flow_sigma_kgs=found.flow_sigma_kgs,
            link_c=self._mean_c,
            misfits=misfits,
            metered=len({row[0] for row in moment.rows if math.isfinite(row[3])}),
            misfit_over_expected=found.chi_square / max(found.degrees, 1),
            took_s=machine_s() - began,
        )

    def _fit(self, t_s: float, moment: Moment, meters: Meters) -> tuple[Estimate, Warmth]:
        network = self.network
        sources = [self.sheet.links[code] for code in self.sheet.sources]
        size = float(np.nansum([row[3] for row in moment.rows if row[1] == MeterKind.FLOW]))
        loss = np.full(network.n_node, _LOSS_SHARE * max(size, 1.0) / network.n_node**0.5)
        found = self._estimator.estimate(
            moment.operation,
            meters,
            mean_c=self._mean_c,
            leak_sigma_kgs=loss,
            most_bad=_MOST_BAD,
        )
        operation = moment.operation
        operation.outflow_kgs[:] = found.outflow_kgs
        back_c = float(np.nanmean(self._mean_c[sources])) if sources else _FIRST_C[1]
        operation.source_c[found.outflow_kgs < 0.0] = back_c
        young = t_s - self._since_s < _REMEMBERING_S
        warmth = self._warmth.estimate(
            t_s,
            found.flow_kgs,
            operation,
            meters,
            remove_above=math.inf if young else _SUSPECT,
            most_bad=_MOST_BAD,
        )
        ends = warmth.node_c[network.from_node] + warmth.node_c[network.to_node]
        self._mean_c = np.clip(0.5 * ends, 1.0, 175.0)
        return found, warmth

    def _misfits(
        self, moment: Moment, meters: Meters, found: Estimate, warmth: Warmth
    ) -> tuple[Misfit, ...]:
        """Return the readings that were left out, with what the others say."""
        known = {
            MeterKind.FLOW: (found.flow_kgs, found.flow_sigma_kgs),
            MeterKind.PRESSURE: (found.pressure_kpa, found.pressure_sigma_kpa),
            MeterKind.TEMPERATURE: (warmth.node_c, warmth.sigma_k),
        }
        left_out: list[Misfit] = []
        numbers = [int(name) for name in meters.name]
        for at in dict.fromkeys(numbers[bad] for bad in (*found.bad, *warmth.bad)):
            n = numbers.index(at)
            state, sigma = known[MeterKind(int(meters.kind[n]))]
            place = int(meters.place[n])
            value, expected = float(meters.value[n]), float(state[place])
            variance = float(sigma[place]) ** 2 + float(meters.sigma[n]) ** 2
            unit = moment.per_unit.get(at, 1.0)
            left_out.append(
                Misfit(
                    reading=at,
                    value=value * unit,
                    expected=expected * unit,
                    score=abs(value - expected) / math.sqrt(variance),
                )
            )
        return tuple(left_out)
