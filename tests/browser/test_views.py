"""What each view shows and how it is searched."""

import json
import re
import time

import msgspec
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from browser.site import SESSION_IDS, Site
from browser.visiting import eventually, show, visit
from mqtt_mcp.monitor.model import TopicBatch

pytestmark = pytest.mark.browser

CATCH_UP_MS = 15_000


def unsent(page: Page):
    """How many topics the page knows to have changed without being told to what."""
    return page.evaluate(
        """async () => {
            const { shown } = await import(new URL("static/js/store.js", document.baseURI));
            return shown.topicsUnsent;
        }"""
    )


def rows(page: Page):
    """The rows of the table that is shown."""
    return page.get_by_role("main").locator("tbody tr:not(.details)")


def test_the_overview_says_how_long_a_session_lives(page: Page, busy: Site):
    visit(page, busy)
    table = page.get_by_role("table", name="Sessions")
    expect(table.get_by_text("held by a running collection")).to_be_visible()
    soon = table.locator(".countdown")
    expect(soon).to_have_text(re.compile(r"^1 min \d+ s$"))
    expect(soon).to_have_attribute("data-soon", "")
    before = soon.text_content()
    expect(soon).not_to_have_text(str(before))
    busy.session(1, expires_at_epoch_s=time.time() + 3000)
    expect(soon).to_have_text(re.compile(r"^49 min"))
    expect(soon).not_to_have_attribute("data-soon", "")


def test_a_fresh_page_has_the_last_five_minutes_on_its_chart(page: Page, busy: Site):
    visit(page, busy)
    expect(page.get_by_role("img", name=re.compile("Messages per second in the last five minutes"))).to_have_attribute(
        "aria-label", re.compile("at most 39$")
    )
    drawn = """() => {
        const canvas = document.querySelector(".chart canvas");
        const copy = document.createElement("canvas"); // reading the page's own canvas would be remarked on
        const { width, height } = Object.assign(copy, { width: canvas.width, height: canvas.height });
        const context = copy.getContext("2d", { willReadFrequently: true });
        context.drawImage(canvas, 0, 0);
        const at = (x) => context.getImageData(Math.round(width * x), 0, 1, height).data.some((v) => v > 0);
        return at(0.3) && at(0.6) && at(0.9);
    }"""
    page.wait_for_function(drawn)


def test_a_collection_shows_its_progress_and_what_it_keeps(page: Page, busy: Site):
    visit(page, busy)
    table = page.get_by_role("table", name="Collections")
    expect(table).to_contain_text("keeps 500")
    expect(table.get_by_role("progressbar").first).to_have_attribute("max", "30")
    busy.collection(state="limit", messages=500, limit=500)
    expect(table).to_contain_text("limit reached")
    expect(page.get_by_role("button", name="Cancel this collection")).to_have_count(0)


def test_a_call_that_runs_becomes_one_that_is_done(page: Page, monitor: Site):
    running = monitor.call(status="running", summary="slow/#")
    visit(page, monitor, "#/calls")
    expect(rows(page)).to_contain_text(["running"])
    monitor.call(id=running.id, summary="slow/#", duration_ms=1234.0, result_bytes=2048)
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text(["1.2 s"])
    expect(rows(page)).to_contain_text(["2.0 kB"])


def test_filters_of_calls_are_in_the_address_and_survive_a_reload(page: Page, busy: Site):
    busy.call("list_topics", "from/another", session_id=SESSION_IDS[1])
    visit(page, busy, "#/calls")
    expect(rows(page)).to_have_count(6)
    page.get_by_label("Status").select_option("error")
    expect(rows(page)).to_have_count(1)
    page.get_by_label("Status").select_option("")
    page.get_by_label("Session").select_option(SESSION_IDS[1])
    expect(rows(page)).to_contain_text(["from/another"])
    page.get_by_role("searchbox").fill("FROM/")
    expect(page).to_have_url(re.compile(r"calls\.q=FROM"))
    page.reload()
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_role("searchbox")).to_have_value("FROM/")
    page.get_by_role("button", name="Clear filters").click()
    expect(rows(page)).to_have_count(6)
    expect(page).to_have_url(re.compile(r"/#/calls$"))


def test_calls_are_found_by_their_time(page: Page, monitor: Site):
    monitor.call(summary="long/ago", at_epoch_s=time.time() - 1000)
    monitor.call(summary="just/now")
    visit(page, monitor, "#/calls")
    page.get_by_role("combobox", name="Time").select_option("last 5 min")
    expect(rows(page)).to_contain_text(["just/now"])
    expect(rows(page)).to_have_count(1)
    page.get_by_role("combobox", name="Time").select_option("last hour")
    expect(rows(page)).to_have_count(2)
    page.get_by_role("combobox", name="Time").select_option("between …")
    local = page.evaluate(
        "(t) => new Date(t * 1000 - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 16)",
        time.time() - 500,
    )
    page.get_by_label("To", exact=True).fill(local)
    expect(rows(page)).to_contain_text(["long/ago"])
    expect(rows(page)).to_have_count(1)


