"""A person at the pages of the data layer, in a real browser on one town's platform.

Explore, weather, keeping, interfaces, governance: what each shows of data that are known, that
none logs an error or breaks the content policy, and that each fits a phone, dark and in Chinese.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from heatloop.kernel.series import Columns
from tests.e2e.test_browser import FLAGS
from tests.e2e.town_site import Served, serving
from tests.unit.app_town import PASSWORD, START_S, Town

HEADERS = {"X-Heatloop": "1", "Content-Type": "application/json"}
PAGES = {
    "explore": ("Find data", "数据查询"),
    "weather": ("Weather", "天气"),
    "keeping": ("Keeping", "数据保管"),
    "interfaces": ("Interfaces", "接口"),
    "governance": ("Governance", "数据治理"),
}


def _past(made: Town) -> None:
    """Two hours of every point, with their statistics."""
    keys = np.array(sorted(made.platform.world.ledger.by_key), "u4")
    slots = (int(START_S) - 30 * np.arange(240, 0, -1)).astype("u4")
    count = len(keys) * len(slots)
    engine = made.platform.historian.engine  # type: ignore[attr-defined]
    rows = Columns(
        np.repeat(keys, len(slots)),
        np.tile(slots, len(keys)),
        np.round(45 + np.sin(np.arange(count) / 40), 1),
        np.zeros(count, "u1"),
    )
    engine.append(rows)
    engine.refresh_rollups()
    made.platform.world.latest.update(engine.latest())


class PastSite(Served):
    """A town with two hours behind it."""

    async def prepare(self, made: Town) -> None:
        _past(made)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a town."""
    with serving(PastSite(tmp_path_factory.mktemp("data-site"))) as url:
        yield url


@pytest.fixture(scope="module")
def browser(program: Callable[[str], Path]) -> Iterator[Browser]:
    """Start the browser once."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=program("chromium"), args=FLAGS)
        yield made
        made.close()


class Watched:
    """A page whose complaints are kept."""

    def __init__(self, page: Page) -> None:
        self.page, self.wrong = page, list[str]()
        page.on("console", lambda said: said.type == "error" and self.wrong.append(said.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on(
            "response",
            lambda got: got.status >= 400 and self.wrong.append(f"{got.status} {got.url}"),
        )


@pytest.fixture(scope="module")
def desk(site: str, browser: Browser) -> Iterator[Watched]:
    """Sign in at a desk."""
    context = browser.new_context(
        base_url=site, locale="en-US", viewport={"width": 1400, "height": 900}
    )
    page = context.new_page()
    body = json.dumps({"user": "wang", "password": PASSWORD})
    assert page.request.post("/api/v1/session", data=body, headers=HEADERS).ok
    yield Watched(page)
    context.close()


@pytest.fixture(scope="module")
def phone(site: str, browser: Browser) -> Iterator[Watched]:
    """Sign in on a phone, dark and in Chinese."""
    context = browser.new_context(
        base_url=site, locale="zh-CN", viewport={"width": 390, "height": 844},
        color_scheme="dark", reduced_motion="reduce",
    )  # fmt: skip
    page = context.new_page()
    body = json.dumps({"user": "wang", "password": PASSWORD})
    assert page.request.post("/api/v1/session", data=body, headers=HEADERS).ok
    page.add_init_script("localStorage.setItem('heatloop.language', 'zh')")
    yield Watched(page)
    context.close()


def opened(watched: Watched, name: str) -> Page:
    """Open a page and wait until nothing loads."""
    watched.wrong.clear()
    page = watched.page
    page.goto(f"/{name}")
    expect(page.get_by_test_id(f"{name}-page")).to_be_visible()
    page.wait_for_function("!document.querySelector('[aria-busy=true], .skeleton')")
    return page


def headings(page: Page) -> None:
    """One h1, and no level is skipped."""
    levels = page.evaluate(
        "[...document.querySelectorAll('main h1, main h2, main h3, main h4')]"
        ".map((each) => Number(each.tagName[1]))"
    )
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels)), levels


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_without_a_complaint(desk: Watched, name: str) -> None:
    page = opened(desk, name)
    expect(page.locator("h1")).to_have_text(PAGES[name][0])
    headings(page)
    # Whatever can be pressed or filled in has a name.
    nameless = page.evaluate(
        "[...document.querySelectorAll('main button, main input, main select')].filter((each) =>"
        " !(each.textContent.trim() || each.ariaLabel || each.title || each.labels?.length"
        " || each.getAttribute('aria-labelledby'))).map((each) => each.outerHTML.slice(0, 120))"
    )
    assert nameless == []
    assert desk.wrong == []


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("name", PAGES)
def test_a_phone_shows_it_dark_in_chinese_without_scrolling_sideways(
    phone: Watched, name: str
) -> None:
    page = opened(phone, name)
    expect(page.locator("h1")).to_have_text(PAGES[name][1])
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    red, green, blue = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).slice(0, 3).map(Number)"
    )
    assert red + green + blue < 200
    assert phone.wrong == []


@pytest.mark.needs("chromium")
def test_6_2_f_the_keeping_page_tells_size_headroom_and_retention(desk: Watched) -> None:
    page = opened(desk, "keeping")
    storage = page.get_by_test_id("keeping-storage")
    expect(storage).to_contain_text("memory")
    expect(page.get_by_test_id("table-raw")).to_contain_text("Samples as received")
    expect(page.get_by_test_id("storage-packed")).to_contain_text("17 B as received")
    expect(storage).to_contain_text("Headroom")
    expect(page.get_by_test_id("retention-metering")).to_contain_text("2192 days")
    expect(page.get_by_test_id("retention-rollup")).to_contain_text("For ever")
    expect(page.get_by_test_id("keeping-retention")).to_contain_text("less than 1096 days")
    expect(page.get_by_test_id("keeping-none")).to_be_visible()


@pytest.mark.needs("chromium")
def test_explore_answers_a_question_without_a_list_of_points(desk: Watched) -> None:
    page = opened(desk, "explore")
    page.get_by_test_id("explore-words").fill("secondary supply temperature of all substations")
    page.get_by_test_id("explore-go").click()
    expect(page.get_by_test_id("explore-heard")).to_be_visible()
    expect(page.locator("main table").first).to_contain_text("UN0001")
    assert desk.wrong == []


@pytest.mark.needs("chromium")
def test_governance_and_interfaces_show_what_is_registered(desk: Watched) -> None:
    page = opened(desk, "governance")
    # What lives of each stage of the system, from source to user.
    stages = page.locator("main table").first
    expect(stages).to_contain_text("heat source")
    expect(stages.locator("tbody tr")).to_have_count(5)
    page = opened(desk, "interfaces")
    expect(page.get_by_test_id("interfaces-page")).to_contain_text("analysis")
