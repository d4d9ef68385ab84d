// The server's own log.

import { save } from "./api.js";
import { textFilter } from "./filtering.js";
import { count, localTime, plural } from "./format.js";
import { html, memo, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./html.js";
import { Choice, Empty, Panel, PauseButton, SearchBox, State, Time, Value } from "./parts.js";
import { useFilters } from "./route.js";
import { useStore } from "./store.js";

const STEP = 400;
const LEVELS = ["debug", "info", "warning", "error"];
const LEAST = [["", "all"], ["info", "info and above"], ["warning", "warnings and errors"], ["error", "errors"]];
const says = textFilter((line) => [line.text, line.logger, line.level]);

export function Logs() {
  const { logs } = useStore("logs");
  const [filters, set] = useFilters("logs", ["q", "level"]);
  const [context, setContext] = useState(null); // the id of a line that is shown among its neighbours
  const [most, setMost] = useState(STEP);
  const filtered = context === null && Boolean(filters.q.trim() || filters.level);
  const found = useMemo(() => {
    if (!filtered) return logs;
    const [text, least] = [says(filters.q), LEVELS.indexOf(filters.level)];
    // Gaps are told whatever the filter: what is lost might have matched.
    return logs.filter((line) => line.gap || (LEVELS.indexOf(line.level) >= least && text(line)));
  }, [logs, filtered, filters.q, filters.level]);
  const lines = found.filter((line) => !line.gap).length;
  const [showContext] = useState(() => (id) => setContext(id));
  const first = context === null ? found.length - most
    : Math.min(found.length - most, found.findIndex((line) => line.id === context) - STEP / 4);

  return html`<${Panel} id="logs" title="Log of mqtt-mcp" note=${`${count(lines)} of ${count(logs.filter((line) => !line.gap).length)} lines`}>
    <div class="bar">
      <${SearchBox} label="Search the log" value=${filters.q} onInput=${(q) => { setContext(null); set({ q }); }} />
      <${Choice} label="Level" value=${filters.level} options=${LEAST} onChange=${(level) => { setContext(null); set({ level }); }} />
      <button type="button" disabled=${!lines} title="The lines that match the filter, as text" onClick=${() => saveLines(found)}>Download</button>
      <${PauseButton} part="logs" />
      ${context !== null && html`<button type="button" class="quiet" onClick=${() => setContext(null)}>Back to the filter</button>`}
    </div>
    ${found.length
      ? html`<${Lines} lines=${found.slice(Math.max(0, first))} context=${context} onContext=${filtered ? showContext : null}
          earlier=${Math.max(0, first)} onEarlier=${() => setMost(most + STEP)} />`
      : logs.length
        ? html`<${Empty} title="No line matches this filter." />`
        : html`<${Empty} title="Nothing was logged yet.">What mqtt-mcp itself does and fails at appears here, whatever it writes to standard error.<//>`}
  <//>`;
}

/** The lines, scrolled along with new ones as long as one looks at the end. */
function Lines({ lines, context, onContext, earlier, onEarlier }) {
  const box = useRef();
  const atEnd = useRef(true);
  const [away, setAway] = useState(0); // the id of the last line one saw at the end, 0 while there
  const last = lines.at(-1);
  const toEnd = () => {
    box.current.scrollTop = box.current.scrollHeight;
  };
  useLayoutEffect(() => {
    if (atEnd.current && context === null) toEnd();
  }, [last?.id, lines.length, context]);
  useEffect(() => {
    if (context === null) return;
    atEnd.current = false;
    const line = box.current.querySelector("[data-wanted=true]");
    // By hand, because scrollIntoView would move the page as well.
    if (line) box.current.scrollTop = line.offsetTop - box.current.clientHeight / 2;
  }, [context]);
  const look = () => {
    const { scrollHeight, scrollTop, clientHeight } = box.current;
    const end = scrollHeight - scrollTop - clientHeight < 24;
    if (end === atEnd.current) return;
    atEnd.current = end;
    setAway(end ? 0 : last.id);
  };
  const below = away && context === null ? lines.length - 1 - lines.findIndex((line) => line.id === away) : 0;
  return html`<div class="log-frame">
    <div class="log" ref=${box} onScroll=${look} tabindex="0" role="log" aria-live="off" aria-label="Log lines">
      ${earlier > 0 && html`<p class="more"><button type="button" onClick=${onEarlier}>${plural(earlier, "earlier line")}</button></p>`}
      ${lines.map((line) => html`<${Line} key=${line.id} line=${line} wanted=${line.id === context} onContext=${onContext} />`)}
    </div>
    ${away !== 0 && html`<button type="button" class="to-end" onClick=${() => { atEnd.current = true; setAway(0); toEnd(); }}
      >${below > 0 ? `${plural(below, "new line")} ↓` : "To the end ↓"}</button>`}
  </div>`;
}

const Line = memo(({ line, wanted, onContext }) => {
  if (line.gap) return html`<div class="log-gap">${line.gap}</div>`;
  return html`${line.missed > 0 && html`<div class="log-gap">${plural(line.missed, "line")} lost here: too many came at once.</div>`}
    <div class="log-line" data-wanted=${wanted}>
      <${Time} at=${line.at_epoch_s} /><${State} of="level" is=${line.level} />
      <span class="dim logger"><${Value} text=${line.logger} /></span><span class="log-text"><${Value} text=${line.text} block /></span>
      ${onContext && html`<button type="button" class="quiet" title="Show the lines around this one" onClick=${() => onContext(line.id)}>context</button>`}
    </div>`;
});

function saveLines(lines) {
  const text = lines.map((line) =>
    line.gap ? `--- ${line.gap}` : `${new Date(line.at_epoch_s * 1000).toISOString()} ${line.level.toUpperCase()} ${line.logger}: ${line.text}`);
  save(new Blob([`${text.join("\n")}\n`], { type: "text/plain;charset=utf-8" }), `mqtt-mcp-${localTime(lines.at(-1).at_epoch_s).replace(/\W+/g, "-")}.log`);
}
