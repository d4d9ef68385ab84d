"""Everything can be done with the keyboard."""

import re

import pytest
from playwright.sync_api import Page, expect

from browser.site import Site
from browser.visiting import VIEWS, light, show, visit

pytestmark = pytest.mark.browser


def test_digits_choose_the_view_and_the_address_follows(page: Page, busy: Site):
    visit(page, busy)
    for number, view in enumerate(VIEWS, 1):
        page.keyboard.press(str(number))
        expect(page.get_by_role("tab", selected=True)).to_have_id(f"tab-{view}")
        expect(page).to_have_url(re.compile(rf"#/{view}$"))
    page.go_back()
    expect(page.get_by_role("tab", selected=True)).to_have_id("tab-topics")


def test_arrows_move_inside_the_tabs(page: Page, busy: Site):
    visit(page, busy)
    page.get_by_role("tab", name="Overview").focus()
    for key, view in [
        ("ArrowRight", "findings"),
        ("ArrowLeft", "overview"),
        ("ArrowLeft", "logs"),
        ("Home", "overview"),
        ("End", "logs"),
    ]:
        page.keyboard.press(key)
        expect(page.locator(f"#tab-{view}")).to_be_focused()
        expect(page.locator(f"#tab-{view}")).to_have_attribute("aria-selected", "true")
    expect(page.locator("[role=tab][tabindex='0']")).to_have_count(1)


@pytest.mark.parametrize("view", ["findings", "calls", "published", "topics", "logs"])
def test_slash_goes_to_the_search_and_escape_leaves_it(page: Page, busy: Site, view):
    visit(page, busy, f"#/{view}")
    page.keyboard.press("/")
    search = page.get_by_role("searchbox")
    expect(search).to_be_focused()
    page.keyboard.type("p1")
    expect(search).to_have_value("p1")
    expect(light(page)).to_have_text("live")
    page.keyboard.press("Escape")
    expect(search).not_to_be_focused()
    page.keyboard.press("1")
    expect(page.get_by_role("tab", selected=True)).to_have_text("Overview")


def test_p_pauses_and_counts_what_comes_meanwhile(page: Page, busy: Site):
    visit(page, busy, "#/calls")
    page.keyboard.press("p")
    expect(light(page)).to_have_text("paused")
    busy.call(summary="while/paused")
    busy.call(summary="while/paused/too")
    expect(page.get_by_role("button", name="Resume (+2 new)")).to_be_visible()
    expect(page.get_by_text("while/paused").first).not_to_be_visible()
    page.get_by_role("searchbox").fill("while")  # drawing again does not let it in either
    expect(page.get_by_text("No call matches")).to_be_visible()
    page.get_by_role("searchbox").press("Escape")
    page.keyboard.press("p")
    expect(light(page)).to_have_text("live")
    expect(page.get_by_text("while/paused/too")).to_be_visible()


def test_a_call_opens_by_keyboard(page: Page, busy: Site):
    visit(page, busy, "#/calls")
    opener = page.get_by_role("button", name="Details of publish_message").first
    opener.focus()
    page.keyboard.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("heading", name="Arguments")).to_be_visible()
    show(page, "topics")
    branch = page.get_by_role("button", name="kitchen")
    branch.focus()
    page.keyboard.press("Space")
    expect(branch).to_have_attribute("aria-expanded", "false")
