"""Secondary balance on the page of strategies: the worst unit, its valves, and the workbook."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.test_data_pages import Watched, browser, desk, phone
from tests.e2e.test_decision_pages import asked, drawn, number
from tests.e2e.town_site import Served, serving
from tests.unit.app_town import Town
from tests.unit.balance_town import houses_ledger, readings, tell_day

__all__ = ["browser", "desk", "phone"]
UNIT, OTHER = "UN0001", "UN0002"


class BalanceSite(Served):
    """A town with a day of readings at the inlets of one unit."""

    async def prepare(self, made: Town) -> None:
        platform = made.platform
        platform.world.install(houses_ledger())
        await tell_day(platform.world, platform.historian, readings(UNIT))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(BalanceSite(tmp_path_factory.mktemp("balance-site"))) as url:
        yield url


@pytest.mark.needs("chromium")
def test_valves_are_proposed_and_the_worst_unit_comes_first(desk: Watched) -> None:
    page = drawn(desk, "strategy")
    view = asked(page, f"/balance/{UNIT}")
    expect(page.get_by_test_id("balance-method")).to_have_text("told by flows")
    for row in view["items"]:
        cells = page.get_by_test_id(f"balance-row-{row['building']}").locator("td")
        told = [cells.nth(at).inner_text() for at in (5, 6, 7)]
        for text, key in zip(told, ("factor", "opening_pct", "proposed_pct"), strict=True):
            assert number(text) == pytest.approx(row[key], abs=0.0051)
    near = page.get_by_test_id("balance-row-BD0001")
    expect(near).to_contain_text("throttle")
    expect(page.get_by_test_id("strategy-balance")).to_contain_text("no command is made of it")
    worst = page.get_by_test_id("strategy-balance-worst").locator("tbody tr")
    expect(worst.first).to_contain_text(UNIT)
    with page.expect_download() as saved:
        page.get_by_test_id("balance-export-unit").click()
    assert saved.value.suggested_filename == f"secondary-balance-{UNIT}.xlsx"
    page.get_by_test_id(f"balance-open-{OTHER}").click()
    expect(page.get_by_test_id("balance-why")).to_contain_text("Fewer than two buildings")
    assert desk.wrong == []


@pytest.mark.needs("chromium")
def test_a_phone_shows_it_dark_in_chinese_without_scrolling_sideways(phone: Watched) -> None:
    page = drawn(phone, "strategy")
    expect(page.get_by_test_id("strategy-balance")).to_contain_text("二次网平衡")
    expect(page.get_by_test_id("balance-row-BD0005")).to_contain_text("开大")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert phone.wrong == []
