"""What strangers write is shown and does nothing: it is text on every view, and cannot reorder what is beside it."""

import pytest
from playwright.sync_api import Page, expect

from browser.site import Site, fill
from browser.visiting import VIEWS, show, visit

pytestmark = pytest.mark.browser

MARKUP = '"><img src=x onerror="window.__pwned=1"><script>window.__pwned=2</script>'
TEXT = f"{MARKUP}\u202egnp.exe\u2066javascript:window.__pwned=3"

WHERE_IT_IS = """text => ({
    pwned: window.__pwned,
    elements: document.querySelectorAll("#app script, #app iframe, #app a[href^='javascript'], #app img").length,
    attributes: [...document.querySelectorAll("#app *")].flatMap((element) => [...element.attributes]
        .filter((attribute) => attribute.value.includes("__pwned"))
        .map((attribute) => `${element.tagName} ${attribute.name}`)),
    loose: [...document.querySelectorAll("#app *")].filter((element) =>
        [...element.childNodes].some((node) => node.nodeType === 3 && node.data.includes("\\u202e"))
        && getComputedStyle(element).unicodeBidi !== "isolate").map((element) => element.outerHTML.slice(0, 200)),
})"""


@pytest.mark.parametrize("view", VIEWS)
def test_hostile_text_is_inert(page: Page, monitor: Site, view):
    fill(monitor, TEXT)
    visit(page, monitor)
    show(page, view)
    expect(page.get_by_role("main").get_by_text("window.__pwned=2").first).to_be_visible()
    page.evaluate("document.querySelectorAll('.opener[aria-expanded=false]').forEach((opener) => opener.click())")
    found = page.evaluate(WHERE_IT_IS, TEXT)
    assert found == {"pwned": None, "elements": 1, "attributes": [], "loose": []}, "the one image is the icon"


def test_hostile_text_is_inert_in_a_question(page: Page, monitor: Site):
    fill(monitor, TEXT)
    visit(page, monitor)
    page.get_by_role("button", name="Close session e3e70682").click()
    expect(page.get_by_role("dialog").get_by_text("window.__pwned=2")).to_be_visible()
    found = page.evaluate(WHERE_IT_IS, TEXT)
    assert found == {"pwned": None, "elements": 1, "attributes": [], "loose": []}


def test_a_state_of_a_newer_server_is_shown_without_becoming_a_class(page: Page, monitor: Site):
    """Only states that are known choose a colour."""
    visit(page, monitor)
    monitor.tell("call", {**_as_json(monitor), "status": "constructor"})
    expect(page.locator(".state", has_text="constructor")).to_have_attribute("data-tone", "idle")


def test_events_of_a_newer_server_are_let_go(page: Page, monitor: Site):
    visit(page, monitor)
    monitor.tell("__proto__", {"a": 1})
    monitor.tell("hologram", {"a": 1})
    monitor.call(summary="still/alive")
    expect(page.get_by_text("still/alive")).to_be_visible()


def _as_json(monitor: Site) -> dict[str, object]:
    call = monitor.call()
    return {name: getattr(call, name) for name in call.__struct_fields__}
