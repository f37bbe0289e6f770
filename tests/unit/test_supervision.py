"""Plans, their bands and deviations; ratios; what is smart; forecasts out of a platform."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from heatloop.app.dispatch_periods import at, hourly
from heatloop.app.forecast_history import HEAT, Past, past_of, subjects_of
from heatloop.app.forecast_quarters import agreed, quartered
from heatloop.app.smart_devices import smart_devices
from heatloop.kernel.quality import Quality
from heatloop.kernel.scope import Scope
from heatloop.kernel.series import Columns
from heatloop.security.access import Role
from heatloop.store.records.forecast import SeriesRow, pack, unpack
from tests.unit.app_town import START_S, Town, town

ALL = Scope(frozenset(("",)))
HOUR, DAY = 3600, 86400


def series(code: str, values: list[float], start: float, step: int = HOUR) -> SeriesRow:
    middle = np.array(values)
    bands = np.stack([middle - 5.0, middle, middle + 5.0])
    return SeriesRow(subject=code, quantity=HEAT, start_s=start, step_s=step, bands=bands)


async def keep(here: Town, rows: list[tuple[str, int, float, Quality]]) -> None:
    columns = Columns(
        np.array([here.key(code) for code, *_ in rows], "u4"),
        np.array([slot for _, slot, *_ in rows], "u4"),
        np.array([value for *_, value, _ in rows]),
        np.array([quality for *_, quality in rows], "u1"),
    )
    await here.platform.historian.append(columns)
    here.platform.world.latest.update(columns)


def test_bands_survive_packing_within_a_thousandth_of_their_peak_and_gaps_stay_gaps() -> None:
    bands = np.array([[0.0, 100.0, np.nan], [10.0, 400.0, 1.0], [20.0, 20_000.0, -3.0]])
    back = unpack(*pack(bands))
    assert np.isnan(back[0, 2])
    known = np.isfinite(bands)
    assert np.abs(back[known] - bands[known]).max() < 20_000.0 / 32_000.0
    assert np.isnan(unpack(*pack(np.full((3, 2), np.nan)))).all()


def test_three_times_ten_minutes_become_two_quarters_of_an_hour_with_the_same_mean() -> None:
    values = np.arange(12.0)[:, None] ** 2
    fine = quartered(Past(times_s=600 * np.arange(12), values=values))
    assert fine.times_s.tolist() == [900 * n for n in range(8)]
    np.testing.assert_allclose(fine.values.mean(), values.mean())
    np.testing.assert_allclose(fine.values[0, 0], (2 * 0.0 + 1.0) / 3.0)


def test_quarters_agree_with_the_hours() -> None:
    rough = series("SS0001", [10.0, 20.0], 0.0)
    fine = agreed(series("SS0001", [1.0, 2.0, 3.0, 4.0, 7.0, 7.0, 7.0, 7.0], 0.0, 900), rough)
    np.testing.assert_allclose(fine.bands[1].reshape(2, 4).mean(axis=1), [10.0, 20.0])
    back = hourly(fine, 0, 3 * HOUR).bands[1]
    np.testing.assert_allclose(back[:2], [10.0, 20.0])
    assert np.isnan(back[2])


def test_a_plan_is_read_on_straight_lines_between_the_middles_of_hours() -> None:
    row = series("SS0001", [10.0, 20.0], 0.0)
    low, plan, high = at(row, HOUR)  # type: ignore[misc]
    assert (low, plan, high) == (10.0, 15.0, 20.0)
    assert at(row, 2 * HOUR) is None


async def test_bad_samples_do_not_get_into_the_past(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        begin = int(START_S) // HOUR * HOUR - 2 * HOUR
        code = "SS0001.primary_heat_power"
        good, bad = Quality.GOOD, Quality.BAD
        rows = [(code, begin + 600 * n, 500.0, good) for n in range(6)]
        rows += [(code, begin + HOUR + 600 * n, 500.0, good if n < 2 else bad) for n in range(6)]
        await keep(here, rows)
        await here.platform.historian.refresh_rollups()
        mine = [each for each in subjects_of(here.platform.world) if each.code == "SS0001"]
        past = await past_of(here.platform.historian, mine, begin, begin + 2 * HOUR)
        assert past.values[0, 0] == 500.0
        assert np.isnan(past.values[1, 0])


async def test_hours_that_are_over_keep_their_plan_and_tomorrow_is_planned(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        periods = here.platform.forecasts._periods
        start, end = periods.range(periods.day(START_S))
        count = 2 * (end - start) // HOUR
        await periods.take(
            [series("SS0001", [100.0] * count, start)], {}, from_s=start, known_at=START_S
        )
        noon = start + 12 * HOUR
        await periods.take(
            [series("SS0001", [200.0] * count, noon)], {}, from_s=noon, known_at=START_S + 1
        )
        plan = {row.subject: row for row in here.platform.records.forecasts.plan(float(start))}
        middle = plan["SS0001"].bands[1]
        np.testing.assert_allclose(middle, [100.0] * 12 + [200.0] * 12, rtol=1e-3)
        # Twice the forecast's half width, or a fifth of the plan when that is more.
        np.testing.assert_allclose(plan["SS0001"].bands[2][:12], 120.0, rtol=1e-3)
        assert here.platform.records.forecasts.plan(float(end))


async def test_scopes_bound_what_is_seen_and_rights_what_is_asked(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        async with here.client("li", Role.DISPATCHER, scope="CO01/BR01") as client:
            seen = (await client.get("/api/v1/forecasts")).json()
            codes = {each["code"] for each in seen["subjects"]}
            assert "SS0001" in codes
            assert "SS0002" not in codes
            for path in ("/forecasts/SS0002", "/supervision/periods/2027-01-15/SS0002"):
                assert (await client.get(f"/api/v1{path}")).status_code == 404
            assert (await client.post("/api/v1/forecasts/issue")).status_code == 202
        async with here.client("gu", Role.MANAGER) as client:
            assert (await client.post("/api/v1/forecasts/issue")).status_code == 403


async def test_a_late_issue_is_one_alarm_and_goes_with_the_next(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        service = here.platform.forecasts
        here.clock.advance(HOUR)
        service._late._behind_machine_s = -1000.0
        await service._tell_late(here.clock.now_s())
        await service._tell_late(here.clock.now_s())
        active = here.platform.alarming.active_of({"forecast_late"})
        assert list(active) == [("CO01", "forecast_late")]


async def test_what_nobody_can_set_from_afar_is_not_smart(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        found = {each.about.name: each for each in smart_devices(here.platform.world, ALL)}
        assert found["circulation_pump"].smart == found["circulation_pump"].total == 2
        weather = found["weather_station"]
        assert (weather.digital, weather.remote, weather.smart) == (1, 0, 0)
        assert weather.lacking == ["WS0001.outdoor_temperature"]
