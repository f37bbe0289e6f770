"""A person at the pages that forecast, learn and decide, in a real browser on one town.

Forecast, supervision, strategy, dispatch, models, savings: what each shows is what the interface
says, none logs an error or breaks the content policy, each fits a phone, dark and in Chinese.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from heatloop.app.forecast_history import HEAT
from heatloop.security.access import Role
from heatloop.store.records.forecast import SeriesRow
from tests.e2e.test_data_pages import Watched, browser, desk, headings, opened, phone
from tests.e2e.town_site import Served, serving
from tests.unit.app_town import Town
from tests.unit.test_app_dispatch import RUNNING, tell, two_plants
from tests.unit.test_app_dispatch import Here as Inline
from tests.unit.test_app_models import moved
from tests.unit.test_savings_service import UNIT, curve_row, put_curve, told_days

__all__ = ["browser", "desk", "phone"]

PAGES = {
    "forecast": ("Forecast", "负荷预测"),
    "supervision": ("Supervision", "运行监督"),
    "strategy": ("Strategy", "调控策略"),
    "dispatch": ("Dispatch", "热源调度"),
    "models": ("Models", "学习模型"),
    "savings": ("Savings", "节能账本"),
}
HOUR_S, DAY_S = 3600, 86400


def _bands(subject: str, quantity: str, middle: list[float], start_s: float) -> SeriesRow:
    values = np.array(middle)
    return SeriesRow(
        subject=subject, quantity=quantity, start_s=start_s, step_s=HOUR_S,
        bands=np.stack([0.9 * values, values, 1.1 * values]), known_at=start_s, source="blend",
        facts={"balance_c": 19.5, "w_k": 41_000.0},
    )  # fmt: skip


async def _forecasts(made: Town, now_s: float) -> None:
    """Keep an issue of two subjects, and the plan that follows from it."""
    forecasts = made.platform.forecasts
    wave = np.sin(np.arange(72) / 24 * 2 * np.pi)
    rows = [
        _bands("HS0001", HEAT, list(46e3 + 4e3 * wave), now_s),
        _bands("SS0001", HEAT, list(900.0 + 80.0 * wave), now_s),
    ]
    made.platform.records.forecasts.add(
        rows, known_at=now_s, start_s=now_s, reason="schedule", weather="forecast"
    )
    await forecasts.load()
    begin, _ = forecasts._periods.range(forecasts._periods.day(now_s))
    await forecasts._periods.take(
        [replace(row, start_s=float(begin)) for row in rows], {}, from_s=begin, known_at=now_s
    )
    await made.platform.deviation.run(now_s)


async def _decided(made: Town) -> None:
    """Let the platform forecast, learn, plan and judge, at once and without other processes."""
    platform, now_s = made.platform, made.clock.now_s()
    platform.dispatch.workers = platform.strategy._workers = Inline()  # type: ignore[assignment]
    platform.dispatch.planned_s["HS0001"] = now_s
    with pytest.MonkeyPatch.context() as patch:
        midnight, _ = platform.models._midnight(now_s)
        made.began_s = midnight - 30 * DAY_S  # type: ignore[attr-defined]
        moved(made, patch)
        for night in range(4):
            await platform.models.run(now_s - (3 - night) * DAY_S)
    platform.world.install(two_plants())
    tell(made, **RUNNING, SS0001__primary_heat_power=905.0)
    hours = [
        {
            "at_s": now_s + HOUR_S * n, "condition": 0, "quality": 0, "solar_w_m2": 0.0,
            "temperature_c": -6.0 + 3.0 * np.sin(n / 24.0 * 2.0 * np.pi),
        }
        for n in range(-2, 60)
    ]  # fmt: skip
    platform.records.weather.add_forecast(
        source="test", known_at=now_s - 60.0, issued_at=None, hours=hours
    )
    await _forecasts(made, now_s)
    await platform.strategy.run(now_s)
    await put_curve(made, curve_row(platform.savings.days.of(now_s)))
    told_days(made, 80, saved=0.06)
    await platform.savings.judge(now_s)
    async with made.client("eve", Role.DISPATCHER) as eve:
        plan = await eve.post("/api/v1/dispatch/plans", json={"hours": 6})
        assert plan.status_code == 200, plan.text


class DecidedSite(Served):
    """A town that has forecast, learned, planned and judged."""

    async def prepare(self, made: Town) -> None:
        await _decided(made)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a town that has decided."""
    with serving(DecidedSite(tmp_path_factory.mktemp("decision-site"))) as url:
        yield url


