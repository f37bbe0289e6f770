"""Putting a live city through fault scenes and keeping what was seen."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from heatloop.demo.scenes import KINDS, Scene, Values
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import HeatloopError

_LOOK_EVERY_S = 0.05
_LONGEST_MACHINE_S = 300.0
_HELD_S = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenAlarm:
    """An alarm as the platform lists it."""

    id: str
    """Id."""
    subject: str
    """Asset or point it is about."""
    rule: str
    """Rule."""
    onset_s: float
    """Plant time it began."""
    cleared: bool
    """Whether its condition is gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenPoint:
    """A point's latest value as the platform gives it."""

    value: float | None
    """Latest value."""
    quality: str | None
    """Its quality."""
    at_s: float | None
    """Plant time of it."""


class LiveCity(Protocol):
    """What scenes need of a running platform with a demo city."""

    async def now_s(self) -> float:
        """Return plant time."""

    async def switch(self, fault: str, active: bool) -> None:
        """Switch a fault on or off."""

    async def alarms(self, asset: str) -> list[SeenAlarm]:
        """Return the alarms of an asset and its points, newest first."""

    async def latest(self, points: Sequence[str]) -> dict[str, SeenPoint]:
        """Return the latest values of points."""


@dataclass(kw_only=True, slots=True)
class SceneResult:
    """What was seen of one scene."""

    device_type: str
    """Device profile."""
    device: str
    """Device code."""
    scene: str
    """Kind of scene."""
    zh: str
    """Its Chinese name."""
    en: str
    """Its English name."""
    fault: str
    """Fault that was switched on."""
    alarm_id: str = ""
    """Alarm that told; empty where bad quality told."""
    told: str = ""
    """Rule of the alarm, or `quality bad` and the point."""
    protection: str = ""
    """What the plant did; `-` where nothing was to be done."""
    switched_on: str = ""
    """Plant time."""
    switched_off: str = ""
    """Plant time."""
    told_after_s: float | None = None
    """Plant time from switching on to the alarm's onset."""
    protected_after_s: float | None = None
    """Plant time from switching on until the protection was seen."""
    recovered_after_s: float | None = None
    """Plant time from switching off until all was well."""
    passed: bool = False
    """Whether all of it was seen in time."""
    why: str = ""
    """What was missing."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values."""
        return asdict(self)


async def run_scenes(
    city: LiveCity,
    scenes: Sequence[Scene],
    told: Callable[[SceneResult], None] = lambda _: None,
    *,
    apart_after_s: float = 0.0,
) -> list[SceneResult]:
    """Run scenes one after the other, those that touch nothing else beside them.

    Args:
        city: The running city.
        scenes: What to make fail.
        told: Called with each result.
        apart_after_s: Machine time after which those beside the others begin; a platform that has
            just started does not yet watch for silence.

    Returns:
        One result a scene, in the order given.
    """
    results: dict[int, SceneResult] = {}

    async def lane(chosen: list[int], after_s: float = 0.0) -> None:
        await asyncio.sleep(after_s)
        for number in chosen:
            results[number] = await run_scene(city, scenes[number])
            told(results[number])

    numbers = range(len(scenes))
    apart = [n for n in numbers if scenes[n].apart]
    await asyncio.gather(
        lane([n for n in numbers if not scenes[n].apart]), lane(apart, apart_after_s)
    )
    return [results[n] for n in numbers]


async def run_scene(city: LiveCity, scene: Scene) -> SceneResult:
    """Switch a fault on, wait for alarm and protection, switch it off, wait for recovery."""
    zh, en = KINDS[scene.kind]
    result = SceneResult(
        device_type=scene.device_type,
        device=scene.device,
        scene=scene.kind,
        zh=zh,
        en=en,
        fault=scene.fault,
    )
    try:
        await _Run(city, scene, result).play()
    except HeatloopError as error:
        result.why = result.why or str(error)
    result.passed = not result.why
    return result


