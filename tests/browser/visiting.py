"""What a visitor does on every page."""

from typing import Any

from playwright.sync_api import Locator, Page, expect

from browser.site import Site

VIEWS = ["overview", "findings", "calls", "published", "topics", "logs"]
TITLES = {
    "overview": "Sessions",
    "findings": "Findings",
    "calls": "Tool calls",
    "published": "Published by the assistant",
    "topics": "Topics",
    "logs": "Log of mqtt-mcp",
}


def light(page: Page) -> Locator:
    """The link light."""
    return page.get_by_role("status")


def visit(page: Page, site: Site, address: str = "") -> None:
    """Open the monitor and wait until it is live and its view is drawn."""
    page.goto(site.url + address)
    expect(light(page)).to_have_text("live")
    expect(page.get_by_role("tabpanel").get_by_role("heading").first).to_be_visible()


def show(page: Page, view: str) -> None:
    """Go to a view by its tab."""
    page.get_by_role("tab").nth(VIEWS.index(view)).click()
    expect(page.get_by_role("heading", name=TITLES[view], exact=True)).to_be_visible()


def hide(page: Page, hidden: bool) -> None:
    """Make the page believe that its tab is hidden or shown; a headless browser shows all."""
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def eventually(page: Page, condition: Any) -> None:
    """Wait, bounded, until something in this process is so."""
    for _ in range(400):
        if condition():
            return
        page.wait_for_timeout(25)
    raise AssertionError("it did not come true in time")
