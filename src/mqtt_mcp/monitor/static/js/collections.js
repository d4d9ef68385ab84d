// The collections: what the assistant watches for a while. Finished ones stay ten minutes.

import { askToCancel } from "./ask.js";
import { count, plural, span } from "./format.js";
import { html, memo, useEffect, useMemo, useRef, useState } from "./html.js";
import { Cell, Empty, Panel, SessionLink, State, Table, Value } from "./parts.js";
import { go, useFilters } from "./route.js";
import { useStore } from "./store.js";

export function Collections() {
  const { collections, findings, status } = useStore("collections", "findings", "status");
  const [filters, set] = useFilters("overview", ["collection"]);
  const [wanted, setWanted] = useState("");
  useEffect(() => {
    if (!filters.collection) return;
    setWanted(filters.collection);
    set({ collection: "" }); // gone to once, not each time the overview is drawn
  }, [filters.collection]);
  const told = useMemo(() => Map.groupBy(findings, (finding) => finding.collection_id), [findings]);
  const actions = status?.actions ?? false;
  const rows = useMemo(() => collections.toSorted(runningFirst), [collections]);
  const running = rows.filter((row) => row.state === "running").length;
  const columns = [
    { title: "Watching" }, { title: "State" }, { title: "Elapsed" }, { title: "Messages", number: true },
    ...(actions ? [{ title: "Action", hidden: true }] : []),
  ];
  return html`<${Panel} id="collections" title="Collections" note=${rows.length > 0 && `${running} running · finished ones stay 10 min`}>
    ${rows.length
      ? html`<${Table} label="Collections" columns=${columns} class="collections">${rows.map((row) =>
          html`<${Row} key=${row.id} row=${row} actions=${actions} findings=${told.get(row.id)?.length ?? 0} wanted=${row.id === wanted} />`)}<//>`
      : html`<${Empty} title="Nothing is being collected.">Ask your assistant to watch a topic for a while: <q>What does home/# say in the next 30 seconds?</q><//>`}
  <//>`;
}

const runningFirst = (a, b) =>
  (b.state === "running") - (a.state === "running") || b.started_at_epoch_s - a.started_at_epoch_s;

const goToFindings = (id) => go("findings", {
  "findings.collection": id, "findings.q": "", "findings.severity": "", "findings.tool": "", "findings.time": "",
});

const Row = memo(({ row, actions, findings, wanted }) => {
  const running = row.state === "running";
  const line = useRef();
  useEffect(() => {
    if (!wanted) return;
    line.current.scrollIntoView({ block: "center" });
    line.current.focus({ preventScroll: true });
  }, [wanted]);
  return html`<tr role="row" ref=${line} tabindex="-1" data-wanted=${wanted}>
    <${Cell} of="Watching">
      <div class="mono"><${Value} text=${row.watching} /></div>
      <div class="under"><span class="mono">${row.tool}</span> on <${SessionLink} id=${row.session_id} /></div>
    <//>
    <${Cell} of="State"><${State} of="collection" is=${row.state} />
      ${row.failure && html`<div class="under" data-tone="bad"><${Value} text=${row.failure} /></div>`}
      ${findings > 0 && html`<div class="under"><button type="button" class="link" onClick=${() => goToFindings(row.id)}>${plural(findings, "finding")}</button></div>`}<//>
    <${Cell} of="Elapsed">
      <progress data-over=${!running} max=${row.duration_s || 1} value=${Math.min(row.elapsed_s, row.duration_s || 1)} aria-label="Time watched"></progress>
      <div class="under">${span(row.elapsed_s)} of ${span(row.duration_s)}</div>
    <//>
    <${Cell} of="Messages" number>${count(row.messages)}${row.limit > 0 && html`<div class="under">keeps ${count(row.limit)}</div>`}<//>
    ${actions && html`<${Cell} of="Action" class="action">${running && html`<button type="button" aria-label="Cancel this collection"
      onClick=${() => askToCancel(row)}>Cancel</button>`}<//>`}
  </tr>`;
});