class _Run:
    """One scene at work on a city."""

    def __init__(self, city: LiveCity, scene: Scene, result: SceneResult) -> None:
        self._city, self._scene, self._result = city, scene, result
        self._before: Values = {}
        self._told_at: Values = {}
        self._on_s = self._off_s = self._onset_s = self._told_s = 0.0

    async def play(self) -> None:
        """Go through the scene into the result."""
        city, scene, result = self._city, self._scene, self._result
        await self._until(self._quiet, scene.back_within_s, "city not at rest before")
        self._on_s = await city.now_s()
        result.switched_on = utc(self._on_s).isoformat()
        await city.switch(scene.fault, True)
        try:
            await self._until(self._told, scene.within_s, "no alarm or no protection")
        finally:
            self._off_s = await city.now_s()
            result.switched_off = utc(self._off_s).isoformat()
            await city.switch(scene.fault, False)
        await self._until(self._well, scene.back_within_s, "not well again")

    async def _values(self) -> dict[str, SeenPoint]:
        points = self._scene.points
        return await self._city.latest(points) if points else {}

    async def _alarms(self) -> list[SeenAlarm]:
        subject, rules = self._scene.subject, dict(self._scene.rules)
        if not rules:
            return []
        found = await self._city.alarms(subject.split(".")[0])
        return [alarm for alarm in found if alarm.subject == subject and alarm.rule in rules]

    async def _quiet(self, _: float) -> bool:
        """Return whether nothing of a former scene is left; remember what the points show."""
        seen = await self._values()
        self._before = _plain(seen)
        if any(p.value is None or p.quality not in ("good", "uncertain") for p in seen.values()):
            return False
        rest = self._scene.recovered(self._before, self._before)
        return rest and all(alarm.cleared for alarm in await self._alarms())

    async def _told(self, now_s: float) -> bool:
        """Return whether alarm (or bad quality) and protection have been seen."""
        result, scene = self._result, self._scene
        seen = await self._values()
        if result.told_after_s is None:
            await self._look_for_alarm(seen, now_s)
        if result.told_after_s is None:
            return False
        checks, values = scene.checks(result.told), _plain(seen)
        # The sample that raised the alarm cannot show yet what was done about it.
        shown_s = min((seen[c.point].at_s or 0.0 for c in checks), default=math.inf)
        if shown_s <= self._onset_s:
            return False
        if not self._told_at:
            # What is to be held is held from here on: it may have moved since the scene began.
            self._told_at, self._told_s = {**self._before, **values}, shown_s
        held_s = _HELD_S if any(c.op == "~" and not c.of for c in checks) else 0.0
        if shown_s < self._told_s + held_s or not all(
            c.holds(self._told_at, values) for c in checks
        ):
            return False
        result.protection = "; ".join(map(str, checks)) or "-"
        result.protected_after_s = now_s - self._on_s if checks else None
        return True

    async def _look_for_alarm(self, seen: dict[str, SeenPoint], now_s: float) -> None:
        result, told_by = self._result, self._scene.told_by
        for alarm in await self._alarms():
            if not alarm.cleared or alarm.onset_s >= self._on_s:
                result.alarm_id, result.told = alarm.id, alarm.rule
                result.told_after_s = max(alarm.onset_s - self._on_s, 0.0)
                self._onset_s = alarm.onset_s
                return
        if told_by and seen[told_by].quality == "bad":
            result.told = f"quality bad: {told_by}"
            result.told_after_s = now_s - self._on_s

    async def _well(self, now_s: float) -> bool:
        """Return whether alarm and bad quality are gone and the plant is back at work."""
        seen, told_by = await self._values(), self._scene.told_by
        if (told_by and seen[told_by].quality == "bad") or not all(
            alarm.cleared for alarm in await self._alarms()
        ):
            return False
        if not self._scene.recovered(self._before, _plain(seen)):
            return False
        self._result.recovered_after_s = now_s - self._off_s
        return True

    async def _until(
        self, done: Callable[[float], Awaitable[bool]], within_s: float, otherwise: str
    ) -> None:
        """Look until something is so; note what was missing if it is not in time."""
        began_s, deadline_s = machine_s(), await self._city.now_s() + within_s
        while True:
            now_s = await self._city.now_s()
            if await done(now_s):
                return
            if now_s > deadline_s or machine_s() - began_s > _LONGEST_MACHINE_S:
                self._result.why = self._result.why or f"{otherwise} within {within_s:g} s"
                return
            await asyncio.sleep(_LOOK_EVERY_S)


def _plain(seen: Mapping[str, SeenPoint]) -> Values:
    return {code: point.value for code, point in seen.items()}


def report_of(results: Sequence[SceneResult], **about: Any) -> dict[str, Any]:
    """Return the report of a run: totals, counts by device type, and every record."""
    by_type: dict[str, dict[str, int]] = {}
    for result in results:
        counts = by_type.setdefault(result.device_type, {"scenes": 0, "passed": 0})
        counts["scenes"] += 1
        counts["passed"] += result.passed
    told = sum(result.told_after_s is not None for result in results)
    return {
        "clause": "5.3 c 4",
        **about,
        "scenes": len(results),
        "observed_pct": round(100.0 * told / max(len(results), 1), 1),
        "passed": sum(result.passed for result in results),
        "by_device_type": by_type,
        "results": [result.to_dict() for result in results],
    }
