"""What results told is wrong: on the first screen, in its own view, and the ways between it and what it is about."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import violations
from browser.site import COLLECTION_ID, SESSION_IDS, Site
from browser.visiting import show, visit

pytestmark = pytest.mark.browser


def rows(page: Page):
    """The rows of the findings that are shown."""
    return page.get_by_role("table", name=re.compile("indings$")).locator("tbody tr")


def told(page: Page):
    """The sentences of the findings that are shown, from the top."""
    return page.locator(".findings td.what > .value")


def test_a_finding_says_how_bad_what_where_when_and_by_whom(page: Page, monitor: Site):
    visit(page, monitor)
    expect(page.get_by_text("No finding yet.")).to_be_visible()
    monitor.finding("The kettle is offline.", "critical", where="home/kettle", count=4, since_epoch_s=time.time() - 60)
    for view in ("overview", "findings"):
        show(page, view)
        row = rows(page)
        expect(row).to_have_count(1)
        for text in ("critical", "The kettle is offline.", "device_offline", "4 times", "home/kettle", "debug_device"):
            expect(row).to_contain_text(text)
        expect(row.locator("time").first).to_be_visible()
    expect(row.get_by_text("first seen")).to_be_visible()
    expect(row.locator("time")).to_have_count(2)
    show(page, "overview")
    expect(page.get_by_role("list", name="Totals since the start")).to_contain_text("1 critical")


def test_a_severity_is_said_in_a_word_and_in_bars_not_in_colour_alone(page: Page, monitor: Site):
    for severity in ("info", "low", "medium", "high", "critical"):
        monitor.finding("x", severity)
    visit(page, monitor, "#/findings")
    badges = page.locator(".severity")
    expect(badges).to_have_text(["critical", "high", "medium", "low", "info"])
    bars = badges.evaluate_all("badges => badges.map((badge) => badge.querySelectorAll('[data-full=true]').length)")
    assert bars == [5, 4, 3, 2, 1]


def test_the_newest_result_comes_first_and_its_worst_finding_before_the_others(page: Page, monitor: Site):
    """The hub numbers the worst last; the page shows the highest number first."""
    for text, severity in [("old low", "low"), ("old bad", "critical"), ("new low", "low"), ("new high", "high")]:
        monitor.finding(text, severity)
    visit(page, monitor, "#/findings")
    expect(told(page)).to_have_text(["new high", "new low", "old bad", "old low"])
    page.get_by_label("Order").select_option("worst first")
    expect(told(page)).to_have_text(["old bad", "new high", "new low", "old low"])


def test_a_later_look_replaces_the_row(page: Page, monitor: Site):
    first = monitor.finding("seen twice", "low", count=2)
    monitor.finding("another")
    visit(page, monitor, "#/findings")
    monitor.finding("seen 9 times", "high", id=first.id, count=9)
    expect(told(page)).to_have_text(["another", "seen 9 times"])


def test_the_overview_has_the_last_ones_and_the_way_to_all(page: Page, monitor: Site):
    for number in range(9):
        monitor.finding(f"number {number}", "low")
    visit(page, monitor)
    expect(told(page)).to_have_text([f"number {n}" for n in (8, 7, 6, 5, 4)])
    page.get_by_role("button", name="All 9 findings").click()
    expect(rows(page)).to_have_count(9)


def test_findings_are_filtered_and_the_filters_are_in_the_address(page: Page, monitor: Site):
    monitor.finding("battery at 7 %", "low", code="battery_low", where="hall/motion", collection_id="other-collection")
    monitor.finding("cut payload", "high", code="malformed_payload", tool="subscribe_and_collect")
    monitor.finding("gone", "critical")
    visit(page, monitor, "#/findings")
    page.get_by_label("Severity").select_option("high and worse")
    expect(told(page)).to_have_text(["gone", "cut payload"])
    page.get_by_label("Tool").select_option("subscribe_and_collect")
    expect(told(page)).to_have_text(["cut payload"])
    page.get_by_role("button", name="Clear filters").click()
    page.get_by_label("Collection").select_option("other-collection")
    expect(told(page)).to_have_text(["battery at 7 %"])
    page.get_by_role("searchbox").fill("HALL/")
    expect(page).to_have_url(re.compile(r"findings\.q=HALL"))
    page.reload()
    expect(told(page)).to_have_text(["battery at 7 %"])
    page.get_by_role("searchbox").fill("nothing like it")
    expect(page.get_by_text("No finding matches these filters.")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(rows(page)).to_have_count(3)


def test_findings_leave_the_last_minute_by_the_time_alone(page: Page, monitor: Site):
    visit(page, monitor, "?findings.time=60#/findings")
    monitor.finding("nearly old", at_epoch_s=time.time() - 57)
    expect(told(page)).to_have_text(["nearly old"])
    expect(page.get_by_text("No finding matches these filters.")).to_be_visible()


def test_a_finding_leads_to_its_collection_and_back(page: Page, monitor: Site):
    for number in range(12):
        monitor.collection(id=f"c-{number}", watching=f"other/{number}", started_at_epoch_s=time.time() - number)
    monitor.collection(state="duration", watching="home/#")
    monitor.finding("about another", collection_id="c-1")
    monitor.finding("about home")
    visit(page, monitor, "#/findings")
    rows(page).first.get_by_role("button", name=COLLECTION_ID[:8]).press("Enter")
    row = page.get_by_role("table", name="Collections").locator("tr[data-wanted=true]")
    expect(row).to_contain_text("home/#")
    expect(row).to_be_focused()
    expect(row).to_be_in_viewport()
    expect(page).to_have_url(re.compile(r"/#/overview$"))
    row.get_by_role("button", name="1 finding").click()
    expect(told(page)).to_have_text(["about home"])


def test_a_collection_that_is_forgotten_is_no_way_to_go(page: Page, monitor: Site):
    monitor.finding("about something old", collection_id="gone-for-good")
    visit(page, monitor, "#/findings")
    expect(rows(page).get_by_text("gone-for")).to_be_visible()
    expect(rows(page).get_by_role("button", name="gone-for")).to_have_count(0)


def test_a_finding_leads_to_the_calls_of_its_session(page: Page, monitor: Site):
    monitor.call("debug_device", "the lamp")
    monitor.call("list_topics", "elsewhere", session_id=SESSION_IDS[1])
    monitor.finding("offline")
    visit(page, monitor, "#/findings")
    rows(page).get_by_role("button", name=SESSION_IDS[0][:8]).click()
    expect(page.get_by_role("heading", name="Tool calls", exact=True)).to_be_visible()
    expect(page.get_by_role("main").locator("tbody tr")).to_contain_text(["the lamp"])


def test_new_findings_wait_while_the_page_is_paused(page: Page, monitor: Site):
    monitor.finding("before")
    visit(page, monitor, "#/findings")
    page.keyboard.press("p")
    monitor.finding("meanwhile")
    expect(page.get_by_role("button", name="Resume (+1 new)")).to_be_visible()
    expect(told(page)).to_have_text(["before"])
    page.keyboard.press("p")
    expect(told(page)).to_have_text(["meanwhile", "before"])


def test_no_more_are_kept_than_the_server_keeps(page: Page, monitor: Site):
    visit(page, monitor, "#/findings")
    for number in range(700):
        monitor.finding(f"number {number}")
    monitor.finding("the newest")
    expect(told(page).first).to_have_text("the newest")
    expect(page.get_by_text("500 of 500")).to_be_visible()
    expect(rows(page)).to_have_count(100)


def test_a_severity_of_a_newer_server_is_shown_without_becoming_a_class(page: Page, monitor: Site):
    visit(page, monitor, "#/findings")
    made = monitor.finding("known", "low")
    given = {name: getattr(made, name) for name in made.__struct_fields__ if name != "since_epoch_s"}
    monitor.tell("finding", {**given, "id": made.id + 1, "severity": "constructor", "text": "strange"})
    expect(page.locator(".severity", has_text="constructor")).to_have_attribute("data-tone", "idle")
    expect(told(page)).to_have_text(["strange", "known"])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_wrong_with_findings_on_a_phone(page: Page, busy: Site, axe, theme):
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme=theme)
    visit(page, busy)
    for view in ("overview", "findings"):
        show(page, view)
        assert violations(page, axe) == []
