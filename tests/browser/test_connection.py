"""How a page keeps its connection: the token, a restart, a hidden tab, a stream that was cut, a login proxy."""

import json
import re
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from browser.site import Site, fill, site
from browser.visiting import eventually, hide, light, show, visit
from mqtt_mcp.monitor.access import Access

pytestmark = pytest.mark.browser
TOKEN = "a-long-token+/=&%"


@pytest.fixture
def locked():
    with site(access=Access(token=TOKEN)) as monitor:
        fill(monitor)
        yield monitor


def test_a_page_reconnects_when_the_server_comes_back_on_its_port(page: Page, busy: Site, console):
    visit(page, busy)
    before = page.locator(".fact", has_text="Up").text_content()
    busy.stop()
    expect(light(page)).to_have_text("offline")
    expect(page.get_by_text("The server cannot be reached.")).to_be_visible()
    busy.hub.all_calls.clear()
    busy.start()
    busy.restart()
    expect(light(page)).to_have_text("live", timeout=20_000)
    busy.call(summary="after/the/restart")
    expect(page.get_by_text("after/the/restart")).to_be_visible()
    expect(page.locator(".fact", has_text="Up")).not_to_have_text(str(before))
    show(page, "logs")
    expect(page.get_by_text("The server was started again.")).to_be_visible()
    # A browser says by itself that it reached nobody; nothing else is said.
    assert console
    assert {line for line in console if "net::ERR_" not in line} == set()
    console.clear()


def test_a_hidden_tab_stops_its_stream_and_resumes_without_loss(page: Page, monitor: Site):
    snapshots = []
    page.on("request", lambda request: snapshots.append(request.url) if "snapshot" in request.url else None)
    visit(page, monitor, "#/calls")
    eventually(page, lambda: monitor.streams == 1)
    hide(page, hidden=True)
    eventually(page, lambda: monitor.streams == 0)
    for number in range(50):
        monitor.call(summary=f"hidden/{number}")
    hide(page, hidden=False)
    expect(light(page)).to_have_text("live")
    expect(page.locator("tbody tr")).to_have_count(50)
    for number in (0, 49):
        expect(page.get_by_text(f"hidden/{number}", exact=True)).to_have_count(1)
    assert len(snapshots) == 1, "it went on where it was"


def test_a_page_that_was_cut_off_loads_again_and_says_so(page: Page, busy: Site):
    visit(page, busy, "#/logs")
    busy.tell("overflow", {})
    expect(page.get_by_text("This page could not keep up here")).to_be_visible()
    expect(light(page)).to_have_text("live")
    busy.log("and on it goes")
    expect(page.get_by_text("and on it goes")).to_be_visible()


def test_a_page_whose_position_is_unknown_loads_again(page: Page, busy: Site):
    visit(page, busy)
    busy.hub.all_calls.clear()
    busy.tell("reset", {})
    expect(page.get_by_text("No tool call yet.")).to_be_visible()
    expect(light(page)).to_have_text("live")


def test_an_event_that_makes_no_sense_is_told_and_survived(page: Page, busy: Site, console):
    visit(page, busy)
    busy.tell("topic", {"items": 5})
    busy.call(summary="after/nonsense")
    expect(page.get_by_text("after/nonsense")).to_be_visible()
    expect(light(page)).to_have_text("live")
    # Once for each snapshot from before it: those are up to a second old.
    assert 1 <= len(console) <= 4
    assert [line for line in console if "TypeError" not in line] == []
    console.clear()


def test_a_token_is_asked_for_and_kept_in_the_tab_only(page: Page, context: BrowserContext, locked: Site, console):
    page.goto(locked.url)
    expect(light(page)).to_have_text("token needed")
    expect(page.get_by_text("MQTT_MCP_MONITOR_TOKEN_FILE")).to_be_visible()
    expect(page.get_by_text(f"{locked.url}#token=…")).to_be_visible()
    page.get_by_role("textbox", name="Token").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The server does not know this token.")).to_be_visible()
    page.get_by_role("textbox", name="Token").fill(TOKEN)
    page.get_by_role("button", name="Open the monitor").click()
    expect(light(page)).to_have_text("live")
    page.reload()
    expect(light(page)).to_have_text("live")
    assert context.cookies() == []
    assert page.evaluate("JSON.stringify(localStorage)") == "{}"
    other = context.new_page()
    other.goto(locked.url)
    expect(light(other)).to_have_text("token needed")
    assert [line for line in console if "401" not in line] == []
    console.clear()


def test_a_token_in_the_address_is_taken_out_of_it(page: Page, context: BrowserContext, locked: Site):
    page.goto(f"{locked.url}#token={quote(TOKEN, safe='')}")
    expect(light(page)).to_have_text("live")
    assert "token" not in page.url
    assert context.cookies() == []
    show(page, "published")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export NDJSON").click()
    assert len(download.value.path().read_text().splitlines()) == 7


def test_a_token_in_the_address_is_taken_as_it_is(page: Page, locked: Site):
    page.goto(f"{locked.url}#token={TOKEN}")
    expect(light(page)).to_have_text("live")
    assert "token" not in page.url


def test_what_the_footer_leads_to_is_downloaded_where_a_token_is_needed(page: Page, locked: Site, console):
    """A plain link would not carry it."""
    page.goto(f"{locked.url}#token={quote(TOKEN, safe='')}")
    expect(light(page)).to_have_text("live")
    footer = page.get_by_role("contentinfo")
    expect(footer.get_by_role("link")).to_have_count(0)
    with page.expect_download() as download:
        footer.get_by_role("button", name="OpenAPI description").click()
    assert download.value.suggested_filename == "openapi.json"
    assert "/api/v1/snapshot" in json.loads(download.value.path().read_text())["paths"]
    with page.expect_download() as download:
        footer.get_by_role("button", name="Prometheus metrics").click()
    assert download.value.suggested_filename == "metrics.txt"
    assert "# TYPE mqtt_mcp" in download.value.path().read_text()
    page.route("**/metrics", lambda route: route.fulfill(status=503, json={"detail": "too many readers"}))
    footer.get_by_role("button", name="Prometheus metrics").click()
    expect(footer.get_by_role("alert")).to_have_text("The download failed: too many readers")
    console.clear()


def test_a_token_pasted_into_the_address_of_an_open_page_opens_it(page: Page, locked: Site, console):
    page.goto(locked.url)
    expect(light(page)).to_have_text("token needed")
    page.evaluate("token => { location.hash = 'token=' + encodeURIComponent(token); }", TOKEN)
    expect(light(page)).to_have_text("live")
    expect(page).to_have_url(re.compile(r"^[^#]*(#/overview)?$"))
    console.clear()


def test_one_who_is_signed_out_of_the_proxy_is_told_to_reload(page: Page, busy: Site):
    """A login proxy answers with a redirect to another port."""
    page.route(
        "**/api/v1/**", lambda route: route.fulfill(status=302, headers={"Location": "http://127.0.0.1:9/login"})
    )
    page.goto(busy.url)
    expect(light(page)).to_have_text("signed out")
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.unroute("**/api/v1/**")
    page.get_by_role("button", name="Reload the page").click()
    expect(light(page)).to_have_text("live")


def test_the_page_works_below_a_path(page: Page, busy: Site):
    """As behind a proxy that serves it under one: every address of the page is relative."""

    def forward(route):
        route.continue_(url=route.request.url.replace("/some/where/", "/"))

    page.route("**/some/where/**", forward)
    page.goto(f"{busy.url}some/where/")
    expect(light(page)).to_have_text("live")
    expect(page.get_by_role("heading", name="Sessions")).to_be_visible()
