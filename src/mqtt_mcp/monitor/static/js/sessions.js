// The MQTT sessions that are open now.

import { askToClose } from "./ask.js";
import { bytes, count, plural, shortId, span } from "./format.js";
import { html, memo } from "./html.js";
import { Cell, CopyButton, Empty, Panel, SessionLink, Sparkline, State, Table, Value } from "./parts.js";
import { useStore } from "./store.js";
import { Ticking } from "./ticking.js";

const SOON_S = 120;
const FILTERS_SHOWN = 3;

export function Sessions() {
  const { sessions, collections, status } = useStore("sessions", "collections", "status");
  const actions = status?.actions ?? false;
  const columns = [
    { title: "Session" }, { title: "State" }, { title: "Expires in" }, { title: "Subscriptions" },
    { title: "In / out", number: true }, { title: "Last minute" }, ...(actions ? [{ title: "Action", hidden: true }] : []),
  ];
  const note = status && `${sessions.length} of ${status.max_sessions}${actions || !sessions.length ? "" : ` · ${WHY_NO_ACTIONS}`}`;
  return html`<${Panel} id="sessions" title="Sessions" note=${note}>
    ${sessions.length
      ? html`<${Table} label="Sessions" columns=${columns} class="sessions">${sessions.map((session) => html`<${Row} key=${session.id}
          session=${session} actions=${actions} running=${isRunning(collections, session.id)} />`)}<//>`
      : html`<${Empty} title="No session yet.">Ask your assistant: <q>Which topics are there?</q> It opens one by itself.<//>`}
  <//>`;
}

export const WHY_NO_ACTIONS = "closing and cancelling are switched off for this page";

const isRunning = (collections, sessionId) => collections.some((row) => row.session_id === sessionId && row.state === "running");

const Row = memo(({ session, actions, running }) => html`<tr role="row">
  <${Cell} of="Session">
    <span class="id"><${SessionLink} id=${session.id} /><${CopyButton} text=${session.id} label="Copy the whole session id" /></span>
    <div class="under"><${Value} text=${session.client_id} /></div>
    <div class="under"><${Value} text=${session.profile || session.broker} /> · ${session.protocol}</div>
  <//>
  <${Cell} of="State">
    <${State} of="session" is=${session.state} />
    ${session.trouble && html`<div class="under"><${Value} text=${session.trouble} /></div>`}
    ${session.reconnects > 0 && html`<div class="under">${plural(session.reconnects, "reconnect")}</div>`}
  <//>
  <${Cell} of="Expires in">
    ${session.held
      ? html`<span class="held" title="The countdown starts when the collection has ended.">held by a running collection</span>`
      : html`<${Ticking} class="countdown" text=${(now) => countdown(session.expires_at_epoch_s - now)}
          soon=${(now) => session.expires_at_epoch_s - now < SOON_S} />`}
    ${session.clients === 0 && html`<div class="under">no client uses it</div>`}
  <//>
  <${Cell} of="Subscriptions"><${Filters} filters=${session.subscriptions} /><//>
  <${Cell} of="In / out" number>
    <span title=${`${bytes(session.bytes_in)} in, ${bytes(session.bytes_out)} out`}>${count(session.messages_in)} / ${count(session.messages_out)}</span>
    ${session.messages_dropped > 0 && html`<div class="under" data-tone="wait">${count(session.messages_dropped)} dropped</div>`}
  <//>
  <${Cell} of="Last minute"><${Sparkline} rate=${session.rate} /><//>
  ${actions && html`<${Cell} of="Action" class="action"><button type="button" aria-label=${`Close session ${shortId(session.id)}`}
    onClick=${() => askToClose(session, running)}>Close</button><//>`}
</tr>`);

const countdown = (seconds) => (seconds <= 0 ? "any moment" : span(seconds));

export const Filters = ({ filters }) => filters.length === 0
  ? html`<span class="dim">none</span>`
  : html`<ul class="filters">${filters.slice(0, FILTERS_SHOWN).map((filter) => html`<li key=${filter}><${Value} text=${filter} /></li>`)}
    </ul>${filters.length > FILTERS_SHOWN && html`<details><summary>and ${count(filters.length - FILTERS_SHOWN)} more</summary>
      <ul class="filters">${filters.slice(FILTERS_SHOWN).map((filter) => html`<li key=${filter}><${Value} text=${filter} /></li>`)}</ul></details>`}`;
