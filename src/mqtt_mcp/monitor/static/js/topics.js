// What the assistant's own sessions heard, as a tree. The monitor never subscribes to anything itself.

import { getJson } from "./api.js";
import { topicFilter } from "./filtering.js";
import { age, bytes, count, plural } from "./format.js";
import { html, memo, useEffect, useMemo, useState } from "./html.js";
import { Choice, CopyButton, Empty, Panel, PauseButton, Payload, SearchBox, Time, Value } from "./parts.js";
import { useFilters } from "./route.js";
import { mergeTopics, shown, useStore } from "./store.js";
import { Ticking } from "./ticking.js";
import { grow, prune } from "./topic_tree.js";

const ORDERS = [["", "name"], ["count", "messages (who floods?)"], ["recent", "last message"]];
const FEW = 60;
const CATCH_UP_MS = 15_000;

export function Topics() {
  const { topics, status } = useStore("topics", "status");
  const [filters, set] = useFilters("topics", ["q", "sort"]);
  // What was opened or closed by hand, against the rule: everything is open or only the first level is, and with a filter
  // everything. Few topics begin open; later ones must not close what somebody reads.
  const [turned, setTurned] = useState(() => new Set());
  const [allOpen, setAllOpen] = useState(null);
  useEffect(() => {
    if (allOpen === null && topics.length) setAllOpen(topics.length <= FEW);
  }, [topics]);
  const openAll = (open) => {
    setAllOpen(open);
    setTurned(new Set());
  };
  const [turn] = useState(() => (path) => setTurned((before) => {
    const after = new Set(before);
    if (!after.delete(path)) after.add(path);
    return after;
  }));
  useCatchUp();
  const found = useMemo(() => {
    const matches = topicFilter(filters.q);
    return filters.q.trim() ? topics.filter((topic) => matches(topic.topic)) : topics;
  }, [topics, filters.q]);
  const root = useMemo(() => grow(found), [found]);
  const filtered = filters.q.trim() !== "";
  const tree = useMemo(
    () => prune(root, filters.sort, (node, depth) => (node.children.size > 0 && (filtered || allOpen || depth === 0)) !== turned.has(node.path)),
    [root, filters.sort, filtered, allOpen, turned],
  );
  const forgotten = status?.topics_forgotten ?? 0;

  return html`<${Panel} id="topics" title="Topics" note=${`${count(found.length)} of ${count(topics.length)} · heard by the assistant's sessions`}>
    ${forgotten > 0 && html`<p class="hint">${plural(forgotten, "topic")} heard longest ago ${forgotten === 1 ? "was" : "were"} forgotten, because there are too many to remember.</p>`}
    <div class="bar">
      <${SearchBox} label="Filter topics: part of a name, or with + and #" value=${filters.q} onInput=${(q) => set({ q })} />
      <${Choice} label="Sort by" value=${filters.sort} options=${ORDERS} onChange=${(sort) => set({ sort })} />
      <button type="button" onClick=${() => openAll(!allOpen)}>${allOpen ? "Close all" : "Open all"}</button>
      <${PauseButton} part="topics" />
    </div>
    ${found.length
      ? html`<div class="tree">
          <div class="tree-head" aria-hidden="true"><span>Topic</span><span>Last value</span><span class="number">Messages</span><span class="number">Age</span></div>
          <${Rows} of=${tree} depth=${0} total=${root.count} turn=${turn} label="Topics" />
        </div>`
      : topics.length
        ? html`<${Empty} title="No topic matches this filter.">A filter with + or # has to match the whole topic: <code>home/+/temperature</code>, <code>home/#</code>.<//>`
        : html`<${Empty} title="No topic was heard yet.">Ask your assistant: <q>Which topics are there?</q> What it receives appears here; this page never subscribes by itself.<//>`}
    ${tree.hidden > 0 && html`<p class="more dim">${plural(tree.hidden, "topic")} not shown, to keep this page quick. Narrow the filter to see them.</p>`}
  <//>`;
}

/** A second's event has only the topics heard last; while others changed too, the whole list is loaded now and then. */
function useCatchUp() {
  useEffect(() => {
    const timer = setInterval(async () => {
      const unsent = shown.topicsUnsent;
      if (document.hidden || shown.paused || unsent === 0) return;
      try {
        mergeTopics((await getJson("api/v1/topics")).items, unsent);
      } catch {
        // The stream says what is wrong with the connection.
      }
    }, CATCH_UP_MS);
    return () => clearInterval(timer);
  }, []);
}

function Rows({ of, depth, total, turn, label }) {
  return html`<ul aria-label=${label}>${of.rows.map((row) => html`<li key=${row.node.name}>
    <${Row} topic=${row.node.topic} name=${row.node.name} path=${row.node.path} topics=${row.node.topics} messages=${row.node.count}
      at=${row.node.at} open=${row.open} branch=${row.node.children.size > 0} depth=${depth} total=${total} turn=${turn} />
    ${row.open && row.rows.length > 0 && html`<${Rows} of=${row} depth=${depth + 1} total=${total} turn=${turn} />`}
  </li>`)}${of.cut > 0 && html`<li key="/cut" class="dim cut-row" style=${{ "--depth": depth }}>… ${count(of.cut)} more here</li>`}</ul>`;
}

// All that changes is in the properties, so a row where nothing came in is not drawn again ("total" only moves a bar).
const Row = memo(({ topic, name, path, topics, messages, at, open, branch, depth, total, turn }) => {
  const share = total ? messages / total : 0;
  return html`<div class="leaf" data-branch=${branch} style=${{ "--depth": depth }}>
    <span class="leaf-name"><button type="button" class="quiet opener" aria-expanded=${open} onClick=${() => turn(path)}
      ><span class="mono">${name ? html`<${Value} text=${name} />` : html`<i class="dim">(empty level)</i>`}</span></button>
      ${branch && html`<span class="dim leaf-topics">${plural(topics, "topic")}</span>`}</span>
    <span class="leaf-value">${topic && html`${topic.retain && html`<span class="badge">retained</span> `}<span class="mono"><${Payload} of=${topic} /></span>`}</span>
    <span class="number leaf-count">${share > 0.03 && html`<span class="share" aria-hidden="true" style=${{ width: `${(share * 100).toFixed(1)}%` }}></span>`}<span title=${`${(share * 100).toFixed(1)} % of these messages`}>${count(messages)}<span class="unseen"> messages</span></span></span>
    <span class="number dim"><${Ticking} text=${(now) => age(now - at)} /></span>
  </div>
  ${open && topic && html`<div class="leaf-details" style=${{ "--depth": depth }}>
    <p class="mono"><${Value} text=${topic.topic} /> <${CopyButton} text=${topic.topic} label="Copy the topic" /></p>
    <div class="code" tabindex="0" role="group" aria-label="Last value"><${Payload} of=${topic} block /></div>
    <p class="dim"><${Time} at=${topic.at_epoch_s} /> · ${bytes(topic.size_bytes)} · QoS ${topic.qos} · ${plural(topic.count, "message")}${topic.retain && " · the broker keeps this value (retained)"}</p>
  </div>`}`;
});
