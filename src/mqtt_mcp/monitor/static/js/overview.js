// The first screen: is it doing anything, and is it all right?

import { CallsTable } from "./calls_table.js";
import { Chart } from "./chart.js";
import { Collections } from "./collections.js";
import { LastFindings } from "./findings.js";
import { bytes, count, plural } from "./format.js";
import { html } from "./html.js";
import { Empty, Panel, SEVERITIES, Time, Value } from "./parts.js";
import { go } from "./route.js";
import { Sessions } from "./sessions.js";
import { useStore } from "./store.js";

const CALLS = 12;
const CHANGES = 14;

export function Overview() {
  return html`<div class="stack">
    <${Totals} />
    <${Sessions} />
    <div class="columns">
      <div class="stack"><${LastFindings} /><${Collections} /><${LastCalls} /></div>
      <div class="stack">
        <${Panel} id="rate" title="Messages per second"><${Chart} /><//>
        <${Changes} />
      </div>
    </div>
  </div>`;
}

const PUBLISHING = { on: "", limited: "limited to allowed topics", off: "off: read-only" };

function Totals() {
  const { status } = useStore("status");
  if (!status) return null;
  return html`<ul class="totals" aria-label="Totals since the start">
    <${Total} name="Received" value=${status.messages_in} note=${`${count(status.in_per_s)}/s now · ${bytes(status.bytes_in)}`} />
    <${Total} name="Dropped" value=${status.messages_dropped} tone=${status.messages_dropped ? "wait" : ""}
      note=${status.messages_dropped ? "we were too slow" : "nothing lost"} />
    <${Total} name="Tool calls" value=${status.calls} tone=${status.calls_failed ? "bad" : ""}
      note=${status.calls_failed ? `${count(status.calls_failed)} failed` : "none failed"} />
    <${Total} name="Published" value=${status.publishes} tone=${status.publishes_refused ? "bad" : ""}
      note=${status.publishes_refused ? `${count(status.publishes_refused)} refused` : PUBLISHING[status.publishing] || "none refused"} />
    <${Total} name="Findings" value=${Object.values(status.findings).reduce((sum, n) => sum + n, 0)}
      tone=${status.findings.critical || status.findings.high ? "bad" : ""} note=${worst(status.findings)} />
    <${Total} name="Topics" value=${status.topics}
      note=${status.topics_forgotten ? `${count(status.topics_forgotten)} forgotten` : "heard by the assistant"} />
  </ul>`;
}

/** The two worst severities there are. */
const worst = (found) =>
  SEVERITIES.filter((name) => found[name]).slice(0, 2).map((name) => `${count(found[name])} ${name}`).join(" · ") || "nothing wrong was told";

const Total = ({ name, value, note, tone = "" }) =>
  html`<li class="total"><span class="dim">${name}</span><b>${count(value)}</b><span class="total-note" data-tone=${tone}>${note}</span></li>`;

function LastCalls() {
  const { calls } = useStore("calls");
  const tools = calls.length > CALLS && html`<button type="button" class="quiet" onClick=${() => go("calls")}>All ${plural(calls.length, "call")}</button>`;
  return html`<${Panel} id="last-calls" title="Last tool calls" tools=${tools}>
    ${calls.length
      ? html`<${CallsTable} label="Last tool calls" calls=${calls.slice(0, CALLS)} />`
      : html`<${Empty} title="No tool call yet.">The first one appears here the moment your assistant asks for something.<//>`}
  <//>`;
}

const TONES = {
  session_opened: "good", session_lost: "bad", session_restored: "good", session_ended: "idle", collection_started: "busy",
  collection_ended: "idle", client_came: "good", client_went: "idle", person_acted: "wait",
};

function Changes() {
  const { changes } = useStore("changes");
  return html`<${Panel} id="changes" title="Recent changes">
    ${changes.length
      ? html`<ol class="changes">${changes.slice(0, CHANGES).map((change) => html`<li key=${change.id}>
          <${Time} at=${change.at_epoch_s} /><span class="dot" data-tone=${(Object.hasOwn(TONES, change.kind) && TONES[change.kind]) || "idle"}></span>
          <${Value} text=${change.text} /></li>`)}</ol>`
      : html`<${Empty} title="Nothing happened yet." />`}
  <//>`;
}

