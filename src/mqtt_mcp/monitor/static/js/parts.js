// The small pieces that every view is made of.

import * as format from "./format.js";
import { html, memo, useEffect, useRef, useState } from "./html.js";
import { go } from "./route.js";
import { setPaused, useStore } from "./store.js";

/** Text that came from a broker, a client or a person: isolated, so that it cannot reorder what stands beside it. */
export const Value = ({ text, block = false }) =>
  html`<span class=${block ? "value block" : "value"}>${text}</span>`;

// States of the server and how they look; a state that is not here is shown as plain text without a colour.
const STATES = {
  session: { connecting: ["wait"], connected: ["good"], reconnecting: ["wait"], ended: ["idle"] },
  collection: {
    running: ["busy"], duration: ["good", "time is up"], limit: ["good", "limit reached"], quiet: ["good", "fell quiet"],
    cancelled: ["wait"], disconnected: ["bad"], closed: ["wait", "session closed"],
  },
  call: { running: ["busy"], ok: ["good"], error: ["bad"], timeout: ["bad"], cancelled: ["wait"] },
  outcome: {
    acknowledged: ["good"], sent: ["good"], not_sent: ["bad", "not sent"], unknown: ["wait"], refused: ["bad"],
  },
  level: { debug: ["idle"], info: ["calm"], warning: ["wait"], error: ["bad"] },
};

export function State({ of, is }) {
  const [tone, words] = (Object.hasOwn(STATES[of], is) && STATES[of][is]) || ["idle"];
  return html`<span class="state" data-tone=${tone}>${words ?? is}</span>`;
}

export const SEVERITIES = ["critical", "high", "medium", "low", "info"];

const SEVERITY_TONES = { critical: "bad", high: "bad", medium: "wait", low: "calm", info: "idle" };

/** How bad it is: a word, as many bars as it is bad, and a colour. */
export function Severity({ is }) {
  const known = Object.hasOwn(SEVERITY_TONES, is);
  const bars = known ? SEVERITIES.length - SEVERITIES.indexOf(is) : 0;
  return html`<span class="severity" data-tone=${known ? SEVERITY_TONES[is] : "idle"}><span class="bars" aria-hidden="true">${
    SEVERITIES.map((_, i) => html`<i key=${i} data-full=${i < bars}></i>`)}</span>${is}</span>`;
}

/** Local time; the title has it in UTC. */
export const Time = ({ at }) =>
  html`<time class="time" datetime=${new Date(at * 1000).toISOString()} title=${format.utc(at)}>${format.localTime(at)}</time>`;

const ENCODINGS = {
  base64: ["base64", "These bytes are no text."],
  sha256: ["SHA-256", "The server is set up to show only the digest of payloads."],
  hidden: ["hidden", "The server is set up not to show payloads."],
};

/** A payload, with everything that must be said about it: what is missing, and how it is written. */
export function Payload({ of, block = false }) {
  const [badge, why] = ENCODINGS[of.encoding] ?? [];
  const text = block && of.encoding === "utf-8" && !of.truncated ? format.readable(of.payload) : of.payload;
  return html`${badge && html`<span class="badge" title=${why}>${badge}</span> `}${
    of.size_bytes === 0
      ? html`<span class="dim">(empty)</span>`
      : text && html`<${Value} text=${text} block=${block} />`
  }${of.truncated && html`${" "}<span class="cut">… truncated, ${format.bytes(of.size_bytes)} in all</span>`}`;
}

