// What the results of the assistant's watches told is wrong: all the page remembers, newest first or worst first.

import { textFilter, timeFilter, TIMES } from "./filtering.js";
import { FindingsTable, tally } from "./findings_table.js";
import { count, shortId } from "./format.js";
import { html, useMemo, useState } from "./html.js";
import { Choice, Empty, More, Panel, PauseButton, SearchBox, SEVERITIES } from "./parts.js";
import { go, useFilters } from "./route.js";
import { now, useStore } from "./store.js";
import { useTick } from "./ticking.js";

const STEP = 100;
const FORGET_MS = 5000;
const LAST_ONES = 5;
const LEAST = [["", "all"], ...SEVERITIES.slice(0, -1).map((name) => [name, name === "critical" ? name : `${name} and worse`])];
const ORDERS = [["", "newest first"], ["worst", "worst first"]];
const SPANS = TIMES.filter(([span]) => span !== "between");
const says = textFilter((finding) => [finding.text, finding.code, finding.where, finding.tool, finding.severity]);
const rank = (finding) => SEVERITIES.indexOf(finding.severity);
// Severities of a newer server come last and are filtered out only when one asks for worse ones.
const known = (finding) => (rank(finding) < 0 ? SEVERITIES.length : rank(finding));

export function Findings() {
  const { findings } = useStore("findings");
  const [filters, set] = useFilters("findings", ["q", "severity", "tool", "collection", "time", "order"]);
  const [most, setMost] = useState(STEP);
  const tick = useTick(Number(filters.time) > 0 ? FORGET_MS : 0);
  const found = useMemo(() => {
    const [text, time] = [says(filters.q), timeFilter(filters.time, "", "", now())];
    const least = SEVERITIES.includes(filters.severity) ? SEVERITIES.indexOf(filters.severity) : Infinity;
    const matching = findings.filter((finding) =>
      known(finding) <= least &&
      (!filters.tool || finding.tool === filters.tool) &&
      (!filters.collection || finding.collection_id === filters.collection) && text(finding) && time(finding));
    return filters.order === "worst" ? matching.sort((a, b) => known(a) - known(b)) : matching;
  }, [findings, tick, ...Object.values(filters)]);
  const tools = useMemo(() => choices(findings.map((finding) => finding.tool), filters.tool), [findings, filters.tool]);
  const collections = useMemo(
    () => choices(findings.map((finding) => finding.collection_id), filters.collection, shortId), [findings, filters.collection]);
  const active = filters.q || filters.severity || filters.tool || filters.collection || filters.time;

  return html`<${Panel} id="findings" title="Findings" note=${[`${count(found.length)} of ${count(findings.length)}`, tally(found, SEVERITIES)].filter(Boolean).join(": ")}>
    <div class="bar">
      <${SearchBox} label="Search findings" value=${filters.q} onInput=${(q) => set({ q })} />
      <${Choice} label="Severity" value=${filters.severity} options=${LEAST} onChange=${(severity) => set({ severity })} />
      <${Choice} label="Tool" value=${filters.tool} options=${tools} onChange=${(tool) => set({ tool })} />
      <${Choice} label="Collection" value=${filters.collection} options=${collections} onChange=${(collection) => set({ collection })} />
      <${Choice} label="Time" value=${filters.time} options=${SPANS} onChange=${(time) => set({ time })} />
      <${Choice} label="Order" value=${filters.order} options=${ORDERS} onChange=${(order) => set({ order })} />
      ${active && html`<button type="button" class="quiet" onClick=${() =>
        set({ q: "", severity: "", tool: "", collection: "", time: "" })}>Clear filters</button>`}
      <${PauseButton} part="findings" />
    </div>
    ${found.length
      ? html`<${FindingsTable} label="Findings" findings=${found.slice(0, most)} />`
      : findings.length ? html`<${Empty} title="No finding matches these filters." />` : html`<${None} />`}
    <${More} shown=${Math.min(most, found.length)} all=${found.length} what="findings" onMore=${() => setMost(most + STEP)} />
  <//>`;
}

/** What is chosen can be chosen, even when nothing has it any more. */
const choices = (values, chosen, text = (value) => value) =>
  [["", "any"], ...[...new Set(chosen ? [...values, chosen] : values)].sort().map((value) => [value, text(value)])];

/** The latest, for the first screen. */
export function LastFindings() {
  const { findings } = useStore("findings");
  const tools = findings.length > LAST_ONES && html`<button type="button" class="quiet" onClick=${() => go("findings")}>All ${count(findings.length)} findings</button>`;
  return html`<${Panel} id="last-findings" title="Last findings" note=${tally(findings, SEVERITIES)} tools=${tools}>
    ${findings.length
      ? html`<${FindingsTable} label="Last findings" findings=${findings.slice(0, LAST_ONES)} brief />`
      : html`<${None} />`}
  <//>`;
}

const None = () =>
  html`<${Empty} title="No finding yet.">What a watch finds wrong appears here: a device that is offline, a payload that is cut, a broker that drops messages. Ask: <q>Is any device offline?</q><//>`;
