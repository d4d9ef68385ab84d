// What the assistant published or tried to: the audit. Refused messages are in it, they are the interesting ones.

import { download } from "./api.js";
import { textFilter } from "./filtering.js";
import { bytes, count } from "./format.js";
import { html, memo, useMemo, useState } from "./html.js";
import { CallLink, Cell, Choice, Empty, More, Panel, PauseButton, Payload, SearchBox, State, Table, Time, Value } from "./parts.js";
import { useFilters } from "./route.js";
import { useStore } from "./store.js";

const STEP = 100;
const OUTCOMES = [["", "any"], "acknowledged", "sent", ["not_sent", "not sent"], "unknown", "refused"];
const COLUMNS = [
  { title: "Time" }, { title: "Topic" }, { title: "Payload" }, { title: "QoS", number: true }, { title: "Retain" },
  { title: "Size", number: true }, { title: "Outcome" }, { title: "Call" },
];
const HINTS = {
  off: "Publishing is switched off (read-only): the assistant has no tool for it.",
  limited: "Publishing is limited to the topics that the configuration allows.",
};
const says = textFilter((publish) => [publish.topic, publish.payload, publish.detail ?? "", publish.client]);

export function Published() {
  const { publishes, status } = useStore("publishes", "status");
  const [filters, set] = useFilters("published", ["q", "outcome"]);
  const [most, setMost] = useState(STEP);
  const [failure, setFailure] = useState("");
  const found = useMemo(() => {
    const text = says(filters.q);
    return publishes.filter((publish) => (!filters.outcome || publish.outcome === filters.outcome) && text(publish));
  }, [publishes, filters.q, filters.outcome]);
  const save = async () => {
    setFailure("");
    try {
      await download("api/v1/publishes.ndjson", "publishes.ndjson");
    } catch (error) {
      setFailure(error.message);
    }
  };

  return html`<${Panel} id="published" title="Published by the assistant" note=${`${count(found.length)} of ${count(publishes.length)}`}>
    ${status && HINTS[status.publishing] && html`<p class="hint">${HINTS[status.publishing]}</p>`}
    <div class="bar">
      <${SearchBox} label="Search published messages" value=${filters.q} onInput=${(q) => set({ q })} />
      <${Choice} label="Outcome" value=${filters.outcome} options=${OUTCOMES} onChange=${(outcome) => set({ outcome })} />
      <button type="button" title="All of them, one JSON object in each line" onClick=${save}>Export NDJSON</button>
      <${PauseButton} part="publishes" />
    </div>
    <div role="alert">${failure && html`<p class="failure">The export failed: <${Value} text=${failure} /></p>`}</div>
    ${found.length
      ? html`<${Table} label="Published messages" columns=${COLUMNS} class="published">${found.slice(0, most).map((publish) =>
          html`<${Row} key=${publish.id} publish=${publish} />`)}<//>`
      : publishes.length
        ? html`<${Empty} title="No message matches these filters." />`
        : html`<${Empty} title="Nothing was published.">${status?.publishing !== "off" && "When your assistant publishes, or is refused to, it is recorded here."}<//>`}
    <${More} shown=${Math.min(most, found.length)} all=${found.length} what="messages" onMore=${() => setMost(most + STEP)} />
  <//>`;
}

const LONG = 160;

const Row = memo(({ publish }) => {
  const [whole, setWhole] = useState(false);
  return html`<tr role="row" data-refused=${publish.outcome === "refused"}>
  <${Cell} of="Time"><${Time} at=${publish.at_epoch_s} /><//>
  <${Cell} of="Topic"><span class="mono"><${Value} text=${publish.topic} /></span><//>
  <${Cell} of="Payload" class="wide"><span class=${whole ? "mono" : "mono clamped"}><${Payload} of=${publish} /></span>
    ${publish.payload.length > LONG && html` <button type="button" class="link" aria-expanded=${whole}
      onClick=${() => setWhole(!whole)}>${whole ? "less" : "all that is kept"}</button>`}<//>
  <${Cell} of="QoS" number>${publish.qos}<//>
  <${Cell} of="Retain">${publish.retain ? html`<span class="badge">retained</span>` : html`<span class="dim">no</span>`}<//>
  <${Cell} of="Size" number>${bytes(publish.size_bytes)}<//>
  <${Cell} of="Outcome"><${State} of="outcome" is=${publish.outcome} />
    ${publish.detail && html`<div class="under"><${Value} text=${publish.detail} /></div>`}<//>
  <${Cell} of="Call">${publish.call_id ? html`<${CallLink} id=${publish.call_id}>call ${publish.call_id}<//>` : html`<span class="dim">–</span>`}<//>
</tr>`;
});
