"""Row ``page``: a browser that shows the monitor while 5,000 messages a second go into two collections.

What the page's main thread is busy with is Chromium's own account (``Performance.getMetrics``, ``TaskDuration``) over
the time of the flood. Needs Chromium and playwright.
"""

import shutil
import time
from typing import Any

from benchmarks.client import BenchError
from benchmarks.daemon import running_daemon
from benchmarks.processes import cpu_ns
from benchmarks.publisher import Flood
from benchmarks.report import Line, at_most, both
from benchmarks.setting import Setting

RATE = 5_000
FLOOD_S = 20.0
WATCH_S = 25
ROOTS = ["one", "two"]
MAX_MAIN_THREAD = 15.0
VIEWS = ("overview", "topics")


def measure(setting: Setting) -> list[Line]:
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only this row needs it
    except ImportError:
        raise BenchError("playwright is not installed") from None
    chromium = shutil.which("chromium") or shutil.which("chromium-headless-shell")
    if chromium is None:
        raise BenchError("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        lines = [_watched(setting, browser, view) for view in VIEWS]
        browser.close()
        return lines


def _watched(setting: Setting, browser: Any, view: str) -> Line:
    with running_daemon(setting) as daemon, setting.window(daemon.socket) as client:
        client.initialize()
        session = client.call("establish_connection", {})["session_id"]
        page = browser.new_page()
        page.goto(f"{daemon.url}#/{view}")
        page.get_by_role("status").get_by_text("live").wait_for(timeout=10_000)
        metrics = page.context.new_cdp_session(page)
        metrics.send("Performance.enable")
        flood = Flood(setting.quiet.port, rate=RATE, seconds=FLOOD_S, roots=ROOTS, cwd=setting.cwd)
        with flood:
            calls = [
                client.send_call(
                    "subscribe_and_collect",
                    {"session_id": session, "topic_pattern": f"{root}/#", "duration": WATCH_S, "wait_s": WATCH_S + 5},
                )[0]
                for root in ROOTS
            ]
            time.sleep(1.0)  # both are subscribed
            before, began_s, server_ns = _task_s(metrics), time.monotonic(), cpu_ns(daemon.pid)
            flood.start()
            while not flood.over:
                page.wait_for_timeout(200)
            busy = 100 * (_task_s(metrics) - before) / (time.monotonic() - began_s)
            server = (cpu_ns(daemon.pid) - server_ns) / 1e7 / (time.monotonic() - began_s)
            sent = int(flood.wait()["sent"])
        results = [client.wait(call, WATCH_S + 20).message["result"]["structuredContent"] for call in calls]
        page.close()
    seen = sum(int(result["observed"]["messages"]) for result in results)
    return Line(
        row="page",
        what=f"a page on its {view} view, {RATE:,} msg/s into two collections",
        bar=f"nothing lost, main thread ≤ {MAX_MAIN_THREAD:g} %",
        measured=f"{seen:,} of {sent:,} seen; main thread {busy:.1f} %; serve {server:.0f} % of a core",
        compared_with="",
        verdict=both(at_most(busy, MAX_MAIN_THREAD, "%"), at_most(sent - seen, 0, "messages")),
        values={"main_thread_percent": busy, "lost": sent - seen, "serve_percent": server},
    )


def _task_s(metrics: Any) -> float:
    found = metrics.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in found if metric["name"] == "TaskDuration"))
