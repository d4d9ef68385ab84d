"""How the pages look: accessible in both themes, silent on the console, and no wider than the screen."""

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import violations
from browser.site import Site, fill
from browser.visiting import VIEWS, show, visit

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_wrong_with_a_view(page: Page, busy: Site, axe, view, theme):
    page.emulate_media(color_scheme=theme)
    visit(page, busy)
    show(page, view)
    assert violations(page, axe) == []


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_wrong_with_an_empty_view(page: Page, monitor: Site, axe, view):
    visit(page, monitor)
    show(page, view)
    assert violations(page, axe) == []


def test_axe_finds_nothing_wrong_with_what_opens(page: Page, busy: Site, axe):
    """A call with its details, a topic with its value, and a question."""
    visit(page, busy)
    show(page, "calls")
    page.get_by_role("button", name="Details of publish_message").first.click()
    expect(page.get_by_role("heading", name="Arguments")).to_be_visible()
    assert violations(page, axe) == []
    show(page, "topics")
    page.get_by_role("button", name="temperature").click()
    expect(page.get_by_role("group", name="Last value")).to_be_visible()
    assert violations(page, axe) == []
    show(page, "overview")
    page.get_by_role("button", name="Close session e3e70682").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page, axe) == []


@pytest.mark.parametrize("width", [390, 1920])
@pytest.mark.parametrize("view", VIEWS)
def test_no_view_is_wider_than_the_screen(page: Page, monitor: Site, view, width):
    """Not even with a word of 400 letters everywhere."""
    fill(monitor, "W" * 400)
    page.set_viewport_size({"width": width, "height": 844})
    visit(page, monitor)
    show(page, view)
    page.evaluate("document.querySelectorAll('.opener[aria-expanded=false]').forEach((opener) => opener.click())")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_time_of_a_call_stands_beside_its_arrow(page: Page, busy: Site):
    visit(page, busy)
    expect(page.locator("td > .opener")).to_have_count(5)
    below = """openers => openers.filter((opener) => {
        const [arrow, time] = [opener, opener.nextElementSibling].map((part) => part.getBoundingClientRect());
        return time.top >= arrow.bottom || opener.nextElementSibling.getClientRects().length > 1;
    }).length"""
    assert page.locator("td > .opener").evaluate_all(below) == 0


def test_the_theme_follows_the_system_until_one_is_chosen(page: Page, monitor: Site):
    ground = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    visit(page, monitor)
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert light != dark
    page.get_by_role("button", name="light").click()
    assert page.evaluate(ground) == light
    page.reload()
    assert page.evaluate(ground) == light
    expect(page.get_by_role("button", name="light")).to_have_attribute("aria-pressed", "true")


def test_a_newcomer_is_told_what_to_do(page: Page, monitor: Site):
    visit(page, monitor)
    expect(page.get_by_text("No session yet.")).to_be_visible()
    expect(page.get_by_text("Which topics are there?")).to_be_visible()
