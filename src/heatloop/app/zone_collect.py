"""What of the present crosses to the customer zone: a closed choice, as records of the feed.

No contract, person, account, device, address of a device or set-point is among it; the kinds of
points are the rows of `zone_kinds.csv`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from heatloop.alarms.texts import alarm_texts
from heatloop.app.alarm_views import subject_asset
from heatloop.app.leak_watch import LeakWatch
from heatloop.app.queries.overview import outdoor_c
from heatloop.app.world import World
from heatloop.app.zone_answers import building_answers, troubled_assets
from heatloop.app.zone_sections import shared_kinds
from heatloop.bridge.feed_schema import FEED_SCHEMAS, GONE
from heatloop.kernel.messages import Alarm
from heatloop.kernel.series import Columns
from heatloop.plant.kinds import point_kinds
from heatloop.plant.ledger import Ledger
from heatloop.store.records.weather import WeatherRow

_ASSETS: Mapping[str, tuple[str, ...]] = {
    "company": (),
    "branch": (),
    "team": (),
    "heat_source": ("lat", "lon"),
    "isolation_station": ("lat", "lon"),
    "booster_station": ("lat", "lon"),
    "pipe_node": (),
    "substation": ("heated_area_m2", "lat", "lon"),
    "unit": ("heated_area_m2", "zone", "emitter"),
    "riser": (),
    "community": ("lat", "lon"),
    "building": ("area_m2", "use", "year", "floors", "envelope", "community", "lat", "lon"),
    "weather_station": ("lat", "lon"),
}
"""Asset kinds that cross, and which of their attributes."""
_LEAK_WORDS = {
    "learning": ("泄漏监测学习中", "leak watch is learning"),
    "quiet": ("未见泄漏", "no leak is seen"),
    "suspect": ("疑似泄漏，正在核实", "a leak is suspected and looked into"),
    "leaking": ("存在泄漏，正在查找", "there is a leak; it is being searched for"),
}
_NOTABLE_PRIORITY = 2
_FORECAST_HOURS = 72


def directory(ledger: Ledger) -> list[dict[str, Any]]:
    """Return the things and points the customer zone knows of; flats as columns a building."""
    kinds = shared_kinds()
    points = [point for point in ledger.points.values() if point.kind in kinds]
    # A flat or collector crosses as a thing of its own only where something of it is measured.
    measured: set[str] = set()
    for point in points:
        code = point.asset
        while code and code not in measured:
            measured.add(code)
            code = ledger.assets[code].parent
    records: list[dict[str, Any]] = []
    for asset in ledger.assets.values():
        named = _ASSETS.get(asset.kind)
        if named is None and asset.code not in measured:
            continue
        held = {name: asset.attributes[name] for name in named or () if name in asset.attributes}
        records.append(
            {
                "kind": "asset",
                "code": asset.code,
                "sort": asset.kind,
                "zh": asset.zh[:200],
                "en": asset.en[:200],
                "parent": asset.parent,
                "organisation": asset.organisation,
                "attributes": held,
            }
        )
    present = {record["code"] for record in records}
    records += [
        {
            "kind": "point",
            "code": point.code,
            "key": point.key,
            "asset": point.asset,
            "sort": point.kind,
            "n": point.n,
        }
        for point in points
        if point.asset in present
    ]
    records += _flats(ledger)
    return records


def _flats(ledger: Ledger) -> Iterable[dict[str, Any]]:
    found: dict[str, list[Any]] = {}
    for flat in ledger.of_kind("flat"):
        for code in reversed(ledger.heat_path(flat.code).split("/")):
            if code and ledger.assets[code].kind == "building":
                found.setdefault(code, []).append(flat)
                break
    for building, flats in found.items():
        yield {
            "kind": "flats",
            "building": building,
            "codes": [flat.code for flat in flats],
            "rooms": [_room(flat.zh, flat.attributes.get("room_no")) for flat in flats],
            "floors": [int(flat.attributes.get("floor") or 0) for flat in flats],
            "positions": [str(flat.attributes.get("position") or "")[:20] for flat in flats],
        }


def _room(name: str, room_no: object) -> str:
    """Return the door number: its own attribute, or the figures a name ends in."""
    if room_no:
        return str(room_no)[:40]
    digits = "".join(letter if letter.isdigit() else " " for letter in name).split()
    return digits[-1][:40] if digits else ""


def alarm_records(ledger: Ledger, alarms: Iterable[Alarm]) -> list[dict[str, Any]]:
    """Return open alarms in plain words; those of gateways and devices stay inside."""
    found = []
    for alarm in alarms:
        code = subject_asset(ledger, alarm.subject)
        asset = ledger.assets.get(code)
        if asset is None or (asset.kind not in _ASSETS and asset.kind != "flat"):
            continue
        point = ledger.points.get(alarm.subject)
        kind = point_kinds()[point.kind] if point is not None else None
        zh, en = alarm_texts(alarm, asset.zh, asset.en, kind)
        found.append(
            {
                "kind": "alarm",
                "id": alarm.id,
                "place": code,
                "rule": alarm.rule[:80],
                "priority": alarm.priority,
                "zh": zh[:400],
                "en": en[:400],
                "onset_s": alarm.onset,
                "state": str(alarm.state),
            }
        )
    return found


def incident_records(ledger: Ledger, alarms: Iterable[Alarm]) -> list[dict[str, Any]]:
    """Return alarms of high priority on sources, stations and units with whom they concern."""
    found = []
    for alarm in alarms:
        asset = ledger.assets.get(subject_asset(ledger, alarm.subject))
        if alarm.priority > _NOTABLE_PRIORITY or asset is None or alarm.state == "returned":
            continue
        if asset.kind not in ("heat_source", "isolation_station", "substation", "unit"):
            continue
        below = list(ledger.below(asset.code))
        buildings = [each.code for each in below if each.kind == "building"]
        area = sum(
            float(each.attributes.get("area_m2") or 0.0)
            for each in below
            if each.kind == "building"
        )
        found.append(
            {
                "kind": "incident",
                "id": alarm.id,
                "place": asset.code,
                "cause": _cause(asset.kind, alarm.rule),
                "since_s": alarm.onset,
                "buildings": buildings[:20_000],
                "flats": sum(each.kind == "flat" for each in below),
                "area_m2": round(area, 1),
            }
        )
    return found


def _cause(kind: str, rule: str) -> str:
    if kind in ("heat_source", "isolation_station"):
        return "source_incident"
    return "unit_stopped" if rule.startswith(("pump_fault", "interlock")) else "unknown"


def finding_records(world: World, leaks: LeakWatch) -> list[dict[str, Any]]:
    """Return what the leak balances say of each water zone."""
    found = []
    for code, verdict in leaks.verdicts.items():
        state = str(verdict.state.value)
        if code not in world.ledger.assets or state not in _LEAK_WORDS:
            continue
        zh, en = _LEAK_WORDS[state]
        since = float(verdict.since_s) if np.isfinite(verdict.since_s) else None
        found.append(
            {
                "kind": "finding",
                "place": code,
                "sort": "leak",
                "state": state,
                "since_s": None if since is None or since < 0 else since,
                "value": round(float(verdict.excess_kgs) * 3.6, 2)
                if np.isfinite(verdict.excess_kgs)
                else None,
                "zh": zh,
                "en": en,
            }
        )
    return found


def answer_records(world: World, alarms: Iterable[Alarm]) -> list[dict[str, Any]]:
    """Return the answers of all buildings."""
    ledger = world.ledger
    named = [(subject_asset(ledger, each.subject), each.priority, each.rule) for each in alarms]
    wide = ("heat_source", "isolation_station", "booster_station", "pipe_segment", "pipe_node")
    troubled = frozenset(
        code
        for code in troubled_assets(named)
        if code in ledger.assets and ledger.assets[code].kind in wide
    )
    return building_answers(world, troubled)


def weather_records(rows: Iterable[WeatherRow], known_at: float) -> list[dict[str, Any]]:
    """Return the forecast in force, hour by hour."""
    names = [name for name in FEED_SCHEMAS["weather"].fields if name not in ("at_s", "known_at_s")]
    return [
        {
            "kind": "weather",
            "at_s": row.at_s,
            "known_at_s": known_at,
            **{name: row.values.get(name) for name in names},
        }
        for row in list(rows)[:_FORECAST_HOURS]
    ]


def present_record(world: World, directory_digest: str) -> dict[str, Any]:
    """Return the record everything can be compared with."""
    outdoor = outdoor_c(world)
    return {
        "kind": "present",
        "outdoor_c": None if outdoor is None else round(outdoor, 1),
        "directory": directory_digest,
    }


class Told:
    """Remembers what was told, so that only what changed is told again."""

    def __init__(self) -> None:
        self._told: dict[str, dict[str, dict[str, Any]]] = {}

    def changes(self, kind: str, records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return records that are new or changed, and `gone` for those that are no more."""
        schema, before = FEED_SCHEMAS[kind], self._told.get(kind, {})
        now = {schema.key_of(record): record for record in records}
        self._told[kind] = now
        changed = [record for key, record in now.items() if _differs(before.get(key), record)]
        gone = [{"kind": GONE, "of": kind, "key": key} for key in before if key not in now]
        return changed + gone

    def all(self) -> list[dict[str, Any]]:
        """Return everything that holds now."""
        return [record for held in self._told.values() for record in held.values()]


def _differs(before: dict[str, Any] | None, now: dict[str, Any]) -> bool:
    """Return whether a record says something new; the time it was made says nothing."""
    if before is None:
        return True
    return any(before[name] != value for name, value in now.items() if name != "at_s")


def point_columns(world: World, keys: np.ndarray[Any, Any], since_update: int) -> Columns:
    """Return the newest values of these keys that changed after an update."""
    latest = world.latest
    at = latest.index.find(keys)
    at = at[at >= 0]
    at = at[(latest.slots[at] > 0) & (latest.changed[at] > since_update)]
    return Columns(
        latest.index.keys[at].astype("u4"),
        latest.slots[at].copy(),
        latest.values[at].copy(),
        latest.quality[at].copy(),
    )
