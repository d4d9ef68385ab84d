// Tool calls as rows that open: on the overview and in their own view.

import { bytes, took } from "./format.js";
import { html, memo, useEffect, useRef, useState } from "./html.js";
import { Cell, CopyButton, Payload, SessionLink, State, Table, Time, Value } from "./parts.js";
import { useStore } from "./store.js";
import { Ticking } from "./ticking.js";

const COLUMNS = [
  { title: "Time" }, { title: "Tool" }, { title: "Main argument" }, { title: "Status" }, { title: "Took", number: true },
  { title: "Result", number: true },
];

/** `opened` is the id of a call that is open from the start and scrolled to, or 0. */
export function CallsTable({ label, calls, opened = 0 }) {
  const [open, setOpen] = useState(() => new Set());
  useEffect(() => {
    if (opened) setOpen((before) => new Set(before).add(opened));
  }, [opened]);
  const [toggle] = useState(() => (id) => setOpen((before) => {
    const after = new Set(before);
    if (!after.delete(id)) after.add(id);
    return after;
  }));
  return html`<${Table} label=${label} columns=${COLUMNS} class="calls">${calls.flatMap((call) => [
    html`<${Row} key=${call.id} call=${call} open=${open.has(call.id)} wanted=${call.id === opened} toggle=${toggle} />`,
    open.has(call.id) && html`<${Details} key=${`${call.id} details`} call=${call} />`,
  ])}<//>`;
}

const Row = memo(({ call, open, wanted, toggle }) => {
  const row = useRef();
  useEffect(() => {
    if (wanted) row.current.scrollIntoView({ block: "center" });
  }, [wanted]);
  // The whole row can be clicked; the button is there for the keyboard.
  const click = (event) => {
    if (!event.target.closest("button") && !getSelection().toString()) toggle(call.id);
  };
  return html`<tr role="row" ref=${row} class="opens" onClick=${click}>
    <${Cell} of="Time"><button type="button" class="quiet opener" aria-expanded=${open} aria-label=${`Details of ${call.tool}`}
      onClick=${() => toggle(call.id)}></button><${Time} at=${call.at_epoch_s} /><//>
    <${Cell} of="Tool"><b class="tool"><${Value} text=${call.tool} /></b><//>
    <${Cell} of="Main argument" class="wide"><span class="mono"><${Value} text=${call.summary} /></span>
      ${call.error && !open && html`<div class="under one-line" data-tone="bad"><${Value} text=${call.error} /></div>`}<//>
    <${Cell} of="Status"><${State} of="call" is=${call.status} /><//>
    <${Cell} of="Took" number>${call.duration_ms === undefined && call.status === "running"
      ? html`<${Ticking} text=${(now) => took(Math.max(0, Math.floor(now - call.at_epoch_s)) * 1000 || 999)} />`
      : call.duration_ms !== undefined && took(call.duration_ms)}<//>
    <${Cell} of="Result" number>${call.result_bytes ? bytes(call.result_bytes) : html`<span class="dim">–</span>`}<//>
  </tr>`;
});

function Details({ call }) {
  const { publishes } = useStore("publishes");
  const published = publishes.filter((publish) => publish.call_id === call.id);
  const args = JSON.stringify(call.args, null, 2);
  return html`<tr role="row" class="details"><td role="cell" colspan=${COLUMNS.length}>
    ${call.error && html`<h3>Error</h3><p class="failure"><${Value} text=${call.error} block /></p>`}
    <h3>Arguments <${CopyButton} text=${args} label="Copy the arguments" /></h3>
    <div class="code" tabindex="0" role="group" aria-label="Arguments"><${Value} text=${args} block /></div>
    ${published.length > 0 && html`<h3>Published</h3><ul class="plain">${published.map((publish) => html`<li key=${publish.id}>
      <span class="mono"><${Value} text=${publish.topic} /></span> ← <span class="mono"><${Payload} of=${publish} /></span> <${State} of="outcome" is=${publish.outcome} /></li>`)}</ul>`}
    <p class="dim">Call ${call.id} by <${Value} text=${call.client || "an unnamed client"} />${call.session_id && html` on session <${SessionLink} id=${call.session_id} />`}</p>
  </td></tr>`;
}
