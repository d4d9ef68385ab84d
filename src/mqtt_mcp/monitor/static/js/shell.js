// What is around the views: header, tabs, footer, and the form for the token.

import { download, hasToken, setToken } from "./api.js";
import { bytes, span } from "./format.js";
import { html, useState } from "./html.js";
import { useValue } from "./observable.js";
import { CopyButton, Value } from "./parts.js";
import { go, VIEWS } from "./route.js";
import { useStore } from "./store.js";
import { link } from "./stream.js";
import { Ticking } from "./ticking.js";

export const TITLES = {
  overview: "Overview", findings: "Findings", calls: "Tool calls", published: "Published", topics: "Topics", logs: "Logs",
};

const LIGHTS = {
  connecting: "wait", live: "good", reconnecting: "wait", offline: "bad", paused: "idle", "token needed": "wait", "signed out": "bad",
};

function Light() {
  const { state, detail } = useValue(link);
  const { paused } = useStore("paused");
  const shown = state === "live" && paused ? "paused" : state;
  return html`<span class="light" data-tone=${LIGHTS[shown]}><span role="status" title=${detail}>${shown}</span></span>`;
}

const Fact = ({ name, title, children }) => html`<div class="fact" title=${title}><dt>${name}</dt><dd>${children}</dd></div>`;

const CLOCK = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

export function Header() {
  const { status } = useStore("status");
  return html`<header class="top">
    <div class="brand"><img src="static/icon.svg" alt="" width="24" height="24" /><h1>mqtt-mcp</h1><${Light} /></div>
    ${status && html`<dl class="facts">
      <${Fact} name="Broker">${status.broker ? html`<${Value} text=${status.broker} />` : html`<span class="dim">none configured</span>`}<//>
      <${Fact} name=${status.clients.length > 1 ? "Clients" : "Client"} title="MCP clients; one appears as soon as it says who it is">${status.clients.length
        ? html`<${Value} text=${status.clients.join(", ")} />` : html`<span class="dim">none now</span>`}<//>
      <${Fact} name="Up"><${Ticking} text=${(now) => span(now - status.started_at_epoch_s)} /><//>
      <${Fact} name="Sessions">${status.sessions} / ${status.max_sessions}<//>
      <${Fact} name="Memory">${bytes(status.rss_bytes)}<//>
      <${Fact} name="CPU" title="Share of one core in the last second">${status.cpu_percent.toFixed(status.cpu_percent < 10 ? 1 : 0)} %<//>
      <${Fact} name="Version" title=${`Process ${status.pid}`}>${status.version}<//>
      <${Fact} name="Time" title="The server's time, in your time zone"><${Ticking} always text=${(now) => CLOCK.format(now * 1000)} /><//>
    </dl>`}
    <${Theme} />
  </header>`;
}

function Theme() {
  const [theme, setTheme] = useState(globalThis.mqttMcpTheme.get());
  const choose = (choice) => {
    globalThis.mqttMcpTheme.set(choice);
    setTheme(choice);
  };
  return html`<div class="themes" role="group" aria-label="Theme">${globalThis.mqttMcpTheme.CHOICES.map((choice) =>
    html`<button type="button" key=${choice} aria-pressed=${choice === theme} onClick=${() => choose(choice)}>${choice}</button>`)}</div>`;
}

/** What is wrong with the connection, in a sentence, under the header. */
export function Trouble() {
  const { state, detail } = useValue(link);
  if (!detail || state === "token needed") return null;
  return html`<p class="trouble" data-tone=${LIGHTS[state]}>${detail} ${state === "signed out" &&
    html`<button type="button" onClick=${() => location.reload()}>Reload the page</button>`}</p>`;
}

export function Tabs({ view }) {
  const arrows = (event) => {
    const steps = { ArrowRight: 1, ArrowLeft: -1, Home: -VIEWS.indexOf(view), End: VIEWS.length - 1 - VIEWS.indexOf(view) };
    if (!Object.hasOwn(steps, event.key) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = VIEWS[(VIEWS.indexOf(view) + steps[event.key] + VIEWS.length) % VIEWS.length];
    go(next);
    document.getElementById(`tab-${next}`).focus();
  };
  return html`<nav class="tabs" aria-label="Views"><div role="tablist" aria-label="Views" onKeyDown=${arrows}>${VIEWS.map((name, i) =>
    html`<button type="button" role="tab" key=${name} id=${`tab-${name}`} aria-selected=${name === view} aria-controls="view"
      tabindex=${name === view ? 0 : -1} title=${`Key ${i + 1}`} onClick=${() => go(name)}>${TITLES[name]}</button>`)}</div></nav>`;
}

export function Footer() {
  const address = new URL("api/v1/snapshot", document.baseURI).href;
  const curl = `curl -s ${hasToken() ? "-H \"Authorization: Bearer $TOKEN\" " : ""}${address}`;
  const [failure, setFailure] = useState("");
  const save = async (path, name) => {
    setFailure("");
    try {
      await download(path, name);
    } catch (error) {
      setFailure(error.message);
    }
  };
  const way = (path, name, text) => hasToken()
    ? html`<button type="button" class="link" title=${`Saves ${name}`} onClick=${() => save(path, name)}>${text}</button>`
    : html`<a href=${path}>${text}</a>`;
  return html`<footer>
    <p>Everything here is also data: ${way("api/v1/openapi.json", "openapi.json", "OpenAPI description")},${" "}
      ${way("metrics", "metrics.txt", "Prometheus metrics")}${" or "}
      <code>${curl}</code> <${CopyButton} text=${curl} label="Copy the command" /></p>
    <div role="alert">${failure && html`<p class="failure">The download failed: <${Value} text=${failure} /></p>`}</div>
    <p class="keys"><kbd>1</kbd>–<kbd>${VIEWS.length}</kbd> views <kbd>/</kbd> search <kbd>p</kbd> pause <kbd>Esc</kbd> leave a field</p>
  </footer>`;
}

export function TokenForm() {
  const { detail } = useValue(link);
  const [token, setText] = useState("");
  const submit = (event) => {
    event.preventDefault();
    if (!token.trim()) return;
    setToken(token.trim());
    dispatchEvent(new Event("tokenchange"));
  };
  return html`<section class="panel token" aria-labelledby="title-token">
    <h2 id="title-token">This monitor asks for its token</h2>
    <form onSubmit=${submit}>
      <label for="token">Token</label>
      <input id="token" type="password" autocomplete="off" value=${token} onInput=${(event) => setText(event.currentTarget.value)} />
      <button type="submit" class="primary">Open the monitor</button>
    </form>
    <div role="alert">${detail && html`<p class="failure">${detail}</p>`}</div>
    <p class="dim">It is the token that <code>mqtt-mcp serve</code> was configured with: <code>--token-file</code> or <code>MQTT_MCP_MONITOR_TOKEN_FILE</code>.
      Open <code>${`${location.origin}${location.pathname}#token=…`}</code> or type it here; it stays in this tab.</p>
  </section>`;
}