def test_a_call_leaves_the_last_minute_by_the_time_alone(page: Page, monitor: Site):
    visit(page, monitor, "?calls.time=60#/calls")
    monitor.call(summary="nearly/old", at_epoch_s=time.time() - 57)
    expect(rows(page)).to_contain_text(["nearly/old"])
    expect(page.get_by_text("No call matches these filters.")).to_be_visible()


def test_a_published_message_leads_to_its_call_and_back_to_what_it_published(page: Page, busy: Site):
    visit(page, busy, "?calls.status=ok#/published")
    expect(rows(page).filter(has_text="refused")).to_have_count(1)
    rows(page).filter(has_text="refused").get_by_role("button").click()
    expect(page.get_by_role("tab", selected=True)).to_have_text("Tool calls")
    details = page.locator("tr.details")
    expect(details).to_contain_text('"pattern": "home/#"')
    expect(details.get_by_role("listitem")).to_have_count(5)
    expect(details).to_contain_text("refused")


def test_what_is_cut_or_no_text_is_said_to_be(page: Page, busy: Site):
    visit(page, busy, "#/published")
    row = rows(page).filter(has_text="cam/front")
    expect(row).to_contain_text("base64")
    expect(row).to_contain_text("… truncated, 85.9 kB in all")
    expect(row).to_contain_text("retained")
    expect(rows(page).filter(has_text="home/old")).to_contain_text("(empty)")


def test_one_who_may_not_publish_is_told_to_have_no_tool_for_it(page: Page, monitor: Site):
    monitor.hub.status_now = msgspec.structs.replace(monitor.hub.status_now, publishing="off")
    visit(page, monitor, "#/published")
    expect(page.get_by_text("switched off (read-only): the assistant has no tool for it.")).to_be_visible()
    expect(page.get_by_text("Nothing was published.")).to_be_visible()
    expect(page.get_by_text("is refused")).to_have_count(0)


def test_published_messages_are_exported_as_lines_of_json(page: Page, busy: Site):
    visit(page, busy, "#/published")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export NDJSON").click()
    assert download.value.suggested_filename == "publishes.ndjson"
    lines = [json.loads(line) for line in download.value.path().read_text().splitlines()]
    assert [line["id"] for line in lines] == sorted(p.id for p in busy.hub.all_publishes)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("KITCHEN", ["home/kitchen/light", "home/kitchen/temperature"]),
        ("home/+/temperature", ["home/kitchen/temperature"]),
        ("home/#", ["home/bath/x", "home/kitchen/light", "home/kitchen/temperature"]),
        ("home/kitchen/light/#", ["home/kitchen/light"]),
        ("+/front", ["cam/front"]),
        ("#", ["/leading//empty", "cam/front", "home/bath/x", "home/kitchen/light", "home/kitchen/temperature"]),
        ("home/+", []),
        ("$SYS/#", ["$SYS/broker/uptime"]),
    ],
)
def test_topics_are_found_by_part_and_by_filter(page: Page, busy: Site, wanted, found):
    busy.topic("$SYS/broker/uptime", "5 seconds")
    visit(page, busy, "#/topics")
    page.get_by_role("searchbox").fill(wanted)
    expect(page.get_by_role("heading", name="Topics", exact=True).locator("..")).to_contain_text(f"{len(found)} of 6")
    shown = page.evaluate(
        """async () => {
            const { topicFilter } = await import(new URL("static/js/filtering.js", document.baseURI));
            const matches = topicFilter(document.querySelector("[data-search]").value);
            const { shown } = await import(new URL("static/js/store.js", document.baseURI));
            return shown.topics.map((topic) => topic.topic).filter(matches).sort();
        }"""
    )
    assert shown == found


def test_a_topic_shows_its_last_value_and_moves_with_it(page: Page, busy: Site):
    visit(page, busy, "#/topics")
    leaf = page.locator(".leaf", has_text="temperature")
    expect(leaf).to_contain_text("21.5")
    expect(leaf).to_contain_text("retained")
    busy.topic("home/kitchen/temperature", "22.75")
    expect(leaf).to_contain_text("22.75")
    expect(leaf).to_contain_text("2 messages")
    page.get_by_role("button", name="light").last.click()
    expect(page.get_by_role("group", name="Last value")).to_have_text('{\n  "state": "ON"\n}')
    expect(page.get_by_text("3 topics heard longest ago were forgotten")).to_be_visible()


