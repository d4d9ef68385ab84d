"""What the browser is made to refuse: foreign pages, scripts from text, and every way out of this host."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from browser.site import COLLECTION_ID, SESSION_IDS, Site, site
from browser.visiting import VIEWS, show, visit
from mqtt_mcp.monitor.access import Access

pytestmark = pytest.mark.browser

ATTACKS = """async ({ url, session, collection }) => {
    const paths = ["api/v1/snapshot", "api/v1/status", "metrics", "api/v1/publishes.ndjson"];
    const inits = [
        {}, { mode: "no-cors" }, { credentials: "include" }, { mode: "no-cors", credentials: "include" },
        { headers: { "X-MQTT-MCP": "1" } }, { headers: { Authorization: "Bearer s3cret" } },
    ];
    const close = `api/v1/sessions/${session}`;
    const cancel = `api/v1/collections/${collection}/cancel`;
    const writes = [
        [close, { method: "DELETE" }],
        [close, { method: "DELETE", headers: { "X-MQTT-MCP": "1" } }],
        [cancel, { method: "POST" }],
        [cancel, { method: "POST", mode: "no-cors", body: "x" }],
        [cancel, { method: "POST", credentials: "include", headers: { "X-MQTT-MCP": "1" } }],
    ];
    const read = [];
    for (const [path, init] of [...paths.flatMap((path) => inits.map((init) => [path, init])), ...writes]) {
        try {
            const response = await fetch(url + path, init);
            const text = await response.text();
            if (response.type !== "opaque" || text) read.push([path, init, response.status, text.slice(0, 80)]);
        } catch (error) {
            // Refused, as it should be.
        }
    }
    return read;
}"""

FORBIDDEN = """() => new Promise((resolve) => setTimeout(async () => {
    // In a task of the page's own: what the debugger calls directly is exempt from the policy.
    const outcome = {};
    const attempt = async (name, act) => {
        try {
            await act();
            outcome[name] = "done";
        } catch (error) {
            outcome[name] = error.name;
        }
    };
    await attempt("eval", () => eval("1"));
    await attempt("Function", () => new Function("return 1")());
    await attempt("innerHTML", () => { document.createElement("div").innerHTML = "<b>x</b>"; });
    await attempt("script", () => { document.createElement("script").text = "window.__ran = 1"; });
    await attempt("policy", () => trustedTypes.createPolicy("mine", {}));
    await attempt("fetch", () => fetch("http://127.0.0.2:9/"));
    const image = new Image();
    await attempt("image", () => new Promise((resolve, reject) => {
        image.onload = resolve;
        image.onerror = () => reject(new Error());
        image.src = "http://127.0.0.2:9/x.png";
    }));
    await attempt("srcdoc", () => { document.createElement("iframe").srcdoc = "x"; });
    await attempt("onclick", () => document.createElement("div").setAttribute("onclick", "window.__ran = 2"));
    resolve(outcome);
}))"""


@pytest.fixture
def foreign_page():
    """The address of a page of another origin: the same machine, another port."""

    class Blank(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><link rel=icon href=data:,><title>another</title>")

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Blank) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize("token", ["", "s3cret"])
def test_a_page_of_another_origin_can_neither_read_nor_write(page: Page, foreign_page, console, token):
    with site(access=Access(token=token)) as monitor:
        monitor.session()
        monitor.collection()
        page.goto(foreign_page)
        attack = {"url": monitor.url, "session": SESSION_IDS[0], "collection": COLLECTION_ID}
        assert page.evaluate(ATTACKS, attack) == []
        assert monitor.hub.acted == []
        assert list(monitor.hub.open_sessions) == [SESSION_IDS[0]]
    console.clear()


def test_a_page_of_another_origin_cannot_frame_ours_or_use_its_scripts(page: Page, foreign_page, console, busy: Site):
    page.goto(foreign_page)
    loaded = page.evaluate(
        """async (url) => {
            const outcome = (tag, set) => new Promise((resolve) => {
                const element = document.createElement(tag);
                element.onload = () => resolve("loaded");
                element.onerror = () => resolve("refused");
                set(element);
                document.body.append(element);
            });
            const script = await outcome("script", (element) => { element.src = url + "static/js/theme.js"; });
            await outcome("iframe", (element) => { element.src = url; });
            return script;
        }""",
        busy.url,
    )
    assert loaded == "refused"
    assert busy.streams == 0
    frames = [frame.url for frame in page.frames if frame != page.main_frame]
    assert all(url.startswith("chrome-error:") for url in frames), frames
    console.clear()


def test_the_policy_refuses_scripts_from_text_and_ways_out(page: Page, busy: Site, console):
    visit(page, busy)
    outcome = page.evaluate(FORBIDDEN)
    assert outcome == {
        "eval": "EvalError",
        "Function": "EvalError",
        "innerHTML": "TypeError",
        "script": "TypeError",
        "policy": "TypeError",
        "fetch": "TypeError",
        "image": "Error",
        "srcdoc": "TypeError",
        "onclick": "TypeError",
    }
    assert page.evaluate("window.__ran") is None
    assert len(console) >= 5, "the browser told about each"
    console.clear()


def test_no_request_leaves_the_host_and_no_cookie_is_set(page: Page, context: BrowserContext, busy: Site):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    visit(page, busy)
    for view in VIEWS:
        show(page, view)
    with page.expect_download():
        page.get_by_role("button", name="Download").click()
    show(page, "published")
    with page.expect_download():
        page.get_by_role("button", name="Export NDJSON").click()
    assert [url for url in asked if not url.startswith((busy.url, f"blob:{busy.url}"))] == []
    assert any("static/vendor/preact.mjs" in url for url in asked)
    assert context.cookies() == []


def test_the_links_of_the_page_lead_to_the_server_and_nowhere_else(page: Page, busy: Site):
    visit(page, busy)
    links = page.evaluate("[...document.querySelectorAll('a')].map((link) => link.href)")
    assert links == [f"{busy.url}api/v1/openapi.json", f"{busy.url}metrics"]
    for link in links:
        assert page.request.get(link).status == 200
    expect(page.get_by_text(f"curl -s {busy.url}api/v1/snapshot")).to_be_visible()
