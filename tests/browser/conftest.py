"""Fixtures of the browser's tests: a real Chromium, and a page that fails its test by any word on its console."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from browser.site import PATIENCE_S, Site, fill, site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The shell first: the same engine without a window of its own takes half the time."""
CHROMIUM = next((found for name in BROWSERS if (found := shutil.which(name))), None)
REQUIRED = os.environ.get("TEST_REQUIRE_BROWSER") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here that wants a page needs a browser."""
    for item in items:
        if "browser" in item.path.parts and {"page", "context", "browser"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.browser)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Skip files that cannot even be imported without Playwright; where it is demanded, importing them fails."""
    missing = importlib.util.find_spec("playwright") is None
    if missing and not REQUIRED and "playwright" in module_path.read_text():
        return Untested.from_parent(parent, path=module_path)
    return None


class Untested(pytest.Module):
    """A file that is not imported."""

    def collect(self) -> Iterator[pytest.Item]:
        """Say why."""
        pytest.skip("NOT TESTED: playwright is not installed (pip install playwright)", allow_module_level=True)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip where there is no browser, or fail where it is demanded."""
    if item.get_closest_marker("browser") is None or CHROMIUM is not None:
        return
    if REQUIRED:
        pytest.fail("Chromium is not installed, and TEST_REQUIRE_BROWSER=1 demands it", pytrace=False)
    pytest.skip("NOT TESTED: Chromium is not installed (apt install chromium-headless-shell)")


# Once per file and not per run: Playwright keeps an event loop in this thread, which other tests must not find.
@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Chromium of this machine; nothing is downloaded."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_S * 1000)
    with sync_playwright() as playwright:
        # Chromium's own sandbox refuses to be started by root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: "Browser") -> "Iterator[BrowserContext]":
    """A fresh profile."""
    made = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", accept_downloads=True)
    made.set_default_timeout(PATIENCE_S * 1000)
    yield made
    made.close()


@pytest.fixture
def console() -> list[str]:
    """What the page said on its console; a test that expects something clears it."""
    return []


@pytest.fixture
def page(request: pytest.FixtureRequest, context: "BrowserContext", console: list[str]) -> "Iterator[Page]":
    """A tab; whatever it says on its console that the test did not expect fails the test."""
    # Servers first, so that they outlive the tab: what it says about one that has ended is not meant.
    for server in {"monitor", "locked", "hub"} & set(request.fixturenames):
        request.getfixturevalue(server)
    made = context.new_page()
    made.on("console", lambda message: console.append(f"{message.type}: {message.text}"))
    made.on("pageerror", lambda error: console.append(f"error: {error}"))
    yield made
    made.close()
    assert console == []


@pytest.fixture
def monitor() -> Iterator[Site]:
    """A monitor where nothing has happened yet."""
    with site() as made:
        yield made


@pytest.fixture
def busy(monitor: Site) -> Site:
    """A monitor with something of everything."""
    fill(monitor)
    return monitor


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility checker, as a script."""
    spec = importlib.util.find_spec("axe_playwright_python")
    if spec is None or spec.submodule_search_locations is None:
        told = "axe is not installed (pip install axe-playwright-python)"
        if REQUIRED:
            pytest.fail(f"{told}, and TEST_REQUIRE_BROWSER=1 demands it", pytrace=False)
        pytest.skip(f"NOT TESTED: {told}")
    return (Path(spec.submodule_search_locations[0]) / "axe.min.js").read_text()


def violations(page: "Page", axe: str) -> list[Any]:
    """What axe finds wrong with a page, rule and place."""
    page.evaluate(axe)  # by the debugger: the page's policy would refuse a script tag
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("rules => axe.run(document, { runOnly: rules })", rules)
    return [(v["id"], [n["html"] for n in v["nodes"]]) for v in found["violations"]]