def drawn(watched: Watched, name: str) -> Page:
    """Open a page and wait until all its parts are there."""
    page = opened(watched, name)
    expect(page.locator("main .bones")).to_have_count(0)
    return page


def asked(page: Page, path: str) -> Any:
    """Return what the interface says."""
    reply = page.request.get(f"/api/v1{path}")
    assert reply.ok, reply.text()
    return reply.json()


def number(text: str) -> float:
    """Return the first number of a text as people write it here."""
    found = re.search(r"[-\u2212]?\d[\d\u2009]*\.?\d*", text)
    assert found, text
    return float(found[0].replace("\u2009", "").replace("\u2212", "-"))


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_without_a_complaint(desk: Watched, name: str) -> None:
    page = drawn(desk, name)
    expect(page.locator("h1")).to_have_text(PAGES[name][0])
    headings(page)
    # Whatever can be pressed, filled in or looked at has a name.
    nameless = page.evaluate(
        "[...document.querySelectorAll('main button, main input, main select, main [role=img]')]"
        ".filter((each) => !(each.textContent.trim() || each.ariaLabel || each.title ||"
        " each.labels?.length || each.getAttribute('aria-labelledby')))"
        ".map((each) => each.outerHTML.slice(0, 120))"
    )
    assert nameless == []
    # Nothing without its words: a key instead of a sentence, or a value that is none.
    text = page.locator("main").inner_text()
    assert not re.search(rf"\b({'|'.join(PAGES)})\.\w|undefined|NaN|\[object", text), text
    assert desk.wrong == []


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("name", PAGES)
def test_a_phone_shows_it_dark_in_chinese_without_scrolling_sideways(
    phone: Watched, name: str
) -> None:
    page = drawn(phone, name)
    expect(page.locator("h1")).to_have_text(PAGES[name][1])
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    red, green, blue = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).slice(0, 3).map(Number)"
    )
    assert red + green + blue < 200
    assert phone.wrong == []


@pytest.mark.needs("chromium")
def test_forecast_and_plan_on_the_page_are_those_of_the_interface(desk: Watched) -> None:
    page = drawn(desk, "forecast")
    source = next(s for s in asked(page, "/forecasts")["subjects"] if s["code"] == "HS0001")
    cells = page.get_by_test_id("forecast-row-HS0001").locator("td").all_inner_texts()
    assert number(cells[2]) == pytest.approx(source["next_day"] / 1000, abs=0.0051)
    assert number(cells[3]) == pytest.approx(source["peak"] / 1000, abs=0.0051)
    expect(page.get_by_test_id("forecast-chart").locator("canvas")).to_be_visible()
    page = drawn(desk, "supervision")
    row = next(r for r in asked(page, "/supervision")["rows"] if r["code"] == "SS0001")
    cells = page.get_by_test_id("plan-SS0001-heat_kw").locator("td").all_inner_texts()
    assert number(cells[2]) == pytest.approx(row["plan"], abs=0.51)
    assert number(cells[4]) == pytest.approx(row["actual"], abs=0.51) == 905.0
    assert row["state"] == "inside"
    assert "inside" in cells[6]


@pytest.mark.needs("chromium")
def test_a_strategy_is_shown_as_it_is_and_can_be_rejected(desk: Watched) -> None:
    page = drawn(desk, "strategy")
    card = asked(page, "/strategies")["items"][0]
    shown = page.get_by_test_id("strategy-figure-supplyNow").inner_text()
    assert number(shown.splitlines()[-1]) == pytest.approx(card["supply_c"], abs=0.051)
    expect(page.get_by_test_id("strategy-chart").locator("canvas")).to_be_visible()
    page.get_by_test_id(f"strategy-reject-{card['version']}").click()
    expect(page.get_by_test_id("strategy-versions")).to_contain_text("rejected")
    kept = asked(page, f"/strategies/{card['unit']}/versions")["items"][0]
    assert (kept["state"], kept["decided_by"]) == ("rejected", "wang")
    assert desk.wrong == []


@pytest.mark.needs("chromium")
def test_a_unit_gets_a_target_of_its_own_and_loses_it_again(desk: Watched) -> None:
    page = drawn(desk, "strategy")
    unit = asked(page, "/strategies")["items"][0]["unit"]
    before = asked(page, f"/room-levels/{unit}")
    shown = page.get_by_test_id("level-figure-target").inner_text()
    assert number(shown.splitlines()[-1]) == pytest.approx(before["target_c"], abs=0.051)
    source = page.get_by_test_id("level-source")
    expect(source).to_have_text("set for all")
    page.get_by_test_id("level-set").click()
    page.get_by_test_id("level-target").fill("21.5")
    page.get_by_test_id("level-note").fill("kindergarten")
    page.get_by_test_id("level-send").click()
    expect(source).to_have_text("set for this unit")
    expect(page.get_by_test_id("level-why")).to_contain_text("Set by wang")
    kept = asked(page, f"/room-levels/{unit}")
    assert (kept["own_c"], kept["own_note"], kept["source"]) == (21.5, "kindergarten", "unit")
    page.get_by_test_id("level-clear").click()
    expect(source).to_have_text("set for all")
    assert asked(page, f"/room-levels/{unit}")["own_c"] is None
    assert desk.wrong == []