export function CopyButton({ text, label }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => setCopied(await toClipboard(text));
  return html`<button type="button" class="quiet copy" aria-label=${copied ? "Copied" : label} title=${label}
    onClick=${copy}>${copied ? "copied" : "copy"}</button>`;
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Only pages by https or from localhost have the clipboard.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** A session's short id; leads to its tool calls. */
export const SessionLink = ({ id }) =>
  html`<button type="button" class="link mono" title=${`Tool calls of session ${id}`}
    onClick=${() => go("calls", { "calls.session": id, "calls.id": "" })}>${format.shortId(id)}</button>`;

/** A collection's short id; leads to its row on the overview while there is one. */
export function CollectionLink({ id }) {
  const { collections } = useStore("collections");
  if (!collections.some((row) => row.id === id)) {
    return html`<span class="mono dim" title=${`Collection ${id}; it is no longer remembered`}>${format.shortId(id)}</span>`;
  }
  return html`<button type="button" class="link mono" title=${`Collection ${id} on the overview`}
    onClick=${() => go("overview", { "overview.collection": id })}>${format.shortId(id)}</button>`;
}

/** The way to one call. */
export const CallLink = ({ id, children }) =>
  html`<button type="button" class="link" onClick=${() =>
    go("calls", { "calls.id": String(id), "calls.q": "", "calls.status": "", "calls.tool": "", "calls.session": "", "calls.time": "" })}
    >${children}</button>`;

export function Panel({ id, title, note, tools, children, class: name = "" }) {
  return html`<section class=${`panel ${name}`} aria-labelledby=${`title-${id}`}>
    <div class="panel-head"><h2 id=${`title-${id}`}>${title}</h2>${note && html`<span class="dim">${note}</span>`}${tools}</div>
    ${children}
  </section>`;
}

/** What to do where there is nothing yet. */
export const Empty = ({ title, children }) =>
  html`<div class="empty"><p class="empty-title">${title}</p>${children && html`<p>${children}</p>`}</div>`;

// The roles are written out because a phone shows the rows as cards, and a row that is not laid out as one loses its role.
export function Table({ label, columns, children, class: name = "" }) {
  return html`<div class="scroll" tabindex="0" role="group" aria-label=${label}><table role="table" class=${name} aria-label=${label}>
    <thead role="rowgroup"><tr role="row">${columns.map(({ title, number, hidden }) =>
      html`<th role="columnheader" scope="col" class=${number && "number"}>${
        hidden ? html`<span class="unseen">${title}</span>` : title}</th>`)}</tr></thead>
    <tbody role="rowgroup">${children}</tbody>
  </table></div>`;
}

export const Cell = ({ of, number = false, class: name = "", children }) =>
  html`<td role="cell" data-of=${of} class=${`${number ? "number " : ""}${name}`}>${children}</td>`;

export function SearchBox({ label, value, onInput }) {
  return html`<label class="search"><span class="unseen">${label}</span>
    <input type="search" data-search placeholder=${label} value=${value} autocomplete="off" spellcheck=${false}
      onInput=${(event) => onInput(event.currentTarget.value)} /><kbd aria-hidden="true">/</kbd></label>`;
}

/** `options` are values, or pairs of value and text; the first one is "no filter". */
export function Choice({ label, value, options, onChange }) {
  return html`<label class="choice"><span>${label}</span><select value=${value} aria-label=${label}
    onChange=${(event) => onChange(event.currentTarget.value)}>${options.map((option) => {
      const [key, text] = Array.isArray(option) ? option : [option, option];
      return html`<option value=${key} key=${key} selected=${key === value}>${text}</option>`;
    })}</select></label>`;
}

/** Freezes what is drawn; counts what came meanwhile. */
export function PauseButton({ part }) {
  const { paused, waiting } = useStore("paused", "waiting");
  const more = paused && waiting[part] ? ` (+${format.count(waiting[part])} new)` : "";
  return html`<button type="button" aria-pressed=${paused} title="Key p" onClick=${() => setPaused(!paused)}
    >${paused ? `Resume${more}` : "Pause"}</button>`;
}

/** Messages in each of the last 60 seconds. */
export const Sparkline = memo(({ rate }) => {
  const peak = Math.max(0, ...rate);
  const label = peak ? `Messages per second in the last minute, at most ${peak}` : "No message in the last minute";
  const [width, height] = [120, 24];
  const x = (i) => ((i / Math.max(1, rate.length - 1)) * width).toFixed(1);
  const y = (v) => (height - 2 - (v / Math.max(1, peak)) * (height - 4)).toFixed(1);
  const line = rate.map((v, i) => `${i ? "L" : "M"}${x(i)} ${y(v)}`).join("");
  return html`<svg class="spark" viewBox=${`0 0 ${width} ${height}`} role="img" aria-label=${label} preserveAspectRatio="none">
    ${rate.length > 1 && html`<path class="area" d=${`${line}L${width} ${height}L0 ${height}Z`} /><path class="line" d=${line} />`}
  </svg>`;
});

/** Lines that say how much of a list is shown, with a button for more. */
export function More({ shown, all, what, onMore }) {
  if (shown >= all) return null;
  return html`<p class="more"><span class="dim">${format.count(all - shown)} more ${what} not shown.</span>
    <button type="button" onClick=${onMore}>Show more</button></p>`;
}
