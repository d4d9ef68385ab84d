// What results told is wrong, as a table: on the overview and in its own view.

import { plural } from "./format.js";
import { html, memo } from "./html.js";
import { Cell, CollectionLink, SessionLink, Severity, Table, Time, Value } from "./parts.js";

const COLUMNS = [{ title: "Severity" }, { title: "What" }, { title: "Where" }, { title: "Found" }, { title: "By" }];
const BRIEF = [{ title: "Severity" }, { title: "What and where" }, { title: "Found" }];

/** `brief`: the same in three columns, for where there is little room. */
export const FindingsTable = ({ label, findings, brief = false }) =>
  html`<${Table} label=${label} columns=${brief ? BRIEF : COLUMNS} class=${brief ? "findings brief" : "findings"}>${findings.map((finding) =>
    html`<${brief ? BriefRow : Row} key=${finding.id} finding=${finding} />`)}<//>`;

const Row = memo(({ finding }) => html`<tr role="row" data-severity=${finding.severity}>
  <${Cell} of="Severity"><${Severity} is=${finding.severity} /><//>
  <${Cell} of="What" class="what"><${Value} text=${finding.text} /><div class="under"><${Kind} of=${finding} /></div><//>
  <${Cell} of="Where" class="where"><span class="mono"><${Value} text=${finding.where} /></span><//>
  <${Cell} of="Found"><${Time} at=${finding.at_epoch_s} />
    ${finding.since_epoch_s !== undefined && html`<div class="under since">first seen <${Time} at=${finding.since_epoch_s} /></div>`}<//>
  <${Cell} of="By"><span class="mono"><${Value} text=${finding.tool} /></span>
    <div class="under">collection <${CollectionLink} id=${finding.collection_id} /> on <${SessionLink} id=${finding.session_id} /></div><//>
</tr>`);

const BriefRow = memo(({ finding }) => html`<tr role="row" data-severity=${finding.severity}>
  <${Cell} of="Severity"><${Severity} is=${finding.severity} /><//>
  <${Cell} of="What" class="what"><${Value} text=${finding.text} />
    <div class="under"><span class="mono place"><${Value} text=${finding.where} /></span> · <${Kind} of=${finding} /></div><//>
  <${Cell} of="Found"><${Time} at=${finding.at_epoch_s} /> <span class="under"><${CollectionLink} id=${finding.collection_id} /></span>
    <div class="under"><span class="mono"><${Value} text=${finding.tool} /></span></div><//>
</tr>`);

/** Its code, and how often it showed. */
const Kind = ({ of }) =>
  html`<span class="mono"><${Value} text=${of.code} /></span>${of.count > 1 && ` · ${plural(of.count, "time")}`}`;

/** "2 critical · 1 low": how many there are of each severity there is. */
export function tally(findings, severities) {
  const of = Map.groupBy(findings, (finding) => finding.severity);
  return severities.filter((name) => of.has(name)).map((name) => `${of.get(name).length} ${name}`).join(" · ");
}