@pytest.mark.needs("chromium")
def test_a_dispatch_plan_is_shown_as_it_is_and_can_be_approved(desk: Watched) -> None:
    page = drawn(desk, "dispatch")
    head = asked(page, "/dispatch")["proposed"][0]
    shown = page.get_by_test_id("dispatch-bill").inner_text()
    assert number(shown.splitlines()[-1]) == pytest.approx(head["bill_yuan"], abs=0.51)
    worst = asked(page, "/dispatch/n-1")["rows"][0]
    first = page.get_by_test_id("dispatch-n-1").locator("tbody tr").first
    expect(first).to_contain_text(worst["subject"])
    expect(first).to_contain_text("covered" if worst["holds"] else "not covered")
    page.get_by_test_id("dispatch-approve").click()
    expect(page.get_by_test_id("dispatch-state")).to_have_text("approved")
    assert [r["number"] for r in asked(page, "/dispatch")["approved"]] == [head["number"]]
    assert desk.wrong == []


@pytest.mark.needs("chromium")
def test_models_and_savings_are_shown_as_they_are(desk: Watched) -> None:
    page = drawn(desk, "models")
    unit = next(m for m in asked(page, "/models")["items"] if m["unit"] == UNIT)
    row = page.get_by_test_id("models-list").locator("tr", has_text=UNIT)
    assert number(row.locator("td").nth(2).inner_text()) == pytest.approx(
        unit["loss_kw_k"], abs=0.051
    )
    page.get_by_test_id(f"model-{UNIT}").click()
    expect(page.get_by_test_id(f"model-card-{unit['version']}")).to_contain_text("In force")
    expect(page.get_by_test_id("model-chart").locator("canvas")).to_be_visible()
    page = drawn(desk, "savings")
    figure = asked(page, "/savings")["items"][0]
    cells = page.get_by_test_id(f"savings-{UNIT}").locator("td").all_inner_texts()
    assert cells[1] == "Proven saving"
    assert cells[2] == "Tuned curve"
    assert number(cells[3]) == pytest.approx(figure["saving_pct"], abs=0.051)
    expect(page.get_by_test_id("savings-baseline")).to_contain_text("Tuned curve")
    expect(page.get_by_test_id("savings-knobs")).to_contain_text("1.6")
    page.get_by_test_id("savings-approve").click()
    expect(page.get_by_test_id("savings-curve")).to_contain_text("the unit runs the tuned curve")
    expect(page.get_by_test_id("savings-chart").locator("canvas")).to_be_visible()
    page.get_by_test_id("savings-verify").click()
    expect(page.get_by_test_id("savings-check")).to_contain_text("The chain is whole")
    assert desk.wrong == []


@pytest.mark.needs("chromium")
def test_the_menu_holds_every_page_with_icon_and_words(desk: Watched, phone: Watched) -> None:
    page = drawn(desk, "savings")
    entries = page.locator("nav.nav a")
    for at in range(entries.count()):
        entry = entries.nth(at)
        expect(entry.locator("svg").first).to_be_visible()
        assert entry.inner_text().strip()
    for name in PAGES:
        expect(page.get_by_test_id(f"nav-{name}")).to_have_count(1)
    expect(page.get_by_test_id("nav-savings")).to_be_in_viewport(ratio=1)
    # On a phone the bar stays below, and what opens above it fits the screen.
    page = drawn(phone, "forecast")
    expect(page.get_by_test_id("nav-savings")).to_be_hidden()
    page.get_by_test_id("nav-more").click()
    for name in PAGES:
        expect(page.get_by_test_id(f"nav-{name}")).to_be_in_viewport(ratio=1)
    bar = page.get_by_test_id("nav-overview").bounding_box()
    more = page.get_by_test_id("nav-more").bounding_box()
    assert bar is not None
    assert more is not None
    assert bar["y"] == more["y"] > 700
    page.get_by_test_id("nav-savings").click()
    expect(page.get_by_test_id("savings-page")).to_be_visible()
    expect(page.get_by_test_id("nav-dispatch")).to_be_hidden()
