// What results told is wrong, as a table: on the overview and in its own view.

import { plural } from "./format.js";
import { html, memo } from "./html.js";
import { Cell, CollectionLink, SessionLink, Severity, Table, Time, Value } from "./parts.js";

const COLUMNS = [{ title: "Severity" }, { title: "What" }, { title: "Where" }, { title: "Found" }, { title: "By" }];

/** `brief`: where there is little room, without the session, which the collection's row has. */
export const FindingsTable = ({ label, findings, brief = false }) =>
  html`<${Table} label=${label} columns=${COLUMNS} class="findings">${findings.map((finding) =>
    html`<${Row} key=${finding.id} finding=${finding} brief=${brief} />`)}<//>`;

const Row = memo(({ finding, brief }) => html`<tr role="row" data-severity=${finding.severity}>
  <${Cell} of="Severity"><${Severity} is=${finding.severity} /><//>
  <${Cell} of="What" class="what"><${Value} text=${finding.text} />
    <div class="under"><span class="mono"><${Value} text=${finding.code} /></span>${finding.count > 1 && ` · ${plural(finding.count, "time")}`}</div><//>
  <${Cell} of="Where" class="where"><span class="mono"><${Value} text=${finding.where} /></span><//>
  <${Cell} of="Found"><${Time} at=${finding.at_epoch_s} />
    ${finding.since_epoch_s !== undefined && html`<div class="under since">since <${Time} at=${finding.since_epoch_s} /></div>`}<//>
  <${Cell} of="By"><span class="mono"><${Value} text=${finding.tool} /></span>
    <div class="under">collection <${CollectionLink} id=${finding.collection_id} />${!brief && html` on <${SessionLink} id=${finding.session_id} />`}</div><//>
</tr>`);

/** "2 critical · 1 low": how many there are of each severity there is. */
export function tally(findings, severities) {
  const of = Map.groupBy(findings, (finding) => finding.severity);
  return severities.filter((name) => of.has(name)).map((name) => `${of.get(name).length} ${name}`).join(" · ");
}
