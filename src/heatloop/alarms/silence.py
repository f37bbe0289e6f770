"""Watches for silence: a whole device gone is one alarm, not one per point."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray

from heatloop.alarms.lifecycle import AlarmChange, Change, is_active, raise_
from heatloop.kernel.messages import Alarm
from heatloop.plant.ledger import Ledger

_PRIORITY = {"room_collector": 4}


class SilenceMonitor:
    """Turns the list of stale points into alarms.

    A device of which every point is silent raises `link.<device>` on its asset; a single silent
    point of a device that still answers raises `stale` on the point. Devices behind a gateway
    known to be away raise nothing: that gateway's own alarm says it.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._devices = tuple(ledger.devices.values())
        number = {device.code: i for i, device in enumerate(self._devices)}
        newest = {b.key: number[b.device] for b in ledger.bindings if b.device in number}
        self._device_of = newest
        self._size = np.bincount(list(newest.values()), minlength=len(number))
        self._code = {key: point.code for key, point in ledger.by_key.items()}
        self._open: dict[tuple[str, str], Alarm] = {}

    def restore(self, open_alarms: Iterable[Alarm]) -> None:
        """Take up alarms that were active before a restart."""
        for alarm in open_alarms:
            if is_active(alarm) and (alarm.rule == "stale" or alarm.rule.startswith("link.")):
                self._open[alarm.subject, alarm.rule] = alarm

    def check(
        self, stale_keys: NDArray[np.uint32], now_s: float, away: Collection[str] = ()
    ) -> list[AlarmChange]:
        """Return which silences began and which ended.

        Args:
            stale_keys: All points silent for three periods now.
            now_s: Plant time.
            away: Codes of gateways known to be disconnected; what is open behind them stays.
        """
        silent: dict[int, list[int]] = {}
        for key in stale_keys.tolist():
            if key in self._device_of:
                silent.setdefault(self._device_of[key], []).append(key)
        found: dict[tuple[str, str], int] = {}
        for number, keys in silent.items():
            device = self._devices[number]
            if len(keys) == self._size[number]:
                rule = f"link.{device.code}"
                found[device.asset, rule] = _PRIORITY.get(device.profile, 2)
            else:
                found.update({(self._code[key], "stale"): 3 for key in keys})
        hidden = self._behind(away)
        return self._compare(found, hidden, now_s)

    def _behind(self, away: Collection[str]) -> set[str]:
        """Return device codes and point codes behind gateways that are away."""
        if not away:
            return set()
        gone = {i for i, device in enumerate(self._devices) if device.gateway in away}
        names = {f"link.{self._devices[i].code}" for i in gone}
        return names | {self._code[k] for k, number in self._device_of.items() if number in gone}

    def _compare(
        self, found: dict[tuple[str, str], int], hidden: set[str], now_s: float
    ) -> list[AlarmChange]:
        changes: list[AlarmChange] = []
        for key in [key for key in self._open if key not in found]:
            if key[0] in hidden or key[1] in hidden:
                continue
            alarm = self._open.pop(key)
            changes.append(AlarmChange(change=Change.CLEAR, alarm=alarm, at=now_s))
        for (subject, rule), priority in found.items():
            if (subject, rule) in self._open or subject in hidden or rule in hidden:
                continue
            alarm = raise_(subject, rule, float(int(now_s)), priority=priority)
            self._open[subject, rule] = alarm
            changes.append(AlarmChange(change=Change.RAISE, alarm=alarm, at=now_s))
        return changes
