// Puts the page together, listens to the keyboard, and follows the server.

import { AskDialog } from "./ask.js";
import { Calls } from "./calls.js";
import { Findings } from "./findings.js";
import { html, memo, render, useEffect } from "./html.js";
import { Logs } from "./logs.js";
import { useValue } from "./observable.js";
import { Overview } from "./overview.js";
import { Published } from "./published.js";
import { go, useView, VIEWS } from "./route.js";
import { Footer, Header, Tabs, TITLES, TokenForm, Trouble } from "./shell.js";
import { setPaused, shown, useStore } from "./store.js";
import { follow, link } from "./stream.js";
import { Topics } from "./topics.js";

// memo: the status of each second draws what is around a view, not the view.
const PAGES = {
  overview: memo(Overview), findings: memo(Findings), calls: memo(Calls), published: memo(Published), topics: memo(Topics),
  logs: memo(Logs),
};

function App() {
  const view = useView();
  const { state } = useValue(link);
  const { status } = useStore("status");
  useEffect(() => {
    document.title = `${state === "live" ? "" : `(${state}) `}${TITLES[view]} · mqtt-mcp`;
  }, [view, state]);
  if (state === "token needed") return html`<${Header} /><main class="page"><${TokenForm} /></main>`;
  const Page = PAGES[view];
  return html`<${Header} /><${Tabs} view=${view} />
    <main class="page"><${Trouble} />
      <div id="view" role="tabpanel" aria-labelledby=${`tab-${view}`}>${status ? html`<${Page} key=${view} />` : html`<p class="dim">Loading …</p>`}</div>
    </main><${Footer} /><${AskDialog} />`;
}

addEventListener("keydown", (event) => {
  const field = event.target.closest?.("input, select, textarea");
  if (event.key === "Escape" && field) field.blur();
  if (field || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "p") setPaused(!shown.paused);
  else if (VIEWS[Number(event.key) - 1]) go(VIEWS[Number(event.key) - 1]);
  else if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (!search) return;
    event.preventDefault(); // or the slash would be typed into it
    search.focus();
    search.select();
  }
});

const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);
follow();
