"""What the customer zone answers: places, their answers, alarms in plain words, weather, values.

Every answer is limited to the reader's scope and says how old it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.views.zones import (
    CauseView,
    FindingView,
    IncidentView,
    PlaceAnswer,
    PlacePage,
    PlaceView,
    PlainAlarm,
    PlainAlarmPage,
    WeatherHourView,
    ZoneHour,
    ZoneHours,
    ZonePoint,
    ZonePointPage,
    ZoneWeather,
)
from heatloop.app.zone_customer import CustomerZone
from heatloop.app.zone_flats import causes, flat_state
from heatloop.app.zone_model import SHARD, hour_value
from heatloop.kernel.clock import utc
from heatloop.kernel.quality import Quality
from heatloop.kernel.scope import Scope
from heatloop.plant.kinds import point_kinds
from heatloop.store.records import Records

_PLACES = ("community", "building")
_FRESH_ROOM_S = 3 * 1800.0
_MOST_FOUND = 2000


def _cause(code: str) -> CauseView:
    row = causes().get(code) or causes()["unknown"]
    return CauseView(
        code=row.code,
        zh=row.zh,
        en=row.en,
        advice_zh=row.advice_zh,
        advice_en=row.advice_en,
    )


class ZoneRead:
    """Answers out of the feed.

    Args:
        zone: What is known.
        records: Hourly values.
    """

    def __init__(self, zone: CustomerZone, records: Records) -> None:
        self._zone, self._model, self._records = zone, zone.model, records

    def places(self, scope: Scope, words: str, page: int, size: int) -> PlacePage:
        """Return places whose code, name or door number holds all the words."""
        world, model = self._model.world, self._model
        wanted = words.lower().split()
        found: list[PlaceView] = []
        for kind in _PLACES:
            for asset in world.ledger.of_kind(kind):
                if not world.sees(scope, asset.code):
                    continue
                text = f"{asset.code} {asset.zh} {asset.en}".lower()
                rest = [word for word in wanted if word not in text]
                if not rest:
                    found.append(PlaceView(code=asset.code, kind=kind, zh=asset.zh, en=asset.en))
                elif kind == "building" and len(rest) == 1:
                    found += self._doors(asset.code, rest[0])
                if len(found) >= _MOST_FOUND:
                    break
        flat = model.flat(words.strip()) if not found else None
        if flat is not None and world.sees(scope, flat[0]):
            found.append(self._flat_view(words.strip(), flat[0], flat[1]))
        start = (page - 1) * size
        return PlacePage(total=len(found), items=found[start : start + size])

    def _doors(self, building: str, room: str) -> list[PlaceView]:
        record = self._model.held["flats"].get(building)
        if record is None:
            return []
        return [
            self._flat_view(code, building, door)
            for code, door in zip(record["codes"], record["rooms"], strict=True)
            if door.lower() == room
        ]

    def _flat_view(self, code: str, building: str, door: str) -> PlaceView:
        house = self._model.world.ledger.assets[building]
        return PlaceView(
            code=code, kind="flat", zh=f"{house.zh}{door}室", en=f"{house.en} flat {door}"
        )

    def answer(self, scope: Scope, code: str) -> PlaceAnswer:
        """Return what can be said of a building or a flat.

        Raises:
            Refused: There is no such place inside the scope, or nothing is known of it.
        """
        model, world = self._model, self._model.world
        flat = model.flat(code)
        building = code if flat is None else flat[0]
        record = model.held["answer"].get(building)
        if record is None or not world.sees(scope, building):
            raise Refused("not_found", thing=code)
        house = world.ledger.assets[building]
        own_c, position = None, ""
        zh, en = house.zh, house.en
        if flat is not None:
            own_c, position = self._own_room(code), flat[2]
            view = self._flat_view(code, building, flat[1])
            zh, en = view.zh, view.en
        state = flat_state(record, own_c, position)
        basis = state.basis if flat is not None else record["basis"]
        return PlaceAnswer(
            code=code,
            zh=zh,
            en=en,
            building=building,
            at=utc(model.clock.state.origin_plant_s),
            age_s=round(self._zone.age_s, 1),
            fresh=self._zone.fresh,
            room_c=None if state.room_c is None else round(state.room_c, 1),
            basis=basis,
            rooms=record["rooms"],
            supply_c=record["supply_c"],
            outdoor_c=record["outdoor_c"],
            cause=_cause(record["cause"]),
            hours_cold=None if state.hours_cold is None else round(state.hours_cold, 1),
            hours_frost=None if state.hours_frost is None else round(state.hours_frost, 1),
        )

    def _own_room(self, flat: str) -> float | None:
        """Return a flat's own fresh room temperature."""
        world = self._model.world
        ledger = world.ledger
        # The sensor may stand in the ledger as a thing of its own below the flat.
        owners = (flat, *(each.code for each in ledger.below(flat)))
        for point in (point for code in owners for point in ledger.points_of(code)):
            last = world.latest.last(point.key)
            if point.kind == "room_temperature" and last is not None:
                value, quality, slot = last
                usable = quality not in (Quality.BAD, Quality.STALE) and np.isfinite(value)
                if usable and world.now_s() - slot <= _FRESH_ROOM_S:
                    return value
        return None

    def alarms(self, scope: Scope, place: str, page: int, size: int) -> PlainAlarmPage:
        """Return open alarms of the plant inside the scope, the gravest and newest first."""
        rows = [
            record
            for record in self._model.held["alarm"].values()
            if self._sees(scope, record["place"]) and (not place or record["place"] == place)
        ]
        rows.sort(key=lambda record: (record["priority"], -record["onset_s"]))
        start = (page - 1) * size
        return PlainAlarmPage(
            total=len(rows),
            items=[
                PlainAlarm(
                    id=record["id"],
                    place=record["place"],
                    zh=record["zh"],
                    en=record["en"],
                    priority=record["priority"],
                    onset=utc(record["onset_s"]),
                    state=record["state"],
                )
                for record in rows[start : start + size]
            ],
        )

    def _sees(self, scope: Scope, code: str) -> bool:
        flat = self._model.flat(code)
        return self._model.world.sees(scope, code if flat is None else flat[0])

    def incidents(self, scope: Scope) -> list[IncidentView]:
        """Return trouble that concerns a building inside the scope, the newest first."""
        world = self._model.world
        found = []
        for record in self._model.held["incident"].values():
            asset = world.ledger.assets.get(record["place"])
            buildings = [code for code in record["buildings"] if world.sees(scope, code)]
            if asset is None or not buildings:
                continue
            found.append(
                IncidentView(
                    id=record["id"],
                    place=asset.code,
                    zh=asset.zh,
                    en=asset.en,
                    cause=_cause(record["cause"]),
                    since=utc(record["since_s"]),
                    buildings=buildings[:500],
                    flats=record["flats"],
                    area_m2=record["area_m2"],
                )
            )
        return sorted(found, key=lambda each: each.since, reverse=True)[:500]

    def findings(self, scope: Scope) -> list[FindingView]:
        """Return what is believed to be wrong in the network inside the scope."""
        return [
            FindingView(
                place=record["place"],
                sort=record["sort"],
                state=record["state"],
                zh=record["zh"],
                en=record["en"],
                since=None if record["since_s"] is None else utc(record["since_s"]),
            )
            for record in self._model.held["finding"].values()
            if self._model.world.sees(scope, record["place"])
        ]

    def weather(self) -> ZoneWeather:
        """Return the weather now and as forecast."""
        held = self._model.held
        rows = sorted(held["weather"].values(), key=lambda record: record["at_s"])
        present: dict[str, Any] = held["present"].get("", {})
        known = max((record["known_at_s"] for record in rows), default=None)
        return ZoneWeather(
            outdoor_c=present.get("outdoor_c"),
            known_at=None if known is None else utc(known),
            hours=[
                WeatherHourView(
                    at=utc(record["at_s"]),
                    temperature_c=record["temperature_c"],
                    condition=None if record["condition"] is None else int(record["condition"]),
                    humidity_pct=record["humidity_pct"],
                    wind_ms=record["wind_ms"],
                    solar_w_m2=record["solar_w_m2"],
                )
                for record in rows
                if record["at_s"] >= self._model.world.now_s() - 3600.0
            ],
        )

    def points(self, scope: Scope, asset: str, page: int, size: int) -> ZonePointPage:
        """Return newest values inside the scope, of one asset or of all."""
        world = self._model.world
        ledger = world.ledger
        listed = ledger.points_of(asset) if asset else tuple(ledger.points.values())
        seen = [point for point in listed if world.sees(scope, point.asset)]
        items = []
        for point in seen[(page - 1) * size : page * size]:
            last = world.latest.last(point.key)
            usable = last is not None and np.isfinite(last[0])
            items.append(
                ZonePoint(
                    code=point.code,
                    kind=point.kind,
                    unit=point_kinds()[point.kind].unit,
                    value=round(last[0], point_kinds()[point.kind].decimals + 1)
                    if last is not None and usable
                    else None,
                    quality=int(Quality.STALE) if last is None else last[1],
                    at=None if last is None else utc(last[2]),
                )
            )
        return ZonePointPage(total=len(seen), items=items)

    async def hours(self, scope: Scope, code: str, days: int) -> ZoneHours:
        """Return hourly means of a point for the last days.

        Raises:
            Refused: There is no such point inside the scope.
        """
        world = self._model.world
        point = world.point(scope, code)
        now_s = int(world.now_s())
        rows = await in_thread(
            self._records.zones.hours, point.key // SHARD, now_s - days * 86400, now_s + 1
        )
        found = [(hour, hour_value(body, point.key)) for hour, body in rows]
        return ZoneHours(
            code=code,
            unit=point_kinds()[point.kind].unit,
            hours=[ZoneHour(at=utc(hour), mean=v) for hour, v in found if v is not None],
        )

    def sees_place(self, scope: Scope, code: str) -> None:
        """Return if a building or flat lies inside the scope.

        Raises:
            Refused: It does not.
        """
        model = self._model
        flat = model.flat(code)
        building = code if flat is None else flat[0]
        asset = model.world.ledger.assets.get(building)
        if asset is None or asset.kind != "building" or not model.world.sees(scope, building):
            raise Refused("not_found", thing=code)
