"""What a person may end on the page, and how it is asked and told."""

import msgspec
import pytest
from playwright.sync_api import Page, expect

from browser.site import COLLECTION_ID, SESSION_IDS, Site, fill, site
from browser.visiting import visit
from mqtt_mcp.monitor.access import Access

pytestmark = pytest.mark.browser


def test_a_collection_is_cancelled_through_the_dialog(page: Page, busy: Site):
    visit(page, busy)
    page.get_by_role("button", name="Cancel this collection").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Cancel collection").click()
    expect(dialog).not_to_be_visible()
    expect(page.get_by_role("table", name="Collections").get_by_text("cancelled")).to_be_visible()
    assert [(what, which) for what, which, _ in busy.hub.acted] == [("cancel", COLLECTION_ID)]


def test_a_session_is_closed_through_the_dialog(page: Page, busy: Site):
    visit(page, busy)
    page.get_by_role("button", name="Close session cd613e30").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Close session").click()
    expect(dialog).not_to_be_visible()
    expect(page.get_by_role("button", name="Close session cd613e30")).to_have_count(0)
    assert [(what, which) for what, which, _ in busy.hub.acted] == [("close", SESSION_IDS[1])]


@pytest.mark.parametrize("how", ["escape", "button"])
def test_nothing_happens_to_one_who_changes_their_mind(page: Page, busy: Site, how):
    visit(page, busy)
    button = page.get_by_role("button", name="Close session cd613e30")
    button.click()
    if how == "escape":
        page.keyboard.press("Escape")
    else:
        page.get_by_role("dialog").get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_focused()
    assert busy.hub.acted == []


def test_a_refusal_is_told_where_it_was_asked_for(page: Page, busy: Site, console):
    visit(page, busy)
    busy.hub.refuses = True
    page.get_by_role("button", name="Close session cd613e30").click()
    page.get_by_role("dialog").get_by_role("button", name="Close session").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("there is no session with this id")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert console == ["error: Failed to load resource: the server responded with a status of 404 ()"]
    console.clear()


def test_a_page_that_may_not_act_has_no_buttons_and_says_why(page: Page):
    """Nor after the status of the next second, which is the same for all pages."""
    with site(access=Access(behind_proxy=True)) as monitor:
        fill(monitor)
        visit(page, monitor)
        expect(page.get_by_text("switched off for this page")).to_be_visible()
        # Wait for the status of a later second: what it changes is drawn at once with it.
        monitor.hub.status_now = msgspec.structs.replace(monitor.hub.status_now, version="9.9.9")
        expect(page.locator(".facts")).to_contain_text("9.9.9")
        expect(page.get_by_role("button", name="Close session")).to_have_count(0)
        expect(page.get_by_role("button", name="Cancel this collection")).to_have_count(0)
        page.goto("about:blank")
