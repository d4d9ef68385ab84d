// All tool calls the server remembers, newest first.

import { CallsTable } from "./calls_table.js";
import { textFilter, timeFilter, TIMES } from "./filtering.js";
import { count, shortId } from "./format.js";
import { html, useEffect, useMemo, useState } from "./html.js";
import { Choice, Empty, More, Panel, PauseButton, SearchBox } from "./parts.js";
import { useFilters } from "./route.js";
import { now, useStore } from "./store.js";
import { useTick } from "./ticking.js";

const STEP = 100;
const FORGET_MS = 5000;
const STATUSES = [["", "any"], "running", "ok", "error", "timeout", "cancelled"];
const says = textFilter((call) => [call.tool, call.summary, call.error ?? "", call.client, JSON.stringify(call.args)]);

export function Calls() {
  const { calls } = useStore("calls");
  const [filters, set] = useFilters("calls", ["q", "status", "tool", "session", "time", "from", "to", "id"]);
  const [most, setMost] = useState(STEP);
  // Calls leave "the last minute" by the time alone.
  const tick = useTick(Number(filters.time) > 0 ? FORGET_MS : 0);
  const found = useMemo(() => {
    const [text, time] = [says(filters.q), timeFilter(filters.time, filters.from, filters.to, now())];
    return calls.filter((call) =>
      (!filters.status || call.status === filters.status) &&
      (!filters.tool || call.tool === filters.tool) &&
      (!filters.session || call.session_id === filters.session) && text(call) && time(call));
  }, [calls, tick, ...Object.values(filters)]);
  const tools = useMemo(() => [["", "any"], ...new Set(calls.map((call) => call.tool).sort())], [calls]);
  const opened = Number(filters.id) || 0;
  useEffect(() => {
    const at = found.findIndex((call) => call.id === opened);
    if (at >= most) setMost(at + 20);
  }, [opened]);
  const active = filters.q || filters.status || filters.tool || filters.session || filters.time;

  return html`<${Panel} id="calls" title="Tool calls" note=${`${count(found.length)} of ${count(calls.length)}`}>
    <div class="bar">
      <${SearchBox} label="Search tool calls" value=${filters.q} onInput=${(q) => set({ q })} />
      <${Choice} label="Status" value=${filters.status} options=${STATUSES} onChange=${(status) => set({ status })} />
      <${Choice} label="Tool" value=${filters.tool} options=${withChosen(tools, filters.tool)} onChange=${(tool) => set({ tool })} />
      <${SessionChoice} calls=${calls} value=${filters.session} onChange=${(session) => set({ session })} />
      <${Choice} label="Time" value=${filters.time} options=${TIMES} onChange=${(time) => set({ time })} />
      ${filters.time === "between" && html`
        <label class="choice"><span>From</span><input type="datetime-local" value=${filters.from} onInput=${(e) => set({ from: e.currentTarget.value })} /></label>
        <label class="choice"><span>To</span><input type="datetime-local" value=${filters.to} onInput=${(e) => set({ to: e.currentTarget.value })} /></label>`}
      ${active && html`<button type="button" class="quiet" onClick=${() =>
        set({ q: "", status: "", tool: "", session: "", time: "", from: "", to: "" })}>Clear filters</button>`}
      <${PauseButton} part="calls" />
    </div>
    ${found.length
      ? html`<${CallsTable} label="Tool calls" calls=${found.slice(0, most)} opened=${opened} />`
      : calls.length
        ? html`<${Empty} title="No call matches these filters." />`
        : html`<${Empty} title="No tool call yet.">Ask your assistant something about the broker, and watch here what it does.<//>`}
    <${More} shown=${Math.min(most, found.length)} all=${found.length} what="calls" onMore=${() => setMost(most + STEP)} />
  <//>`;
}

/** What is chosen can be chosen, even when nothing has it any more. */
const withChosen = (options, value) =>
  options.some((option) => (Array.isArray(option) ? option[0] : option) === value) ? options : [...options, value];

function SessionChoice({ calls, value, onChange }) {
  const { sessions } = useStore("sessions");
  const ids = useMemo(() => new Set([...sessions.map((s) => s.id), ...calls.map((c) => c.session_id)].filter(Boolean)), [calls, sessions]);
  const options = [["", "any"], ...[...(value ? ids.add(value) : ids)].map((id) => [id, shortId(id)])];
  return html`<${Choice} label="Session" value=${value} options=${options} onChange=${onChange} />`;
}