def test_a_list_of_topics_that_was_overtaken_by_messages_replaces_none_of_them(page: Page, monitor: Site):
    monitor.topics({"a/overtaken": "old", "a/gone": "old", "a/unsent": "old"})
    lists: list[Route] = []

    def hold(route):
        lists.append(route)

    page.route("**/api/v1/topics", hold)
    page.clock.install()
    visit(page, monitor, "#/topics")
    leaf = {name: page.locator(".leaf", has_text=name) for name in ("overtaken", "gone", "unsent", "late")}
    expect(leaf["unsent"]).to_contain_text("old")
    # Of two seconds' messages not all were told; the server answers, and before that arrives another second is told.
    monitor.tell("topic", TopicBatch(items=[], more=2))
    eventually(page, lambda: unsent(page) == 2)
    page.clock.fast_forward(CATCH_UP_MS)
    eventually(page, lambda: lists)
    now = time.time()
    answer = [
        msgspec.structs.replace(topic, at_epoch_s=now, count=5, payload="answered")
        for topic in monitor.hub.all_topics
        if topic.topic != "a/gone"
    ]
    monitor.topics({"a/overtaken": "newer", "a/late": "newer"}, at_epoch_s=now + 0.5, count=6)
    monitor.tell("topic", TopicBatch(items=[], more=3))
    eventually(page, lambda: unsent(page) == 5)
    lists[0].fulfill(json={"items": msgspec.to_builtins(answer), "forgotten": 0})
    expect(leaf["unsent"]).to_contain_text("answered")
    expect(leaf["overtaken"]).to_contain_text("newer")
    expect(leaf["late"]).to_contain_text("newer")
    expect(leaf["gone"]).to_have_count(0)
    eventually(page, lambda: unsent(page) == 3)


def test_topics_are_loaded_anew_each_15_seconds_and_only_where_they_are_shown(page: Page, monitor: Site):
    monitor.topic("home/lamp", "on")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "api/v1/topics" in request.url else None)
    page.clock.install()
    visit(page, monitor)
    monitor.tell("topic", TopicBatch(items=[], more=2))
    eventually(page, lambda: unsent(page) == 2)
    page.clock.fast_forward(CATCH_UP_MS)
    show(page, "topics")
    page.clock.fast_forward(CATCH_UP_MS - 4000)
    monitor.topic("home/lamp", "off")
    expect(page.locator(".leaf", has_text="lamp")).to_contain_text("off")
    assert asked == []
    page.clock.fast_forward(4000)
    eventually(page, lambda: unsent(page) == 0)
    assert len(asked) == 1


def test_of_very_many_topics_some_are_drawn_and_the_rest_is_counted(page: Page, monitor: Site):
    monitor.topics({f"flood/{n % 40}/{n}": "0" for n in range(1990)})
    for _ in range(3):
        monitor.topic("zzz/loud", "1")
    visit(page, monitor, "?topics.sort=count#/topics")
    page.get_by_role("button", name="Open all").click()
    expect(page.locator(".leaf").first).to_contain_text("flood")
    assert 300 <= page.locator(".leaf").count() <= 400
    expect(page.get_by_text(re.compile(r"^1,[56]\d\d topics not shown"))).to_be_visible()
    page.get_by_role("searchbox").fill("zzz")
    expect(page.locator(".leaf").last).to_contain_text("loud")
    expect(page.get_by_text("not shown")).to_have_count(0)


def test_log_lines_are_filtered_and_shown_in_context(page: Page, monitor: Site):
    for number in range(60):
        monitor.log(f"line {number}" if number != 30 else "the needle", "warning" if number == 30 else "info")
    visit(page, monitor, "#/logs")
    page.get_by_label("Level").select_option("warnings and errors")
    lines = page.locator(".log-line")
    expect(lines).to_have_count(1)
    page.get_by_role("button", name="context").click()
    expect(lines).to_have_count(60)
    expect(page.locator("[data-wanted=true]")).to_contain_text("the needle")
    expect(page.locator("[data-wanted=true]")).to_be_in_viewport()
    page.get_by_role("button", name="Back to the filter").click()
    expect(lines).to_have_count(1)


def test_the_log_stays_at_its_end_unless_somebody_reads_above(page: Page, monitor: Site):
    for number in range(200):
        monitor.log(f"line {number}")
    visit(page, monitor, "#/logs")
    expect(page.get_by_text("line 199")).to_be_in_viewport()
    monitor.log("the newest")
    expect(page.get_by_text("the newest")).to_be_in_viewport()
    page.evaluate("document.querySelector('.log').scrollTop = 0")
    expect(page.get_by_role("button", name="To the end")).to_be_visible()
    monitor.log("newer still")
    page.get_by_role("button", name="1 new line").click()
    expect(page.get_by_text("newer still")).to_be_in_viewport()


def test_lost_lines_are_told_where_they_are_missing(page: Page, busy: Site):
    visit(page, busy, "#/logs")
    expect(page.get_by_text("14 lines lost here")).to_be_visible()


def test_the_filtered_log_is_downloaded(page: Page, busy: Site):
    visit(page, busy, "?logs.level=warning#/logs")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    text = download.value.path().read_text()
    assert "WARNING mqtt_mcp.hub: something happened" in text
    assert "ERROR" in text
    assert "INFO" not in text


def test_a_whole_session_id_is_copied(page: Page, context: BrowserContext, busy: Site):
    visit(page, busy)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the whole session id").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == SESSION_IDS[0]
    show(page, "calls")
    expect(rows(page).first).to_be_visible()
