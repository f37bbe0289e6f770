"""Faults that can be switched on, each named `<kind>@<subject>`."""

from __future__ import annotations

from collections.abc import Mapping

from heatloop.demo.faults_collectors import CollectorFaults
from heatloop.demo.faults_kinds import DEVICE, POINT, Fault, parse_fault
from heatloop.demo.faults_offered import offered_faults
from heatloop.demo.faults_sensors import SENSOR_KINDS, SpoiledSensor, injected
from heatloop.demo.faults_wear import EFFECTS, WearFaults, lengthen, place_of
from heatloop.demo.orders import Wear
from heatloop.demo.works import Works
from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.plant.ledger import Ledger

__all__ = ["Fault", "Faults", "offered_faults", "parse_fault"]


class Faults:
    """Which faults are on, and what they do to works, sensors, devices and collectors.

    Args:
        works: The works they wear.
        measured: Number of each measured point, by point code.
        devices: Number of each Modbus device, by code.
        ledger: The city's ledger: which devices a substation's power feeds, and what pipe nodes,
            collectors and writable points there are. Without it only the works are worn.
    """

    def __init__(
        self,
        works: Works,
        measured: Mapping[str, int],
        devices: Mapping[str, int],
        ledger: Ledger | None = None,
    ) -> None:
        self._measured, self._devices, self._ledger = measured, devices, ledger
        self.active: dict[str, float] = {}
        """Plant time since which each fault is on, by id."""
        self.silent: set[int] = set()
        """Numbers of devices that do not answer."""
        self.meddled: tuple[str, ...] = ()
        """Writable points somebody else writes to, see `foreign.Intruder`."""
        self.collectors = CollectorFaults(len(_codes(ledger, "room_collector")))
        """What the collectors suffer."""
        self._nodes = frozenset(_codes(ledger, "pipe_node"))
        self._spoiled: dict[str, SpoiledSensor] = {}
        lengthen(works.wear, _no_wear(works, ledger))
        self._wear = WearFaults(works)

    def switch(self, fault_id: str, active: bool, now_s: float, shown: Floats) -> None:
        """Switch a fault on or off.

        Args:
            fault_id: `<kind>@<subject>`.
            active: On or off.
            now_s: Plant time.
            shown: What all sensors show now, shape (n_measured,).

        Raises:
            InputError: There is no such fault or thing.
        """
        fault = parse_fault(fault_id)
        self._check(fault)
        self._spoiled.pop(fault_id, None)
        if not active:
            self.active.pop(fault_id, None)
        else:
            if fault.kind in SENSOR_KINDS:
                number = self._measured[fault.subject]
                self._spoiled[fault_id] = SpoiledSensor(
                    fault=fault, number=number, since_s=now_s, held=float(shown[number])
                )
            self.active.setdefault(fault_id, now_s)
        on = [parse_fault(i) for i in self.active]
        self.silent.clear()
        self.silent.update(number for each in on for number in self._silenced(each))
        self.meddled = tuple(each.subject for each in on if each.kind == "foreign_write")
        self.collectors.apply(each for each in on if each.at == "RC")
        self.advance(now_s)

    def advance(self, now_s: float) -> None:
        """Let the faults of the works that grow be as far as they are at this plant time."""
        worn = [(parse_fault(i), since_s) for i, since_s in self.active.items()]
        self._wear.apply(
            (fault, now_s - since_s) for fault, since_s in worn if (fault.kind, fault.at) in EFFECTS
        )

    def spoil(self, shown: Floats, now_s: float) -> None:
        """Change what the faulty sensors show, in place, and let faults grow.

        Args:
            shown: What all sensors would show, shape (n_measured,).
            now_s: Plant time.
        """
        # Every step of the city passes here, before anybody acts on what is shown.
        if self.active:
            self.advance(now_s)
        for spoiled in self._spoiled.values():
            shown[spoiled.number] = spoiled.shown(float(shown[spoiled.number]), now_s)

    def _check(self, fault: Fault) -> None:
        """Return if the city has what the fault is to befall."""
        if fault.kind in SENSOR_KINDS:
            known = fault.subject in self._measured
            if known and fault.kind in ("sensor_high", "sensor_low"):
                injected(fault)
        elif fault.at == POINT:
            known = self._ledger is None or self._writable(fault.subject)
        elif fault.at == DEVICE:
            known = fault.subject in self._devices
        elif fault.at == "RC":
            known = self.collectors.knows(fault.index)
        elif fault.at == "PN":
            known = self._ledger is None or fault.subject in self._nodes
        else:
            known = self._wear.knows(place_of(fault))
        if not known:
            raise InputError("no such thing in the city", thing=fault.subject, fix="check the code")

    def _writable(self, point: str) -> bool:
        assert self._ledger is not None
        try:
            return self._ledger.binding_of(point).access == "rw"
        except InputError:
            return False

    def _silenced(self, fault: Fault) -> list[int]:
        """Return the numbers of the devices a fault silences."""
        if fault.kind == "device_silent":
            return [self._devices[fault.subject]]
        if fault.kind != "power_loss" or self._ledger is None:
            return []
        own = self._ledger.devices_of(fault.subject)
        return [self._devices[d.code] for d in own if d.code in self._devices]


def _codes(ledger: Ledger | None, kind: str) -> list[str]:
    return [] if ledger is None else [asset.code for asset in ledger.of_kind(kind)]


def _no_wear(works: Works, ledger: Ledger | None) -> Wear:
    return Wear.none(
        n_unit=works.n_unit,
        n_station=works.n_station,
        n_building=len(works.truth.secondary.unit),
        n_source=max(len(_codes(ledger, "heat_source")), 1),
        n_booster=len(_codes(ledger, "booster_station")),
    )
