"""EPW and tables of weather, and whether sources agree; public measurements where they are."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from heatloop.bridge.weather.compare import Limits, doubted, doubts
from heatloop.bridge.weather.epw import read_epw
from heatloop.bridge.weather.model import LIMITS, QUANTITIES, Hour
from heatloop.bridge.weather.skill import Pair, band_of, skill
from heatloop.bridge.weather.table_file import humidity_pct, read_table
from heatloop.kernel.errors import InputError
from heatloop.kernel.quality import Quality

HEAD = (
    "LOCATION,Changchun,Jilin,CHN,CSWD,541610,43.90,125.22,8.0,236.8\n"
    "DESIGN CONDITIONS,0\nTYPICAL/EXTREME PERIODS,0\nGROUND TEMPERATURES,0\n"
    "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0\nCOMMENTS 1,x\nCOMMENTS 2,x\n"
    "DATA PERIODS,1,1,Data,Sunday,1/1,12/31\n"
)


def line(month: int, day: int, hour: int, *, year: int = 2005, **values: object) -> str:
    cells: list[object] = [year, month, day, hour, 0, "flags", -12.3, -18.0, 62, 99000, 0, 0, 190,
                           120, 200, 60, 0, 0, 0, 0, 290, 3.4, 4, 4, 20.0, 77777, 9, 999999999,
                           0, 0.0, 0, 88, 0.0, 0.0, 1.0]  # fmt: skip
    places = {"temp": 6, "rh": 8, "ghi": 13, "dni": 14, "wd": 20, "ws": 21}
    for name, value in values.items():
        cells[places[name]] = value
    return ",".join(map(str, cells)) + "\n"


def epw(*lines: str) -> bytes:
    return (HEAD + "".join(lines)).encode()


def test_an_epw_hour_ends_at_its_time_in_standard_time() -> None:
    found = read_epw(epw(line(1, 1, 1), line(1, 1, 24)))
    first, last = found.hours
    # Hour 1 ends at one o'clock local time, which is 17:00 UTC of the day before.
    assert datetime.fromtimestamp(first.at_s, UTC) == datetime(2004, 12, 31, 17, tzinfo=UTC)
    assert datetime.fromtimestamp(last.at_s, UTC) == datetime(2005, 1, 1, 16, tzinfo=UTC)
    assert found.place == "Changchun, Jilin, CHN"
    assert found.site is not None
    assert (found.site.lat, found.site.lon) == (43.9, 125.22)
    assert (first.temperature_c, first.humidity_pct) == (-12.3, 62.0)
    assert (first.solar_w_m2, first.direct_w_m2, first.diffuse_w_m2) == (120.0, 200.0, 60.0)
    assert (first.wind_deg, first.wind_ms) == (290.0, 3.4)


def test_epw_values_that_stand_for_missing_are_missing() -> None:
    row = line(1, 1, 1, temp=99.9, rh=999, ghi=9999, wd=999, ws=999)
    (hour,) = read_epw(epw(row)).hours
    assert (hour.temperature_c, hour.humidity_pct, hour.solar_w_m2) == (None, None, None)
    assert (hour.wind_deg, hour.wind_ms) == (None, None)
    assert hour.direct_w_m2 == 200.0


def test_a_typical_year_can_be_laid_into_one_year_without_29_february() -> None:
    found = read_epw(epw(line(2, 28, 24, year=1988), line(2, 29, 1, year=1988)), year=2027)
    assert len(found.hours) == 1
    assert datetime.fromtimestamp(found.hours[0].at_s, UTC).year == 2027
    assert any("29" in word for word in found.refused)


def test_epw_days_get_their_extremes() -> None:
    rows = [line(1, 1, hour, temp=-20 + hour / 2) for hour in range(1, 25)]
    found = read_epw(epw(*rows, line(1, 2, 1, temp=0)))
    # 23 of the day's hours end on it, so that day is not whole; nothing is said of either.
    assert {hour.temperature_max_c for hour in found.hours} == {None}
    whole = read_epw(epw(line(1, 1, 24, temp=-1), *(line(1, 2, h, temp=-h) for h in range(1, 24))))
    assert {hour.temperature_min_c for hour in whole.hours} == {-23.0}
    assert {hour.temperature_max_c for hour in whole.hours} == {-1.0}


@pytest.mark.parametrize(
    "data",
    [b"", b"a,b\n1,2\n", HEAD.encode(), epw("2005,1,1,1,0,x,-3\n"),
     epw(line(13, 1, 1)), HEAD.replace("43.90", "143.90").encode() + line(1, 1, 1).encode()],
)  # fmt: skip
def test_what_is_no_epw_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        read_epw(data)


def test_a_table_with_chinese_headings_and_units() -> None:
    rows = [
        {"时间": "2025-12-01 08:00", "气温(℃)": "-12.5", "相对湿度(%)": "61", "风速(m/s)": "3.1",
         "风向": "NW", "太阳辐射": "35"}
    ]  # fmt: skip
    (hour,) = read_table(rows, "Asia/Shanghai").hours
    assert datetime.fromtimestamp(hour.at_s, UTC) == datetime(2025, 12, 1, 0, tzinfo=UTC)
    assert (hour.temperature_c, hour.humidity_pct, hour.wind_ms) == (-12.5, 61.0, 3.1)
    assert (hour.wind_deg, hour.solar_w_m2) == (315.0, 35.0)


@pytest.mark.parametrize("bad", ["999990", 999990, "-97", "-9999", "", None, "NA", "nan"])
def test_numbers_that_stand_for_missing_are_missing(bad: object) -> None:
    found = read_table([{"time": "2025-12-01T00:00Z", "TEMP": bad, "RH": 50}], "UTC")
    (hour,) = found.hours
    assert hour.temperature_c is None
    assert found.refused == ()  # nothing was measured, so nothing was wrong
    assert hour.humidity_pct == 50.0


def test_impossible_values_are_left_out_and_named() -> None:
    rows = [{"time": "2025-12-01T00:00Z", "TEMP": 88.0, "RH": 30, "wspm": -1}]
    found = read_table(rows, "UTC")
    assert found.hours[0].temperature_c is None
    assert found.hours[0].wind_ms is None
    assert any("88" in word for word in found.refused)


def test_a_dew_point_gives_the_humidity() -> None:
    # WMO-No. 8: saturation at 20 degC is 23.39 hPa, at 10 degC 12.28 hPa.
    assert humidity_pct(20.0, 10.0) == pytest.approx(100 * 12.28 / 23.39, abs=0.3)
    assert humidity_pct(-5.0, -5.0) == 100.0
    assert humidity_pct(0.0, -97.0) is None
    assert humidity_pct(0.0, 5.0) is None


def test_an_hour_that_is_twice_or_never_is_not_guessed() -> None:
    rows = [{"time": "2025-10-26 02:30", "TEMP": 9}, {"time": "2025-10-26 04:00", "TEMP": 8}]
    found = read_table(rows, "Europe/Berlin")
    assert len(found.hours) == 1
    assert any("twice or never" in word for word in found.refused)


@pytest.mark.parametrize("rows", [[], [{"x": 1}], [{"time": "2025-01-01"}], [{"TEMP": 3}]])
def test_a_table_without_time_or_weather_is_refused(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(InputError):
        read_table(rows, "UTC")


def _parquet(folder: Path, name: str) -> Path:
    path = folder / "weather" / name
    if not path.exists():
        pytest.skip(f"lacks public data: {name}")
    return path


def test_real_beijing_measurements(heatloop_data: Path) -> None:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = _parquet(heatloop_data, "Beijing_12sites_2013-2017_hourly.parquet")
    table = pq.read_table(path, filters=[("station", "==", "Huairou")])
    bad = pc.sum(pc.greater(table["WSPM"], 100)).as_py() or 0
    rows = table.to_pylist()
    rows[10] |= {"TEMP": 999990, "DEWP": -97}
    found = read_table(rows, "Asia/Shanghai", "Huairou")
    assert found.rows == table.num_rows
    assert len(found.hours) > 0.98 * found.rows
    for hour in found.hours:
        for name in QUANTITIES:
            value = hour.value(name)
            low, high = LIMITS[name]
            assert value is None or low <= value <= high, (name, value)
    winds = [hour.wind_ms for hour in found.hours if hour.wind_ms is not None]
    assert max(winds) < 40 or bad
    damp = [hour.humidity_pct for hour in found.hours if hour.humidity_pct is not None]
    assert len(damp) > 0.95 * len(found.hours)
    assert 40 < sum(damp) / len(damp) < 70
    assert found.hours[9].temperature_c is not None
    assert found.hours[10].temperature_c is None
    assert found.hours[10].humidity_pct is None


def test_real_typical_years(heatloop_data: Path) -> None:
    import pyarrow.parquet as pq

    path = _parquet(heatloop_data, "typical_year_12_northern_cities_hourly.parquet")
    table = pq.read_table(path, filters=[("city", "==", "Harbin")])
    if table.num_rows == 0:
        table = pq.read_table(path, filters=[("city", "==", "Beijing")])
    rows = [{k: v for k, v in row.items() if k != "city"} for row in table.to_pylist()]
    found = read_table(rows, "Asia/Shanghai")
    assert len(found.hours) == 8760
    days = (found.hours[-1].at_s - found.hours[0].at_s) / 86400
    assert days == pytest.approx(365, abs=0.1)
    sun = [hour.solar_w_m2 or 0.0 for hour in found.hours]
    assert 900 < sum(sun) / 1000 < 2000  # kWh/m2 a year
    # The sun shines at noon, not at midnight: times are local and not shifted.
    noon = [h.solar_w_m2 or 0.0 for h in found.hours if (h.at_s / 3600 + 8) % 24 == 12]
    night = [h.solar_w_m2 or 0.0 for h in found.hours if (h.at_s / 3600 + 8) % 24 == 0]
    assert sum(noon) > 100 * (sum(night) + 1)


def _at(**values: Any) -> Hour:
    return Hour(at_s=1_800_000_000.0, **values)


def test_a_station_in_the_sun_is_doubted() -> None:
    own = _at(temperature_c=3.0, solar_w_m2=420.0)
    other = _at(temperature_c=-6.0)
    (doubt,) = doubts(own, other, Limits())
    assert (doubt.quantity, doubt.in_sun) == ("temperature_c", True)
    assert "太阳" in doubt.zh
    assert "sun" in doubt.en
    assert doubted(own, [doubt]).quality is Quality.UNCERTAIN
    assert doubted(own, []).quality is Quality.GOOD


def test_a_cold_or_dark_difference_is_no_sun() -> None:
    dark = doubts(_at(temperature_c=3.0, solar_w_m2=0.0), _at(temperature_c=-6.0), Limits())
    cold = doubts(_at(temperature_c=-20.0, solar_w_m2=400.0), _at(temperature_c=-6.0), Limits())
    assert [doubt.in_sun for doubt in dark + cold] == [False, False]


def test_small_differences_and_other_times_are_no_doubt() -> None:
    own = _at(temperature_c=-1.0, wind_ms=4.0)
    assert doubts(own, _at(temperature_c=-5.9, wind_ms=9.0), Limits()) == []
    later = Hour(at_s=own.at_s + 7200, temperature_c=20.0)
    assert doubts(own, later, Limits()) == []


def test_skill_by_band_of_lead() -> None:
    pairs = [Pair("a", "temperature_c", 1.0, 1.0, 0.0), Pair("a", "temperature_c", 5.0, -3.0, 0.0),
             Pair("a", "temperature_c", 30.0, 4.0, 2.0)]  # fmt: skip
    near, far = skill(pairs)
    assert (near.lead_from_h, near.lead_to_h, near.count) == (0, 6, 2)
    assert (near.bias, near.mae) == (-1.0, 2.0)
    assert near.rmse == pytest.approx(5**0.5)
    assert (far.lead_from_h, far.bias) == (24, 2.0)
    assert band_of(400.0) is None
    assert band_of(-1.0) is None
