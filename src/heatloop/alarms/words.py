"""Watches bit words (interlocks, pump faults): every bit is an alarm of its own, with a name."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from heatloop.alarms.lifecycle import AlarmChange, Change, is_active, raise_
from heatloop.alarms.limits import WORD_KINDS
from heatloop.ingest.rounds import rounds
from heatloop.ingest.rules import KeyIndex
from heatloop.kernel.messages import Alarm
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.plant.model import Point
from heatloop.station.interlocks import WATCHED, Interlock, interlock_texts
from heatloop.station.pumps import fault_texts

_FAMILY = {"interlock_word": "interlock", "circulation_pump_fault": "pump_fault"}


def bit_rules(kind: str, word: int) -> dict[str, int]:
    """Return rule -> priority of the bits set in a word of this point kind."""
    if kind == "interlock_word":
        return {
            f"interlock.{name}": 2 if WATCHED & Interlock[name.upper()] else 1
            for name, _, _ in interlock_texts(word)
        }
    return {f"pump_fault.{text.name}": 2 for text in fault_texts(word)}


class WordMonitor:
    """Finds bits that come and go in the word points of a ledger.

    The subject of a bit's alarm is the asset, as it is when a gateway raises the same interlock:
    whoever keeps alarms takes an active one of the same subject and rule for the same alarm.
    """

    def __init__(self, points: Iterable[Point]) -> None:
        words = sorted((p for p in points if p.kind in WORD_KINDS), key=lambda p: p.key)
        self._points = words
        self._index = KeyIndex(np.array([p.key for p in words], "u4"))
        self._slot = np.zeros(len(words), "i8")
        self._word = np.zeros(len(words), "i8")
        self._open: dict[tuple[str, str], Alarm] = {}

    def restore(self, open_alarms: Iterable[Alarm]) -> None:
        """Take up alarms that were active before a restart."""
        mine = {(p.asset, _FAMILY[p.kind]): at for at, p in enumerate(self._points)}
        for alarm in open_alarms:
            at = mine.get((alarm.subject, alarm.rule.partition(".")[0]))
            if at is not None and is_active(alarm):
                self._open[alarm.subject, alarm.rule] = alarm
                # Unlike any real word, so the next sample is compared bit by bit.
                self._word[at] = -1

    def check(self, columns: Columns) -> list[AlarmChange]:
        """Return which bits came and went with these samples."""
        at = self._index.find(columns.keys)
        usable = (at >= 0) & (columns.quality <= Quality.UNCERTAIN)
        at, slots = at[usable], columns.slots[usable].astype("i8")
        words = columns.values[usable].astype("i8")
        changes: list[AlarmChange] = []
        for chosen in rounds(at, slots):
            points, slot, word = at[chosen], slots[chosen], words[chosen]
            newer = slot > self._slot[points]
            self._slot[points[newer]] = slot[newer]
            moved = newer & (word != self._word[points])
            for row in np.flatnonzero(moved).tolist():
                self._word[points[row]] = word[row]
                self._compare(self._points[points[row]], int(word[row]), int(slot[row]), changes)
        return changes

    def _compare(self, point: Point, word: int, slot: int, changes: list[AlarmChange]) -> None:
        rules = bit_rules(point.kind, word)
        family = f"{_FAMILY[point.kind]}."
        gone = [
            (subject, rule)
            for subject, rule in self._open
            if subject == point.asset and rule.startswith(family) and rule not in rules
        ]
        for key in gone:
            alarm = self._open.pop(key)
            changes.append(AlarmChange(change=Change.CLEAR, alarm=alarm, at=float(slot)))
        for rule, priority in rules.items():
            if (point.asset, rule) in self._open:
                continue
            alarm = raise_(point.asset, rule, float(slot), priority=priority, value=float(word))
            self._open[point.asset, rule] = alarm
            changes.append(
                AlarmChange(change=Change.RAISE, alarm=alarm, at=float(slot), value=float(word))
            )
